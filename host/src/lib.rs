//! MCP Gateway as a library; the binary `gateway` is a thin user of it.

pub mod app;
pub mod cli;
pub mod config;
pub mod folders;
pub mod frontends;
pub mod gateway;
pub mod packages;
pub mod results;
pub mod sources;
pub mod telemetry;
