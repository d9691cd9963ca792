//! `gateway`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use gateway_host::cli::Cli;

/// Calls take and give back memory on threads that come and go. What glibc gives each of them keeps hundreds of MiB after a
/// burst of calls; this allocator gives them back to the system.
#[cfg(all(feature = "jemalloc", target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Before anything else: the process that outlives the gateway to clean up after it stays as small as it can be.
    if gateway_host::reap() {
        return ExitCode::SUCCESS;
    }
    Cli::parse().run()
}
