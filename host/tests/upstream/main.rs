//! The life of external servers, with real processes.

mod harness;
mod lifecycle;
mod talk;
