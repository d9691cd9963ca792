//! JSON-RPC 2.0 as MCP uses it: the only place that reads or writes it.
//!
//! * [`json`]: the members of one object, without reading what they hold.
//! * [`message`]: the envelopes around payloads.
//! * [`lines`]: one message a line, over any byte stream.
//! * [`peer`]: the client's side of a connection that is used for many calls at once.
//! * [`sse`]: one message an event, over HTTP.
//! * [`revision`]: what differs by protocol revision.

pub mod json;
pub mod lines;
pub mod message;
pub mod peer;
pub mod revision;
pub mod sse;
