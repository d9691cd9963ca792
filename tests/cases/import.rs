//! `gateway import` and `--auto-register`: servers of other programs become this gateway's, and what is not the same is
//! told.

use std::fs;

use gateway_tests::{Client, Fake, Gateway, gateway::Output, place};
use serde_json::{Value, json};

/// A gateway without a configuration.
fn empty() -> Gateway {
    let gateway = Gateway::new("");
    fs::remove_file(gateway.path("gateway.yaml")).unwrap();
    gateway
}

fn read(gateway: &Gateway, name: &str) -> String {
    fs::read_to_string(gateway.path(name)).unwrap()
}

/// What `server list --json` says of the servers, by name.
#[track_caller]
fn servers(gateway: &Gateway) -> Vec<String> {
    let listed = gateway.run(&["list", "--json"]).json();
    listed["servers"].as_object().unwrap().keys().cloned().collect()
}

#[track_caller]
fn says(output: &Output, part: &str) {
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains(part), "{part:?} is not said: {output:#?}");
}

const SERVERS_YAML: &str = "\
port: 39400
enable_meta_mcp: true

backends:
  tavily:
    command: \"npx -y @anthropic/mcp-server-tavily\"
    description: \"Web search\"
    env:
      TAVILY_API_KEY: \"${TAVILY_API_KEY}\"

  context7:
    http_url: \"http://localhost:8080/mcp\"
    description: \"Documentation lookup\"
";

#[test]
fn a_configuration_is_begun_where_there_is_none() {
    let gateway = empty();
    gateway.write("servers.yaml", SERVERS_YAML);
    let imported = gateway.run(&["import", "servers.yaml"]);
    says(&imported, "added: servers.tavily");
    says(&imported, "TAVILY_API_KEY is not set");
    let written = read(&gateway, "gateway.yaml");
    for line in [
        "port: 39400\n",
        "meta_tools: true\n",
        "  tavily:\n    command: \"npx -y @anthropic/mcp-server-tavily\"\n",
        "      TAVILY_API_KEY: \"${TAVILY_API_KEY}\"\n",
        "    url: \"http://localhost:8080/mcp\"\n    description: \"Documentation lookup\"\n",
    ] {
        assert!(written.contains(line), "{line:?} is missing in\n{written}");
    }
    let mut with_key = gateway.command(&["check", "--json"]);
    let checked = gateway_tests::gateway::run(with_key.env("TAVILY_API_KEY", "x")).json();
    assert_eq!(checked["ok"], true, "{checked:#}");

    // Once more changes nothing, and says so.
    let again = gateway.run(&["import", "servers.yaml", "--json"]).json();
    assert_eq!((&again["changed"], &again["diff"]), (&json!(false), &json!("")));
    let outcomes: Vec<_> =
        again["imported"][0]["entries"].as_array().unwrap().iter().map(|entry| &entry["outcome"]).collect();
    assert!(outcomes.iter().all(|outcome| **outcome == "present"), "{again:#}");
    assert_eq!(read(&gateway, "gateway.yaml"), written);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let before = "# ours\nport: 4000 # of this machine\nservers:\n  # the good one\n  files:\n    command: ours   # not theirs\nroles: { reader: [\"files_*\"] }\n";
    let gateway = Gateway::new(before);
    let theirs = json!({ "mcpServers": {
        "files": { "command": "theirs" },
        "other server": { "command": "x", "args": ["a b"], "autoApprove": ["all"] },
        "broken": { "url": "ftp://nowhere" },
    } });
    gateway.write("claude.json", &theirs.to_string());
    let imported = gateway.run(&["import", "claude.json"]);
    for part in ["not added: servers.files", "other-server", "autoApprove", "not usable: servers.broken"] {
        says(&imported, part);
    }
    let after = read(&gateway, "gateway.yaml");
    let added = "  other-server:\n    command: x\n    args: [\"a b\"]\n";
    assert_eq!(after, before.replace("roles:", &format!("{added}roles:")));
}

#[test]
fn a_dry_run_shows_a_diff_without_secrets_and_writes_nothing() {
    let gateway = Gateway::new("servers:\n  a: { command: x }\n");
    let theirs = json!({ "servers": [{ "name": "b", "command": "y", "args": "--api-key hunter2hunter2" }] });
    gateway.write("auto.json", &theirs.to_string());
    let shown = gateway.run(&["import", "auto.json", "--dry-run"]);
    let diff = shown.answer();
    assert!(diff.starts_with("--- gateway.yaml\n+++ gateway.yaml\n@@"), "{diff}");
    assert!(diff.contains("\n+  b:\n+    command: \"y\"\n") && diff.contains("********"), "{diff}");
    assert!(!format!("{shown:?}").contains("hunter2"), "{shown:#?}");
    assert!(shown.stderr.contains("looks like a secret") && shown.stderr.contains("${API_KEY}"), "{shown:#?}");
    assert_eq!(read(&gateway, "gateway.yaml"), "servers:\n  a: { command: x }\n");

    let nothing = empty();
    nothing.write("auto.json", &theirs.to_string());
    assert!(nothing.run(&["import", "auto.json", "--dry-run"]).answer().starts_with("--- /dev/null\n"));
    assert!(!nothing.path("gateway.yaml").exists());
    // As it is written in the end: what the other file has, for its user to move elsewhere.
    gateway.run(&["import", "auto.json"]).answer();
    assert!(read(&gateway, "gateway.yaml").contains("hunter2hunter2"));
}

