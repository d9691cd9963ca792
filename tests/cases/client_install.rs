//! `gateway client`: the gateway's entry in the settings of MCP clients, of which nothing else may change.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::Command,
};

use gateway_tests::{Client, Fake, Gateway, foreign, gateway::run, matrix::as_at_home, place};
use serde_json::{Value, json};

/// Every client, its settings below the home folder, and the key with its servers.
const CLIENTS: [(&str, &str, &str); 8] = [
    ("claude-code", ".claude.json", "mcpServers"),
    ("claude-desktop", "config/Claude/claude_desktop_config.json", "mcpServers"),
    ("cursor", ".cursor/mcp.json", "mcpServers"),
    ("vscode", "config/Code/User/mcp.json", "servers"),
    ("windsurf", ".codeium/windsurf/mcp_config.json", "mcpServers"),
    ("zed", "config/zed/settings.json", "context_servers"),
    ("codex", ".codex/config.toml", "mcp_servers"),
    ("gemini-cli", ".gemini/settings.json", "mcpServers"),
];

struct Home {
    gateway: Gateway,
    _fake: Fake,
}

impl Home {
    fn new() -> Self {
        let fake = Fake::new();
        let gateway = Gateway::with(&json!({
            "servers": { "fake": fake.entry(&[]) },
            "roles": { "admin": null, "reader": ["nothing_*"] },
            "default_role": "admin",
        }));
        Self { gateway, _fake: fake }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.gateway.path("home").join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        self.gateway.write(&format!("home/{name}"), text)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    #[track_caller]
    fn client(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = ["client"].iter().chain(arguments).copied().collect();
        self.gateway.run(&all).answer().to_owned()
    }

    /// What the client would start, and whether that is a gateway that answers.
    #[track_caller]
    fn starts(&self, entry: &Value) -> Client {
        let mut command = Command::new(entry["command"].as_str().unwrap());
        command.args(entry["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()));
        as_at_home(&mut command, &self.gateway);
        // From wherever the client was started.
        command.current_dir("/");
        for (name, value) in entry["env"].as_object().into_iter().flatten() {
            command.env(name, value.as_str().unwrap());
        }
        let client = Client::spawn(&mut command);
        client.initialize();
        client
    }

    fn backups(&self, name: &str) -> Vec<PathBuf> {
        let file = self.file(name);
        let begins = format!("{}.", file.file_name().unwrap().to_string_lossy());
        let entries = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.starts_with(&begins) && name.ends_with(".bak")
            })
            .collect()
    }
}

fn parse(name: &str, text: &str) -> Value {
    match name.ends_with(".toml") {
        false => serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")),
        // TOML of this size is read by whoever can read Python.
        true => {
            let mut python = Command::new("python3");
            python.args(["-c", "import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))", text]);
            run(&mut python).json()
        }
    }
}

#[test]
fn every_client_gets_an_entry_that_works_and_loses_it_again() {
    let home = Home::new();
    for (client, name, section) in CLIENTS {
        assert!(home.client(&["install", client, "--role", "reader"]).contains("reader"), "{client}");
        let text = home.read(name);
        let entry = parse(name, &text)[section]["gateway"].clone();
        assert_eq!(entry["command"], json!(place::gateway()), "{client}: {text}");
        assert_eq!(entry["env"], json!({ "MCP_GATEWAY_ROLE": "reader" }), "{client}");
        let session = home.starts(&entry);
        assert_eq!(session.tools().tool_names(), Vec::<String>::new(), "{client}: the role sees nothing");
        session.finish();

        assert!(home.client(&["install", client, "--role", "reader"]).contains("already"), "{client}");
        assert_eq!((home.read(name), home.backups(name).len()), (text, 0), "{client}");

        // Another role changes the entry, and nothing makes a second one.
        home.client(&["install", client]);
        let entry = parse(name, &home.read(name))[section].clone();
        assert!(entry["gateway"].get("env").is_none() && entry.as_object().unwrap().len() == 1, "{client}: {entry}");
        let session = home.starts(&entry["gateway"]);
        assert!(session.tools().tool_names().contains(&"_fake_connect".to_owned()), "{client}");
        session.finish();

        home.client(&["uninstall", client]);
        assert!(!home.file(name).exists(), "{client}: there was no file before");
        assert!(home.client(&["remove", client]).contains("not installed"), "{client}");
    }
}

#[test]
fn what_else_is_in_the_file_stays_to_the_last_space() {
    let home = Home::new();
    for (client, name, before) in [
        (
            "claude-code",
            ".claude.json",
            "{\n  \"numStartups\": 7,\n  \"mcpServers\": {\n    \"a\": { \"command\": \"b\" }\n  },\n  \"projects\": {}\n}",
        ),
        (
            "zed",
            "config/zed/settings.json",
            "// Zed settings\n{\n\t\"theme\": \"One Dark\", // nice\n\t\"vim_mode\": true,\n}\n",
        ),
        ("vscode", "config/Code/User/mcp.json", "{ \"servers\": {}, \"inputs\": [ ] }"),
        ("codex", ".codex/config.toml", "# mine\nmodel = \"o3\" # nice\n\n[mcp_servers.a]\ncommand = \"b\"\n"),
        ("cursor", ".cursor/mcp.json", ""),
        ("gemini-cli", ".gemini/settings.json", "{}\n"),
    ] {
        let file = home.write(name, before);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        home.client(&["install", client]);
        let after = home.read(name);
        for line in
            before.lines().filter(|line| line.contains("nice") || line.contains("mine") || line.contains("numStartups"))
        {
            assert!(after.contains(line), "{client}: {line} is missing in {after}");
        }
        let [backup] = &home.backups(name)[..] else { panic!("{client}: one backup") };
        assert_eq!(fs::read_to_string(backup).unwrap(), before, "{client}");
        for kept in [&file, backup] {
            assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600, "{client}");
        }
        home.client(&["uninstall", client]);
        assert_eq!(home.read(name), before, "{client}");
    }
}

