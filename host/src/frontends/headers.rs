//! What headers say beside the message.
//!
//! * [`hosts`]: whether a browser was tricked into sending the request.
//! * [`accept`]: which kinds of answers the client takes.
//! * [`standard`]: the headers of revision 2026-07-28, which have to say what the message says.

pub mod accept;
pub mod hosts;
pub mod standard;
