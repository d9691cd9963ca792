//! Who may use whom. The same is said in `host/src/lib.rs` for people; this holds the code to it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong here has to stop the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gateway_tests::place::repository;

/// Each module of `host/src`, and the modules of the same crate that it may use. A new one needs a line here.
const MODULES: [(&str, &[&str]); 17] = [
    ("telemetry", &[]),
    ("folders", &[]),
    ("results", &[]),
    ("arguments", &[]),
    ("import", &[]),
    ("gateway", &["results", "telemetry"]),
    ("packages", &["folders", "telemetry"]),
    ("sources", &["arguments", "results", "telemetry"]),
    ("frontends", &["gateway", "results", "telemetry"]),
    ("control", &["config", "folders", "gateway", "packages", "results", "sources", "telemetry"]),
    ("admin", &["config", "control", "gateway", "frontends", "packages", "results", "telemetry"]),
    ("config", ANY),
    ("app", ANY),
    ("cli", ANY),
    ("embed", ANY),
    ("lib", ANY),
    ("main", ANY),
];
const ANY: &[&str] = &["*"];

/// Crates, and parts of them, that not everybody in `host/src` may use: who may.
const CRATES: [(&str, &[&str]); 9] = [
    // Only `gateway_wasm` knows WebAssembly's engine.
    ("wasmtime", &[]),
    ("wasmtime_wasi", &[]),
    // `packages` reads in `plugin.yaml` what a plugin asks for.
    ("gateway_wasm", &["sources", "packages", "config", "control", "app", "cli", "lib"]),
    // JSON-RPC is written and read where a connection is.
    ("gateway_core::wire", &["frontends", "sources::upstream", "app", "cli"]),
    // Models of what the gateway says itself; payloads of others never go through them.
    ("rmcp", &["frontends", "sources"]),
    // One reader of `gateway.yaml`, with places in its errors; `plugin.yaml` has its own, and commands hand it values.
    (
        "serde_yaml",
        &["config", "packages::manifest", "packages::lockfile", "cli::server", "cli::plugin", "cli::import", "import"],
    ),
    // Somebody else's server takes in what is served over HTTP.
    ("axum", &["frontends", "admin", "app", "embed", "lib"]),
    ("reqwest", &["packages", "sources::upstream"]),
    ("clap", &["cli", "main"]),
];

/// What the manifests of the other crates may not name.
const MANIFESTS: [(&str, &[&str]); 6] = [
    (
        "host/core",
        &["rmcp", "wasmtime", "axum", "reqwest", "hyper", "clap", "serde_yaml", "gateway-wasm", "gateway-host"],
    ),
    ("host/wasm", &["rmcp", "axum", "reqwest", "clap", "serde_yaml", "gateway-host"]),
    ("host", &["wasmtime"]),
    ("sdk/rust", &["rmcp", "wasmtime", "gateway-core", "gateway-wasm", "gateway-host", "tokio"]),
    ("sdk/rust/macros", &["rmcp", "wasmtime", "gateway-core", "gateway-wasm", "gateway-host", "tokio"]),
    // The fixture is a server of the official SDK, as a judge of ours.
    ("tests", &["wasmtime", "gateway-core", "gateway-wasm", "gateway-host"]),
];

/// Files that are longer than anybody wants to read, each with its reason.
const LONG: [(&str, &str); 0] = [];
const LONGEST: usize = 400;

/// What stands in the root of the repository: whatever else there is belongs into one of these.
const ROOT: &[&str] = &[
    ".ci",
    ".config",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "gateway.yaml",
    "host",
    "plugins",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "sdk",
    "tests",
    "wit",
];

