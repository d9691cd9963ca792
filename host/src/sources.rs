//! The kinds of sources: what offers tools and runs them.

pub mod functions;
pub mod native;
pub mod pipeline;
pub mod upstream;
