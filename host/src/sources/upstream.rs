//! External servers.

pub mod config;
