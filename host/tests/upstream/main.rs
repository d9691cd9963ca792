//! The life of external servers, with real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod harness;
mod lifecycle;
mod talk;
