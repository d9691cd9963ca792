//! A server on a port of its own choice.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::Watched;

/// A server that has said where it listens. It ends with this value: asked first, killed where that is in vain.
#[derive(Debug)]
pub struct Listening {
    child: Child,
    /// Held open, since some servers end with it.
    _input: Option<ChildStdin>,
    /// Where it listens, as `127.0.0.1:PORT`.
    pub address: String,
    said: Arc<Watched<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    text: String,
    open: usize,
}

impl Listening {
    /// Starts a server, and waits until it says on one of its outputs where it listens.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let said = Arc::new(Watched::new(Said { text: String::new(), open: 2 }));
        listen_to(child.stdout.take().expect("it is piped"), &said);
        listen_to(child.stderr.take().expect("it is piped"), &said);
        let input = child.stdin.take();
        let mut server = Self { child, _input: input, address: String::new(), said };
        let found = server.said.until(|said| match address_in(&said.text) {
            Some(address) => Some(Ok(address)),
            None if said.open == 0 => Some(Err("ended")),
            None => None,
        });
        match found.unwrap_or(Err("kept silent")) {
            Ok(address) => server.address = address,
            Err(why) => panic!("{command:?} {why} before it said where it listens:\n{}", server.said()),
        }
        server
    }

    /// Where something is served.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until it says this, on either output.
    ///
    /// # Panics
    /// Where it does not.
    #[track_caller]
    pub fn says(&self, text: &str) {
        let found = self.said.until(|said| said.text.contains(text).then_some(()));
        assert!(found.is_some(), "{text:?} was not said:\n{}", self.said());
    }

    /// All that it has said until now, on both outputs.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().text.clone()
    }
}

impl Listening {
    /// Asks it to end, and says how it did; kills it where it does not.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn end(&mut self) -> ExitStatus {
        if let Ok(Some(ended)) = self.child.try_wait() {
            return ended;
        }
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        // Its outputs end with it, and with what it started.
        if self.said.until(|said| (said.open == 0).then_some(())).is_none() {
            eprintln!("a server did not end when asked:\n{}", self.said());
            let _ = self.child.kill();
        }
        self.child.wait().expect("a child can be waited for")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen_to(output: impl Read + Send + 'static, said: &Arc<Watched<Said>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            said.change(|said| {
                said.text.push_str(&line);
                said.text.push('\n');
            });
        }
        said.change(|said| said.open -= 1);
    });
}

/// The first address with a port, or port of any address; lines are read whole, so the port is.
fn address_in(text: &str) -> Option<String> {
    ["127.0.0.1:", " on port "].iter().find_map(|before| {
        text.match_indices(before).find_map(|(at, _)| {
            let rest = &text[at + before.len()..];
            let port = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
            port.parse::<u16>().is_ok_and(|port| port > 0).then(|| format!("127.0.0.1:{port}"))
        })
    })
}
