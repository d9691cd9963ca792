//! MCP Gateway as a library; the binary `gateway` is a thin user of it.

pub mod cli;
