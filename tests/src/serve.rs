//! `gateway serve` under test.

use std::{ops::Deref, thread};

use crate::{Gateway, Listening};

/// A gateway that listens, on a port of its own. Dropping it asks it to end, and asserts that it does so as it should.
#[derive(Debug)]
pub struct Serving(Listening);

impl Serving {
    /// Starts it, and waits until it says where it listens.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn start(gateway: &Gateway) -> Self {
        Self::start_with(gateway, &[])
    }

    /// Starts it with further arguments.
    ///
    /// # Panics
    /// Where it does not say where it listens.
    #[must_use]
    pub fn start_with(gateway: &Gateway, arguments: &[&str]) -> Self {
        let mut command = gateway.command(&["serve", "--host", "127.0.0.1", "--port", "0"]);
        Self(Listening::start(command.args(arguments)))
    }
}

impl Deref for Serving {
    type Target = Listening;

    fn deref(&self) -> &Listening {
        &self.0
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let exit = self.0.end();
        if thread::panicking() {
            eprintln!("the gateway said:\n{}", self.0.said());
        } else {
            assert_eq!(exit.code(), Some(0), "the gateway ended with {exit}:\n{}", self.0.said());
        }
    }
}
