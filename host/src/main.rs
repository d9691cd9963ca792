//! `gateway`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use gateway_host::cli::Cli;

fn main() -> ExitCode {
    // Before anything else: the process that outlives the gateway to clean up after it stays as small as it can be.
    if gateway_host::reap() {
        return ExitCode::SUCCESS;
    }
    Cli::parse().run()
}
