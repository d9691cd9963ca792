//! A folder to run the binary in, with caches of its own, and plugins to run it with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use gateway_core::payload::Json;
use serde_json::Value;

pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// A folder whose `gateway.yaml` says `config`.
    pub(crate) fn new(config: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("gateway.yaml", config);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.path("gateway.yaml")).unwrap()
    }

    /// Runs `gateway` with `arguments`, and no terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(Command::new(env!("CARGO_BIN_EXE_gateway")), arguments)
    }

    /// The same, where the programs of `folder` are the only ones.
    pub(crate) fn run_with_programs(&self, folder: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.env("PATH", self.path(folder));
        self.finish(command, arguments)
    }

    fn finish(&self, mut command: Command, arguments: &[&str]) -> Ran {
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for folder in ["XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            command.env(folder, self.path(folder));
        }
        for variable in ["MCP_GATEWAY_CONFIG", "MCP_GATEWAY_ROLE", "http_proxy", "HTTP_PROXY"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same, for a command that has to work.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    }

    /// The same, for one that prints JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// The same, for a command that has to fail with `code`, say `parts` and change nothing.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str], parts: &[&str]) {
        let before = self.config();
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "no {part:?} in {}", ran.stderr);
        }
        assert_eq!(self.config(), before);
    }
}

/// The folder of a plugin or guest in this repository.
pub(crate) fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).canonicalize().unwrap()
}

/// The calculator, built once by the command that is tested here.
pub(crate) fn calculator() -> &'static [u8] {
    static CALCULATOR: OnceLock<Vec<u8>> = OnceLock::new();
    CALCULATOR.get_or_init(|| {
        let folder = project("plugins/calculator");
        Bench::new("").ok(&["--quiet", "plugin", "build", folder.to_str().unwrap()]);
        fs::read(folder.join("calculator.wasm")).unwrap()
    })
}

/// The calculator, asking for what `manifest` says.
pub(crate) fn asking(manifest: &Value) -> Vec<u8> {
    gateway_wasm::inspect::with_manifest(calculator(), &Json::from_value(manifest)).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    gateway_host::packages::Digest::of(bytes).to_string()
}
