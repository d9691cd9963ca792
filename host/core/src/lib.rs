//! The words of MCP Gateway, and its wire.
//!
//! Everything else in the project is built on this crate, and it is built on no I/O library: no HTTP, no WebAssembly,
//! no MCP SDK. Read in this order:
//!
//! * [`name`]: how a source and its tools are named, in public and towards the source.
//! * [`payload`]: [`Json`](payload::Json), a checked slice of the frame that brought it, and what a call carries.
//! * [`source`]: the traits: who offers tools, who runs calls, who asked.
//! * [`call`]: one invocation in flight.
//! * [`role`]: who may see what.
//! * [`filter`]: what sees the calls of others on their way.
//! * [`snapshot`]: the catalogue, an immutable picture of all that is offered.
//! * [`manage`]: changing what a running gateway offers.
//! * [`error`]: why a call gave no result.
//! * [`tasks`]: what is spawned has an owner.
//! * [`settings`]: what the configurations of several parts have in common.
//! * [`units`]: durations and sizes as configuration writes them.
//! * [`wire`]: JSON-RPC, the only place that reads or writes it.

pub mod call;
pub mod error;
pub mod filter;
pub mod manage;
pub mod name;
pub mod payload;
pub mod role;
pub mod settings;
pub mod snapshot;
pub mod source;
pub mod tasks;
pub mod units;
pub mod wire;
