//! Where clients come in.
//!
//! A front end turns bytes into messages and says who asks; [`serve`] does what they ask. Nothing else happens here:
//! what may be seen and called is decided in [`crate::gateway`].

pub mod auth;
pub mod errors;
pub mod exchange;
pub mod headers;
pub mod http;
pub mod serve;
pub mod session;
pub mod sse;
pub mod stdio;
