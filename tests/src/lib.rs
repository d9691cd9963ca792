//! What the tests of the built gateway stand on.
//!
//! * [`Gateway`]: a configuration in a folder of its own, and the binary run on it.
//! * [`Client`]: an MCP client on a child's standard input and output that sees every byte, for the gateway and, to compare,
//!   for the servers behind it.
//! * [`Fake`]: an MCP server that does what a test tells it, and tells the test what it sees.
//! * [`Listening`]: a server on a port of its own choice.
//! * [`conformance`]: the official suite of checks.
//! * [`files`]: a server of HTTP that answers as a test says.
//! * [`registry`]: a registry of images, as Debian has it.
//! * [`guests`]: the plugins of `plugins/` and `tests/guests/`, built by the build script.
//! * [`http`]: a client of HTTP that sees every byte, and of MCP over it.
//! * [`foreign`]: the official clients and servers, in Node and Python.
//! * [`matrix`]: what a client sees of a server, directly and through the gateway.
//! * [`Serving`]: `gateway serve`, on a port of its own.
//!
//! Nothing sleeps: what a test waits for, it awaits, and gives up after [`wait::PATIENCE`] with all that it saw.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "what goes wrong here has to stop a test, and say why"
)]

pub mod client;
pub mod conformance;
pub mod fake;
pub mod fake_http;
pub mod files;
pub mod foreign;
pub mod gateway;
pub mod guests;
pub mod http;
pub mod listening;
pub mod matrix;
pub mod message;
pub mod place;
pub mod registry;
pub mod serve;
pub mod wait;
pub mod web;

pub use self::{
    client::Client,
    fake::{Fake, Running},
    gateway::{Gateway, Output},
    http::{Http, HttpSession},
    listening::Listening,
    message::Message,
    serve::Serving,
};
