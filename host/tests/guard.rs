//! No process outlives the gateway, however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process, kill_process_group},
};
use serde_json::{Value, json};

const SERVER: &str = include_str!("upstream/server.py");

/// Longer than anything here takes; where a test reaches it, it has failed.
const LONG: Duration = Duration::from_secs(60);

/// A gateway with one server that has a family: a child that ignores `SIGTERM` and one that left the group. All of them
/// hold the writing end of a named pipe, so that the pipe ends when the last of them has gone.
struct Gateway {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    family_is_gone: mpsc::Receiver<()>,
    _folder: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("alive");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let family_is_gone = watch(&pipe);
        let mut process = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(["stdio", "--config"])
            .arg(configuration(folder.path(), &pipe))
            .env("HOME", folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        let mut gateway = Self { process, stdin, stdout, family_is_gone, _folder: folder };
        let client = json!({ "name": "test", "version": "0" });
        gateway
            .ask("initialize", &json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }));
        let family = gateway.call("family");
        assert_eq!(family["structuredContent"].as_array().map(Vec::len), Some(2), "{family}");
        assert!(gateway.family_is_gone.try_recv().is_err());
        gateway
    }

    fn call(&mut self, tool: &str) -> Value {
        self.ask("tools/call", &json!({ "name": format!("fake__{tool}"), "arguments": {} }))
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        // Only ever one at a time, so they may all have the same id.
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        writeln!(self.stdin.as_ref().unwrap(), "{request}").unwrap();
        let messages = self.stdout.by_ref().lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        messages.skip_while(|message| message["id"] != 1).map(|message| message["result"].clone()).next().unwrap()
    }

    /// The process that outlives the gateway to clean up after it.
    fn reaper(&self) -> Pid {
        let parent = format!(" {} ", self.process.id());
        let is_reaper = |pid: &i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // `pid (name) state parent …`
            stat.split_once(" (mcp-reap) S").is_some_and(|(_, rest)| rest.starts_with(&parent))
        };
        loop {
            let entries = std::fs::read_dir("/proc").unwrap();
            let mut pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
            if let Some(pid) = pids.find(is_reaper) {
                return Pid::from_raw(pid).unwrap();
            }
            // It gives itself its name as soon as it runs.
            std::thread::yield_now();
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Waits until the gateway and everything that it started have gone.
    fn assert_gone(mut self) -> std::process::ExitStatus {
        self.family_is_gone.recv_timeout(LONG).expect("a process was left behind");
        self.process.wait().unwrap()
    }
}

fn configuration(folder: &Path, pipe: &Path) -> std::path::PathBuf {
    // The server holds the pipe from its first moment on, and hands it down.
    let script = format!("import os; os.set_inheritable(os.open({pipe:?}, os.O_WRONLY), True)\n{SERVER}");
    let config = json!({ "servers": { "fake": { "command": "python3", "args": ["-c", script] } } });
    let path = folder.join("gateway.yaml");
    // JSON is YAML.
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// Tells when nobody writes to the pipe any more.
fn watch(pipe: &Path) -> mpsc::Receiver<()> {
    let (sender, gone) = mpsc::channel();
    let pipe = pipe.to_owned();
    std::thread::spawn(move || {
        let mut nothing = Vec::new();
        // Opening waits for a writer, reading for the end of the last one.
        File::open(pipe).unwrap().read_to_end(&mut nothing).unwrap();
        let _ = sender.send(());
    });
    gone
}

#[test]
fn killed() {
    let gateway = Gateway::start();
    kill_process(gateway.id(), Signal::KILL).unwrap();
    gateway.assert_gone();
}

#[test]
fn killed_with_its_group() {
    let gateway = Gateway::start();
    kill_process_group(gateway.id(), Signal::KILL).unwrap();
    gateway.assert_gone();
}

#[test]
fn terminated() {
    let gateway = Gateway::start();
    kill_process(gateway.id(), Signal::TERM).unwrap();
    assert!(gateway.assert_gone().success());
}

#[test]
fn interrupted_with_its_group() {
    let gateway = Gateway::start();
    kill_process_group(gateway.id(), Signal::INT).unwrap();
    assert!(gateway.assert_gone().success());
}

#[test]
fn left_by_its_client() {
    let mut gateway = Gateway::start();
    gateway.stdin = None;
    assert!(gateway.assert_gone().success());
}

#[test]
fn killed_after_its_reaper() {
    let mut gateway = Gateway::start();
    let first = gateway.reaper();
    kill_process(first, Signal::KILL).unwrap();
    // The next server that is started brings the next reaper, which knows of this one's family as well.
    gateway.call("crash");
    gateway.call("family");
    assert_ne!(gateway.reaper(), first);
    kill_process(gateway.id(), Signal::KILL).unwrap();
    gateway.assert_gone();
}