#[test]
fn modules_use_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for source in sources("host/src") {
        let Some((_, allowed)) = MODULES.iter().find(|(module, _)| *module == source.module[0]) else {
            wrong.push(format!("{}: who may use `{}`, and whom may it use?", source.path.display(), source.module[0]));
            continue;
        };
        for path in source.used().iter().filter_map(|path| path.strip_prefix("crate::")) {
            let used: Vec<&str> = path.split("::").collect();
            let same = used[0] == source.module[0];
            if !same && *allowed != ANY && !allowed.contains(&used[0]) {
                wrong.push(format!("{}: `{}` may not use `crate::{path}`", source.path.display(), source.module[0]));
            }
            // Sources do not know of each other.
            let kind = source.module.get(1).map(String::as_str);
            if same && used[0] == "sources" && kind.is_some() && used.len() > 2 && used.get(1).copied() != kind {
                wrong.push(format!("{}: a kind of source uses another, `crate::{path}`", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn crates_are_used_only_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources("host/src") {
        let module = source.module.join("::");
        let below = |upper: &str, path: &str| path == upper || path.starts_with(&format!("{upper}::"));
        for path in source.used() {
            for (name, allowed) in CRATES.iter().filter(|(name, _)| below(name, &path)) {
                if !allowed.iter().any(|allowed| below(allowed, &module)) {
                    wrong.push(format!("{}: `{module}` may not use `{name}`", source.path.display()));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn manifests_name_only_what_is_below_them() {
    for (folder, forbidden) in MANIFESTS {
        let text = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if section.ends_with("dependencies") && !section.ends_with("dev-dependencies") {
                let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
                let named = |crate_: &&str| {
                    name == *crate_ || (*crate_ != "gateway-core" && name.starts_with(&format!("{crate_}-")))
                };
                assert!(!forbidden.iter().any(named), "{folder} may not depend on {name}");
            }
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let mut long = BTreeSet::new();
    for folder in ["host", "sdk", "tests", "plugins"] {
        for path in rust_files(&repository().join(folder)) {
            if fs::read_to_string(&path).unwrap().lines().count() > LONGEST {
                long.insert(path.strip_prefix(repository()).unwrap().display().to_string());
            }
        }
    }
    let reasoned: BTreeSet<_> = LONG.iter().map(|(path, _)| (*path).to_owned()).collect();
    let unreasoned: Vec<_> = long.difference(&reasoned).collect();
    assert!(unreasoned.is_empty(), "over {LONGEST} lines, split them or give a reason: {unreasoned:?}");
    let outdated: Vec<_> = reasoned.difference(&long).collect();
    assert!(outdated.is_empty(), "no longer over {LONGEST} lines, so the reason can go: {outdated:?}");
}

#[test]
fn the_root_stays_small() {
    // What is not committed is nobody's business: tools and people keep things beside.
    let listed = Command::new("git").args(["ls-files"]).current_dir(repository()).output().unwrap();
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    for path in String::from_utf8(listed.stdout).unwrap().lines() {
        let name = path.split('/').next().unwrap_or_default();
        assert!(ROOT.contains(&name), "{name} stands in the root of the repository");
    }
}

/// The test reads `use` as the compiler does, or it holds nothing.
#[test]
fn uses_are_understood() {
    let text = "use std::fmt;\npub(crate) use crate::{\n    a::{self, B as C},\n    d::*,\n};\nuse super::{e, super::f};\n\
                // use crate::comment;\nfn g() { crate::h::i(); serde_yaml::to_string(\"crate::text\"); }\n\
                #[cfg(test)]\nmod tests {\n    use crate::test;\n}\n";
    let source = Source { path: PathBuf::new(), module: vec!["x".to_owned(), "y".to_owned()], text: text.to_owned() };
    let used: Vec<_> = source.used().into_iter().collect();
    for wanted in [
        "std::fmt",
        "crate::a",
        "crate::a::B",
        "crate::d",
        "crate::x::e",
        "crate::f",
        "crate::h::i",
        "serde_yaml::to_string",
    ] {
        assert!(used.contains(&wanted.to_owned()), "{wanted} is missing in {used:?}");
    }
    for unwanted in ["comment", "text", "test"] {
        assert!(!used.iter().any(|path| path.contains(&format!("crate::{unwanted}"))), "{unwanted} is in {used:?}");
    }
}

/// A file, with the path of its module.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

/// The files of a crate, its tests excepted: those may look at anything.
fn sources(folder: &str) -> Vec<Source> {
    let root = repository().join(folder);
    let files = rust_files(&root).into_iter().filter_map(|path| {
        let inside = path.strip_prefix(&root).unwrap().with_extension("");
        let module: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let text = fs::read_to_string(&path).unwrap();
        (!module.contains(&"tests".to_owned())).then_some(Source { path, module, text })
    });
    let files: Vec<_> = files.collect();
    assert!(files.len() > 10, "{} holds no sources", root.display());
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !["target", "node_modules", ".venv"].iter().any(|skipped| name == *skipped) {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

impl Source {
    /// Every path that the code names, from the crate's root.
    fn used(&self) -> BTreeSet<String> {
        let code = code_of(&self.text);
        let mut used = BTreeSet::new();
        for statement in code.split(';').filter_map(|part| part.split_once("use ")) {
            // What is before it is its visibility, or the end of something else.
            if statement.0.trim_end().ends_with([')', '}', ']'])
                || statement.0.trim().is_empty()
                || statement.0.trim_end().ends_with("pub")
            {
                expand("", statement.1.trim(), &mut used);
            }
        }
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        used.extend(
            code.split(|c| !is_path(c))
                .filter(|word| word.contains("::"))
                .map(|word| word.trim_end_matches(':').to_owned()),
        );
        used.into_iter().map(|path| self.absolute(&path)).collect()
    }

    fn absolute(&self, path: &str) -> String {
        let (mut rest, mut module) = (path, self.module.as_slice());
        if let Some(inside) = rest.strip_prefix("self::") {
            return format!("crate::{}::{inside}", module.join("::"));
        }
        if !rest.starts_with("super::") {
            return rest.to_owned();
        }
        while let Some(above) = rest.strip_prefix("super::") {
            (rest, module) = (above, &module[..module.len().saturating_sub(1)]);
        }
        let module = module.iter().map(|part| format!("{part}::")).collect::<String>();
        format!("crate::{module}{rest}")
    }
}

/// The code without comments, texts and the tests at its end.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| {
        let line = if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or_default() };
        // Every second piece between quotes is text.
        line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Takes the tree of a `use` apart.
fn expand(before: &str, tree: &str, used: &mut BTreeSet<String>) {
    let Some((path, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim().trim_end_matches("::*");
        let path = format!("{before}{path}");
        used.insert(path.strip_suffix("::self").unwrap_or(&path).to_owned());
        return;
    };
    let before = format!("{before}{}", path.trim());
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    expand(&before, part, used);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}