#[test]
fn what_somebody_changed_since_stays_when_the_gateway_goes() {
    let home = Home::new();
    home.write("config/zed/settings.json", "{\n  \"theme\": \"One\"\n}\n");
    home.client(&["install", "zed"]);
    let installed = home.read("config/zed/settings.json");
    home.write("config/zed/settings.json", &format!("// since then\n{installed}"));
    home.client(&["uninstall", "zed"]);
    let after = home.read("config/zed/settings.json");
    assert!(after.starts_with("// since then\n{\n  \"theme\": \"One\"") && !after.contains("stdio"), "{after}");
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let home = Home::new();
    let before = "{\n  \"mcpServers\": {\n    \"a\": { \"command\": \"b\" }\n  }\n}\n";
    home.write(".cursor/mcp.json", before);
    let diff = home.client(&["install", "cursor", "--dry-run"]);
    assert!(
        diff.contains("+    \"gateway\": {\n") && diff.contains("@@") && diff.contains("   \"mcpServers\": {\n"),
        "{diff}"
    );
    assert_eq!((home.read(".cursor/mcp.json").as_str(), home.backups(".cursor/mcp.json").len()), (before, 0));
    let diff = home.client(&["install", "windsurf", "--dry-run"]);
    assert!(diff.contains("/dev/null"), "{diff}");
    assert!(!home.file(".codeium").exists());
    home.client(&["install", "cursor"]);
    assert!(home.client(&["uninstall", "cursor", "--dry-run"]).contains("-    \"gateway\": {\n"));
    assert!(home.read(".cursor/mcp.json").contains("gateway"));
}

#[test]
fn a_broken_file_and_a_foreign_entry_are_left_alone() {
    let home = Home::new();
    for (client, name, text, part) in [
        (
            "claude-desktop",
            "config/Claude/claude_desktop_config.json",
            "{\n  \"mcpServers\": {\n    \"a\": \n}",
            "line 4",
        ),
        ("codex", ".codex/config.toml", "[a]\nb = \n", "line 2"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": []}", "mcpServers"),
        (
            "gemini-cli",
            ".gemini/settings.json",
            "{\"mcpServers\": {\"gateway\": {\"command\": \"other\", \"args\": []}}}",
            "--name",
        ),
    ] {
        home.write(name, text);
        for command in ["install", "uninstall"] {
            let refused = home.gateway.run(&["client", command, client]);
            let said = refused.complaint(2);
            assert!(said.contains(part) && said.contains(name), "{command} {client}: {said}");
        }
        assert_eq!((home.read(name).as_str(), home.backups(name).len()), (text, 0), "{client}");
    }
    home.client(&["install", "gemini-cli", "--name", "mine"]);
    let settings = parse("", &home.read(".gemini/settings.json"));
    assert_eq!(settings["mcpServers"]["gateway"]["command"], "other");
    assert_eq!(settings["mcpServers"]["mine"]["args"][0], "stdio");
    let listed = home.gateway.run(&["client", "list"]);
    assert!(listed.answer().contains("line 4") && listed.answer().contains("installed as mine"), "{listed:#?}");
}

