//! `gateway plugin …` as a person runs it: the binary, in a folder of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod plugin_commands {
    pub(crate) mod bench;
    pub(crate) mod server;

    mod consent;
    mod files;
    mod projects;
    mod web;
}
