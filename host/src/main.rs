//! `gateway`: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    gateway_host::cli::Cli::parse().run()
}