#[test]
fn what_would_not_start_is_not_installed() {
    let home = Home::new();
    let unknown = home.gateway.run(&["client", "install", "cursor", "--role", "raeder"]);
    assert!(unknown.complaint(2).contains("reader"), "{unknown:#?}");
    let project = home.gateway.run(&["client", "install", "windsurf", "--scope", "project"]);
    assert!(project.complaint(2).contains("project"));
    let nowhere = home.gateway.run(&["client", "install", "cursor", "--config", "nowhere.yaml"]);
    assert!(nowhere.complaint(2).contains("nowhere.yaml"));
    assert!(!home.file(".cursor").exists());
}

#[test]
fn a_projects_settings_and_links() {
    let home = Home::new();
    let real = home.gateway.write("dotfiles/mcp.json", "{}\n");
    fs::create_dir_all(home.gateway.path(".cursor")).unwrap();
    symlink(&real, home.gateway.path(".cursor/mcp.json")).unwrap();
    for (client, name) in [("cursor", ".cursor/mcp.json"), ("claude-code", ".mcp.json"), ("vscode", ".vscode/mcp.json")]
    {
        home.client(&["install", client, "--scope", "project"]);
        assert!(fs::read_to_string(home.gateway.path(name)).unwrap().contains("\"stdio\""), "{client}");
    }
    assert!(fs::symlink_metadata(home.gateway.path(".cursor/mcp.json")).unwrap().is_symlink());
    assert!(fs::read_to_string(real).unwrap().contains("gateway"));
    let listed: Value = serde_json::from_str(&home.client(&["list", "--json"])).unwrap();
    let of =
        |client: &str| listed.as_array().unwrap().iter().find(|listed| listed["client"] == client).unwrap().clone();
    assert_eq!(of("claude-code")["settings"][1]["installed"][0]["name"], "gateway", "{listed:#}");
    assert_eq!((&of("zed")["present"], &of("zed")["settings"][0]["exists"]), (&json!(false), &json!(false)));
    let config = of("cursor")["settings"][1]["installed"][0]["config"].clone();
    assert_eq!(
        fs::canonicalize(config.as_str().unwrap()).unwrap(),
        fs::canonicalize(home.gateway.path("gateway.yaml")).unwrap()
    );
}

#[test]
fn servers_of_clients_are_taken_over_without_the_gateway_itself() {
    let home = Home::new();
    home.write(".claude.json", &json!({ "mcpServers": { "one": { "type": "stdio", "command": "x" } } }).to_string());
    home.write(".codex/config.toml", "[mcp_servers.two]\ncommand = \"y\"\n");
    home.client(&["install", "claude-code"]);
    home.client(&["install", "codex"]);
    let before = fs::read_to_string(home.gateway.path("gateway.yaml")).unwrap();
    assert!(home.client(&["import", "--dry-run"]).contains('+'));
    assert_eq!(fs::read_to_string(home.gateway.path("gateway.yaml")).unwrap(), before);
    home.client(&["import", "codex"]);
    let servers = || {
        let listed = home.gateway.run(&["list", "--json"]).json();
        listed["servers"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(servers(), ["fake", "two"]);
    let said = home.client(&["import"]);
    assert!(said.contains("the gateway itself") && said.contains("there already: servers.two"), "{said}");
    assert_eq!(servers(), ["fake", "one", "two"]);
    assert!(home.gateway.run(&["client", "import", "cursor"]).complaint(2).contains("mcp.json"));
}

/// Claude Code itself reads what was written, and says that it is connected.
#[test]
fn claude_code_takes_the_entry() {
    let home = Home::new();
    let claude = |arguments: &[&str]| {
        let mut command = Command::new(foreign::claude_code());
        command.args(arguments);
        command.env("DISABLE_AUTOUPDATER", "1").env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        run(as_at_home(&mut command, &home.gateway))
    };
    // Settings of its own making.
    claude(&["mcp", "add", "--scope", "user", "nobody", "--", "/bin/false"]).answer();
    home.client(&["install", "claude-code", "--name", "through"]);
    let listed = claude(&["mcp", "list"]);
    let line = listed.answer().lines().find(|line| line.starts_with("through: "));
    assert!(line.is_some_and(|line| line.ends_with("✔ Connected")), "{listed:#?}");
    home.client(&["uninstall", "claude-code", "--name", "through"]);
    let listed = claude(&["mcp", "list"]);
    assert!(!listed.answer().contains("through: ") && listed.answer().contains("nobody: "), "{listed:#?}");
}
