//! An MCP server with everything that MCP has, of every revision: it passes the official conformance suite, and offers what
//! the tests of the gateway need besides.
//!
//! `fixture-server stdio`, `fixture-server http ADDRESS` (Streamable HTTP, sessions and without) and
//! `fixture-server sse ADDRESS` (HTTP+SSE of 2024-11-05). The last two print their URL, and end with their standard input
//! where that is a pipe, so that none outlives its test.
//!
//! [`fixture`] takes requests, [`tools`] sends calls to where they are answered: what never changes stands in `tools.json` and
//! `contents.json`; [`asks`], [`rounds`] and [`tasks`] are calls that need the client; [`matrix`] are those that are not the
//! suite's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    deprecated,
    reason = "a server for tests, which has to end where the test is wrong, and offers what is deprecated too"
)]

mod asks;
mod call;
mod changes;
mod contents;
mod fixture;
mod http;
mod matrix;
mod prompts;
mod resources;
mod rounds;
mod sse;
mod tasks;
mod tools;

use std::{env, fs, process::ExitCode};

use rmcp::{ServiceExt as _, transport::io::stdio_pipes};
use tokio::io::AsyncReadExt as _;

use crate::fixture::Fixture;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio"] => {
            let running = Fixture::default().serve(stdio_pipes()).await.expect("the client says hello");
            running.waiting().await.expect("no handler panics");
        }
        ["http", address] => until_end_of_input(http::serve(address, "/mcp", http::router())).await,
        ["sse", address] => until_end_of_input(http::serve(address, "/sse", sse::router())).await,
        _ => {
            eprintln!("usage: fixture-server stdio | http ADDRESS | sse ADDRESS");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

async fn until_end_of_input(serving: impl Future<Output = ()>) {
    use std::os::unix::fs::FileTypeExt as _;
    let piped = fs::metadata("/dev/stdin").is_ok_and(|input| input.file_type().is_fifo());
    let ended = async {
        let mut input = tokio::io::stdin();
        while piped && input.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
        if !piped {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! { () = serving => {} () = ended => {} }
}