#[test]
fn what_cannot_be_imported_changes_nothing() {
    let gateway = Gateway::new("servers: {}\n");
    for (name, text, part) in [
        ("broken.json", "{\n  \"mcpServers\": {\n    \"a\": oops\n", "line 3"),
        ("broken.yaml", "backends:\n  a: [\n", "line"),
        ("other.yaml", "version: 3\nservices: {}\n", "mcpServers"),
    ] {
        gateway.write(name, text);
        let failed = gateway.run(&["import", name]);
        let said = failed.complaint(2);
        assert!(said.contains(name) && said.contains(part), "{said}");
    }
    assert!(gateway.run(&["import", "nowhere.json"]).complaint(2).contains("nowhere.json"));
    assert!(gateway.run(&["import", "gateway.yaml"]).complaint(2).contains("--config"));
    assert_eq!(read(&gateway, "gateway.yaml"), "servers: {}\n");
}

#[test]
fn roles_and_settings_come_along() {
    let gateway = empty();
    let theirs = "servers:\n  filesystem:\n    command: npx\n    args: [\"-y\", \"server\", \"/tmp\"]\nidle_timeout: 120\n\
                  plugins:\n  - module: my_tools.calculator\nregistry: /tmp/r.db\nroles:\n  admin: null\n  readonly: [\"filesystem_*\", \"gateway_status\"]\n";
    gateway.write("old/gateway.yaml", theirs);
    let imported = gateway.run(&["import", "old/gateway.yaml"]);
    for part in ["my_tools.calculator", "--lang python", "registry", "8765", "0.0.0.0", "default_role", "prefix: none"]
    {
        says(&imported, part);
    }
    let roles = gateway.run(&["roles", "list"]);
    assert!(roles.answer().contains("readonly") && roles.answer().contains("admin"), "{roles:#?}");
    assert!(read(&gateway, "gateway.yaml").contains("idle_timeout: 120\n"));
}

#[test]
fn servers_beside_the_configuration_are_written_nowhere() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "ours": fake.entry(&[]) } }));
    let before = read(&gateway, "gateway.yaml");
    let line = shell(&fake.arguments(&[]));
    let auto = |names: &[&str]| {
        let server = |name: &&str| json!({ "name": name, "command": place::fake_server(), "args": line, "description": "beside" });
        json!({ "servers": names.iter().map(server).collect::<Vec<_>>() }).to_string()
    };
    gateway.write("auto.json", &auto(&["theirs", "ours"]));
    let client = Client::spawn(&mut gateway.command(&["stdio", "--auto-register", "auto.json"]));
    client.initialize();
    assert_eq!(client.call("theirs__echo", json!({ "text": "hello" })).text(), "hello");
    assert_eq!(client.call("ours__echo", json!({ "text": "hello" })).text(), "hello");
    client.logged("stands in the configuration as well");
    assert_eq!(read(&gateway, "gateway.yaml"), before);
    assert_eq!(servers(&gateway), ["ours"]);

    // Read again with the configuration.
    gateway.write("auto.json", &auto(&["others"]));
    client.signal(rustix::process::Signal::HUP);
    client.logged("the configuration counts as it is now");
    assert_eq!(client.call("others__echo", json!({ "text": "hello" })).text(), "hello");
    assert_eq!(client.call("theirs__echo", json!({ "text": "x" })).error()["code"], -32602);
    client.finish();
}

#[test]
fn with_servers_beside_it_a_configuration_need_not_be_there() {
    let fake = Fake::new();
    let gateway = empty();
    gateway.write("mcp.json", &json!({ "mcpServers": { "fake": fake.entry(&[]) } }).to_string());
    let client = Client::spawn(&mut gateway.command(&["stdio", "--auto-register", "mcp.json"]));
    client.initialize();
    assert_eq!(client.call("fake__echo", json!({ "text": "hello" })).text(), "hello");
    client.finish();
    assert!(!gateway.path("gateway.yaml").exists());
    let broken = gateway.write("broken.json", "{");
    assert!(gateway.run(&["stdio", "--auto-register", broken.to_str().unwrap()]).complaint(2).contains("line 1"));
    assert!(gateway.run(&["stdio", "--auto-register", "nowhere.json"]).complaint(2).contains("nowhere.json"));
    // One that was named has to be there.
    assert_eq!(gateway.run(&["stdio", "--auto-register", "mcp.json", "--config", "nowhere.yaml"]).code, 2);
}

/// As a shell would have to be given them.
fn shell(words: &[String]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

/// Each client's own way to write the same two servers.
#[test]
fn every_clients_own_format() {
    let command = json!({ "command": "npx", "args": ["-y", "server"], "env": { "KEY": "${KEY:-none}" } });
    let remote = |key: &str| json!({ key: "https://example.com/mcp" });
    let cases: [(&str, Value); 5] = [
        ("claude.json", json!({ "mcpServers": { "local": command, "remote": remote("url") } })),
        ("windsurf.json", json!({ "mcpServers": { "local": command, "remote": remote("serverUrl") } })),
        ("gemini.json", json!({ "mcpServers": { "local": command, "remote": remote("httpUrl") } })),
        ("vscode.json", json!({ "servers": { "local": command, "remote": remote("url") }, "inputs": [] })),
        ("zed.json", json!({ "context_servers": { "local": command, "remote": remote("url") } })),
    ];
    for (name, text) in cases {
        let gateway = empty();
        gateway.write(name, &text.to_string());
        gateway.run(&["import", name]).answer();
        let check = gateway.run(&["check"]);
        assert_eq!(check.code, 0, "{name}: {check:#?}\n{}", read(&gateway, "gateway.yaml"));
        assert_eq!(servers(&gateway), ["local", "remote"], "{name}");
    }
    let gateway = empty();
    gateway.write(
        "config.toml",
        "[mcp_servers.local]\ncommand = \"npx\"\n[mcp_servers.remote]\nurl = \"https://example.com/mcp\"\n",
    );
    gateway.run(&["import", "config.toml"]).answer();
    assert_eq!(servers(&gateway), ["local", "remote"]);
}
