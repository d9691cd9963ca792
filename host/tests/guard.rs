//! No process outlives the gateway, however it ends.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
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
        let mut stdin = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ask = |id: u32, method: &str, params: Value| {
            writeln!(stdin, "{}", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).unwrap();
            let messages = answers.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
            messages.skip_while(|message| message["id"] != id).map(|message| message["result"].clone()).next().unwrap()
        };
        let client = json!({ "name": "test", "version": "0" });
        ask(1, "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }));
        let family = ask(2, "tools/call", json!({ "name": "fake__family", "arguments": {} }));
        assert_eq!(family["structuredContent"].as_array().map(Vec::len), Some(2), "{family}");
        assert!(family_is_gone.try_recv().is_err());
        Self { process, stdin: Some(stdin), family_is_gone, _folder: folder }
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
