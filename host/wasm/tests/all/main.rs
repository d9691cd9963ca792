//! Plugins as sources: real components, called as the gateway calls them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod cache;
mod calls;
mod cancellation;
mod functions;
mod inspection;
mod limits;
mod permissions;
mod support;
mod warm;
