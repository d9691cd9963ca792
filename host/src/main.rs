//! `gateway`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use gateway_host::{cli::Cli, sources::upstream::guard};

fn main() -> ExitCode {
    // Before anything else: the process that outlives the gateway to clean up after it stays as small as it can be.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == guard::SUBCOMMAND) {
        guard::reap_main();
        return ExitCode::SUCCESS;
    }
    Cli::parse().run()
}
