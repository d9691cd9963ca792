//! The gateway under test, on a configuration in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Client, place, wait::Watched};

/// A folder with `gateway.yaml`, and a home that is nobody's.
#[derive(Debug)]
pub struct Gateway {
    folder: TempDir,
}

/// What a command printed.
#[derive(Debug)]
pub struct Output {
    /// The exit code.
    pub code: i32,
    /// What it answered.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
}

impl Gateway {
    /// A gateway with this `gateway.yaml`.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    #[must_use]
    pub fn new(yaml: &str) -> Self {
        let gateway = Self { folder: TempDir::with_prefix("gw").unwrap() };
        gateway.write("gateway.yaml", yaml);
        gateway
    }

    /// A gateway with this configuration; JSON is YAML too.
    #[must_use]
    pub fn with(config: &Value) -> Self {
        Self::new(&format!("{config:#}\n"))
    }

    /// A path in the folder, in which commands run.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A command of the gateway.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(place::gateway());
        command.args(arguments).current_dir(self.folder.path());
        for (variable, folder) in [
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("XDG_STATE_HOME", "home/state"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/data"),
        ] {
            let path = self.path(folder);
            fs::create_dir_all(&path).expect("a temporary folder can be written");
            command.env(variable, path);
        }
        for variable in ["MCP_GATEWAY_CONFIG", "MCP_GATEWAY_ROLE", "MCP_GATEWAY_HOST", "MCP_GATEWAY_PORT", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.env("NO_COLOR", "1");
        command
    }

    /// A client of `gateway stdio`, not initialized yet.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::spawn(&mut self.command(&["stdio"]))
    }

    /// A client of `gateway stdio`.
    #[must_use]
    pub fn client(&self) -> Client {
        let client = self.connect();
        client.initialize();
        client
    }

    /// A client of `gateway stdio` in a role.
    #[must_use]
    pub fn client_as(&self, role: &str) -> Client {
        let client = Client::spawn(self.command(&["stdio"]).env("MCP_GATEWAY_ROLE", role));
        client.initialize();
        client
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments))
    }
}

/// Runs a command to its end, with nothing on its standard input.
///
/// # Panics
/// Where it cannot be started, ends by a signal, or does not end.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    run_with(command, Stdio::null())
}

/// Runs a command to its end, with this on its standard input.
///
/// # Panics
/// Where it cannot be started, ends by a signal, or does not end.
#[track_caller]
pub fn run_with(command: &mut Command, input: impl Into<Stdio>) -> Output {
    let child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let pid = Pid::from_child(&child);
    let ended = Arc::new(Watched::new(None));
    let waiter = Arc::clone(&ended);
    thread::spawn(move || {
        let output = child.wait_with_output().expect("a child can be waited for");
        waiter.change(|ended| *ended = Some(output));
    });
    let in_time = ended.until(Option::take);
    let output = in_time.clone().or_else(|| {
        // Killed, so that what it said until then can be shown.
        let _ = kill_process(pid, Signal::KILL);
        ended.until(Option::take)
    });
    let output = output.unwrap_or_else(|| panic!("{command:?} left something behind that keeps its output open"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    let said = Output { code, stdout: text(&output.stdout), stderr: text(&output.stderr) };
    assert!(in_time.is_some(), "{command:?} did not end: {said:#?}");
    assert!(code >= 0, "{command:?} ended with {}: {said:#?}", output.status);
    said
}

impl Output {
    /// What it answered, where it went well.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn answer(&self) -> &str {
        assert_eq!(self.code, 0, "expected success, got {self:#?}");
        &self.stdout
    }

    /// What it answered, as JSON, where it went well.
    ///
    /// # Panics
    /// Where it did not, or answered something else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.answer()).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// What it said beside, where it ended with this code and answered nothing.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn complaint(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "expected exit code {code}, got {self:#?}");
        assert_eq!(self.stdout, "", "expected an empty standard output, got {self:#?}");
        &self.stderr
    }
}
