//! The commands that read and change the configuration, as they are typed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a helper fails the test")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

/// A folder with a configuration, in which commands are run.
struct Home {
    folder: tempfile::TempDir,
}

/// What a command did.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Home {
    fn new(config: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        if !config.is_empty() {
            fs::write(home.file(), config).unwrap();
        }
        home
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("gateway.yaml")
    }

    fn config(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn run(&self, line: &str) -> Ran {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(shell_words::split(line).unwrap())
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env_remove("MCP_GATEWAY_CONFIG")
            .env_remove("MCP_GATEWAY_ROLE")
            .env_remove("NOT_SET")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    fn json(&self, line: &str) -> Value {
        let ran = self.run(line);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
    }
}

const ROLES: &str = "servers:\n  files: { command: x, tools: { deny: [\"move_*\"] } }\n  off: { command: x, enabled: false }\nroles:\n  \
                     all:\n  some: { allow: [\"files_*\", \"off_*\"], deny: [\"*__delete_*\"] }\n";

#[test]
fn check_says_what_is_wrong_and_exits_with_2() {
    let home = Home::new("servers:\n  a: { comand: x }\n  b: { command: x, env: { T: \"${NOT_SET}\" } }\n");
    let ran = home.run("check");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error: servers.a: unknown key `comand`\n --> gateway.yaml:2:8\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("the environment variable NOT_SET is not set"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "gateway.yaml: 2 errors\n");
    let checked = home.json("check --json");
    assert_eq!(checked["ok"], false);
    assert_eq!(checked["problems"][0]["hint"], "did you mean `command`?");
    assert_eq!(checked["problems"][1]["usable"], true);
}

#[test]
fn check_of_what_is_right_exits_with_0() {
    let home = Home::new("servers:\n  a: { command: x }\nroles: { r: [\"b_*\"] }\ndefault_role: r\n");
    let ran = home.run("check");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "gateway.yaml: ok, with 1 server, 0 plugins and 1 role, 1 warning\n")
    );
    assert!(ran.stderr.contains("the glob `b_*` matches nothing that is configured"), "{}", ran.stderr);
}

#[test]
fn the_configuration_is_found() {
    let home = Home::new("");
    let ran = home.run("check");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("looked at gateway.yaml, mcp-gateway.yaml"), "{}", ran.stderr);
    let write = |path: &str, name: &str| {
        let file = home.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("servers: {{ {name}: {{ command: x }} }}")).unwrap();
    };
    let found = |line: &str| home.json(line)["servers"][0]["name"].as_str().unwrap().to_owned();
    write("config/mcp-gateway/gateway.yaml", "user");
    assert_eq!(found("server list --json"), "user");
    write("mcp-gateway.yaml", "second");
    assert_eq!(found("server list --json"), "second");
    write("gateway.yaml", "first");
    assert_eq!(found("server list --json"), "first");
    write("other.yaml", "named");
    assert_eq!(found("-c other.yaml server list --json"), "named");
}

#[test]
fn schema_is_one() {
    let home = Home::new("");
    let schema = home.json("schema");
    assert_eq!(schema["title"], "MCP Gateway configuration");
    for key in ["servers", "backends", "plugins", "roles"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert!(schema["properties"]["port"]["description"].as_str().unwrap().contains("Default: 39400"));
}

#[test]
fn completions_for_every_shell() {
    let home = Home::new("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&format!("completions {shell}"));
        assert!(ran.code == 0 && ran.stdout.contains("completions"), "{shell}");
    }
}

#[test]
fn roles_are_listed() {
    let home = Home::new(&format!("{ROLES}default_role: some\n"));
    let listed = home.run("roles list").stdout;
    assert_eq!(listed, "all   every tool\nsome  files_*, off_*, but not *__delete_* (default)\n");
    let json = home.json("roles list --json");
    assert_eq!(json["default_role"], "some");
    assert_eq!(json["roles"][0], json!({ "name": "all", "allow": null, "deny": [] }));
    assert_eq!(Home::new("{}").run("roles list").stdout, "No roles are configured: every tool is seen.\n");
}

#[test]
fn roles_are_explained() {
    let home = Home::new(ROLES);
    let explained = |role: &str, tool: &str| {
        let line = format!("roles explain {role} {tool}");
        let json = home.json(&format!("{line} --json"));
        assert_eq!(home.run(&line).code, i32::from(json["visible"] != true), "{line}");
        let text = |key: &str| json[key].as_str().unwrap_or("-").to_owned();
        (text("reason"), text("glob"), text("state"))
    };
    let is = |reason: &str, glob: &str, state: &str| (reason.to_owned(), glob.to_owned(), state.to_owned());
    assert_eq!(explained("some", "files__read"), is("allowed", "files_*", "unknown"));
    assert_eq!(explained("some", "files_read"), is("allowed", "files_*", "unknown"));
    assert_eq!(explained("some", "files__delete_all"), is("denied", "*__delete_*", "unknown"));
    assert_eq!(explained("some", "files_delete_all"), is("denied", "*__delete_*", "unknown"));
    assert_eq!(explained("all", "files__move_it"), is("filtered", "-", "unknown"));
    assert_eq!(explained("some", "_files_connect"), is("allowed", "files_*", "unknown"));
    assert_eq!(explained("some", "off__read"), is("allowed", "off_*", "disabled"));
    assert_eq!(explained("some", "gateway_status"), is("unmatched", "-", "known"));
    assert_eq!(explained("all", "gateway_statsu"), is("unfiltered", "-", "missing"));
    assert_eq!(explained("some", "nowhere__read"), is("unmatched", "-", "nowhere"));
    let text = home.run("roles explain some files__delete_all").stdout;
    assert!(
        text.starts_with(
            "some does not see files__delete_all: the glob \"*__delete_*\" in roles.some.deny matches it\n"
        )
    );
    let wrong = home.run("roles explain sone files__read");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean \"some\"?"), "{}", wrong.stderr);
}

