//! What the gateway tells about itself over HTTP, beside MCP.
//!
//! * [`health`]: whether it lives, takes requests, and how its servers are doing.

pub mod health;
