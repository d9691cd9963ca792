//! The life of external servers, with real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod eras;
mod harness;
mod instances;
mod lifecycle;
mod talk;