#[test]
fn a_server_is_added_and_comments_stay() {
    let home = Home::new("# ours\nservers:\n  a: { command: x } # first\n\nroles:\n  all: # everything\n");
    let ran = home
        .run("server add files -e 'TOKEN=${NOT_SET}' --description 'Files: mine' --idle-timeout 5m -- npx -y server .");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "gateway.yaml: added the server files\n"));
    assert!(ran.stderr.contains("NOT_SET is not set"), "{}", ran.stderr);
    assert_eq!(
        home.config(),
        "# ours\nservers:\n  a: { command: x } # first\n  files:\n    command: npx\n    args: [\"-y\", server, \".\"]\n    env:\n      \
         TOKEN: \"${NOT_SET}\"\n    description: \"Files: mine\"\n    idle_timeout: \"5m\"\n\nroles:\n  all: # everything\n"
    );
}

#[test]
fn a_file_is_begun_for_the_first_server() {
    let home = Home::new("");
    assert_eq!(home.run("server add a -- x").code, 0);
    assert!(home.config().starts_with("# MCP Gateway."));
    assert_eq!(home.run("check").code, 0);
    assert_eq!(home.run("-c deep/er/other.yaml server add a -- x").code, 0);
    assert!(home.folder.path().join("deep/er/other.yaml").is_file());
}

#[test]
fn names_are_looked_after() {
    let home = Home::new("servers:\n  a: { command: x }\nplugins:\n  p: { source: x.wasm, enabled: false }\n");
    let before = home.config();
    for (line, message) in [
        ("server add a -- y", "there is a server \"a\" already"),
        ("server add p -- y", "the name \"p\" is taken by plugins.p"),
        ("server add gateway -- y", "is kept for the gateway itself"),
        ("server add a.b -- y", "may not stand there in a name"),
        ("server add b", "there is neither a command nor a URL"),
        ("server remove b", "there is no server \"b\""),
        ("server enable p", "it is a plugin"),
        ("server disable aa", "did you mean \"a\"?"),
    ] {
        let ran = home.run(line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{line}: {}", ran.stderr);
        assert_eq!(home.config(), before, "{line}");
    }
    assert_eq!(home.run("server add a --force -- y").stdout, "gateway.yaml: replaced the server a\n");
}

#[test]
fn a_server_is_switched_and_removed() {
    let home = Home::new("servers:\n  # the first\n  a:\n    command: x # why\n  b: { command: y }\n");
    assert_eq!(home.run("server disable a").stdout, "gateway.yaml: disabled the server a\n");
    assert!(home.config().contains("    command: x # why\n    enabled: false\n"), "{}", home.config());
    assert_eq!(home.run("server disable a").stdout, "gateway.yaml: the server a is disabled already\n");
    assert_eq!(home.json("server list --json")["servers"][0]["enabled"], false);
    assert_eq!(home.run("server enable a").code, 0);
    assert!(home.config().contains("enabled: true"));
    assert_eq!(home.run("server disable b").code, 0);
    assert!(home.config().contains("b: { command: y, enabled: false }"));
    assert_eq!(home.run("server remove a").stdout, "gateway.yaml: removed the server a\n");
    assert_eq!(home.config(), "servers:\n  # the first\n  b: { command: y, enabled: false }\n");
}

#[test]
fn a_file_that_is_broken_is_not_changed() {
    let home = Home::new("servers: [\n");
    let ran = home.run("server add a -- x");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("this is no valid YAML"), "{}", ran.stderr);
    assert_eq!(home.config(), "servers: [\n");
}

#[test]
fn a_server_that_would_break_the_file_is_refused() {
    let home = Home::new("servers: {} # none\n");
    let ran = home.run("server add a --url ftp://a.example");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("servers.a.url: `ftp` is neither http nor https"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("the file would have these mistakes, so it is as it was\n"), "{}", ran.stderr);
    assert_eq!(home.config(), "servers: {} # none\n");
}

#[test]
fn values_are_not_listed() {
    let home = Home::new(
        "servers:\n  a: { command: x, args: [\"--key\", \"${NOT_SET:-hunter2}\"], env: { TOKEN: hunter3 } }\n  b: { url: \"https://a.example\", enabled: \
         false, headers: { Authorization: hunter4 } }\n",
    );
    for line in ["server list", "server list --json"] {
        let ran = home.run(line);
        assert!(ran.stdout.contains("NOT_SET"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("hunter3") && !ran.stdout.contains("hunter4"), "{}", ran.stdout);
    }
}

#[test]
fn a_closed_reader_is_no_error() {
    let home = Home::new("");
    let line = format!("{} schema | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_gateway"));
    let output = Command::new("bash").args(["-c", &line]).current_dir(Path::new(home.folder.path())).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "0");
}
