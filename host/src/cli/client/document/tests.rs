use serde_json::json;

use super::*;

const ENTRY: &str = "/usr/bin/gateway";

fn entry(role: Option<&str>) -> Entry {
    Entry::new(Path::new(ENTRY), Path::new("/srv/gateway.yaml"), role)
}

#[track_caller]
fn installed(client: Known, text: &str, file: &str, role: Option<&str>) -> String {
    let file = Path::new(file);
    let mut document = Document::parse(text, file).unwrap();
    document.set(client, "gateway", &entry(role), file).unwrap();
    let after = document.text();
    // Once more changes nothing.
    let mut again = Document::parse(&after, file).unwrap();
    again.set(client, "gateway", &entry(role), file).unwrap();
    assert_eq!(again.text(), after);
    let there = again.entries(client.section(), file).unwrap();
    assert_eq!(Entry::of(&there["gateway"]), Some(entry(role)), "{after}");
    after
}

#[test]
fn a_new_file_looks_as_if_somebody_had_written_it() {
    let text = installed(Known::ClaudeCode, "", ".mcp.json", Some("reader"));
    let wanted = json!({ "mcpServers": { "gateway": {
        "type": "stdio", "command": ENTRY, "args": ["stdio", "--config", "/srv/gateway.yaml"],
        "env": { "MCP_GATEWAY_ROLE": "reader" },
    } } });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), wanted);
    assert!(text.lines().count() > 5 && text.contains("\n    \"gateway\": {\n"), "{text}");

    let text = installed(Known::Codex, "", "config.toml", None);
    assert_eq!(
        text,
        format!(
            "[mcp_servers.gateway]\ncommand = \"{ENTRY}\"\nargs = [\"stdio\", \"--config\", \"/srv/gateway.yaml\"]\n"
        )
    );
}

#[test]
fn comments_and_layout_stay() {
    let before = "// mine\n{\n\t\"theme\": \"dark\", // nice\n\t\"context_servers\": {\n\t\t\"a\": {\"command\": \"b\"}, // first\n\t},\n\t\"z\": [1,2],\n}\n";
    let after = installed(Known::Zed, before, "settings.json", None);
    for kept in [
        "// mine\n",
        "\t\"theme\": \"dark\", // nice\n",
        "\t\t\"a\": {\"command\": \"b\"}, // first\n",
        "\t\"z\": [1,2],\n}\n",
    ] {
        assert!(after.contains(kept), "{kept:?} is missing in {after}");
    }
    assert!(after.contains("\t\t\"gateway\": {\n\t\t\t\"source\": \"custom\",\n"), "{after}");
    let mut document = Document::parse(&after, Path::new("settings.json")).unwrap();
    document.remove("context_servers", "gateway");
    assert_eq!(document.text(), before);

    let before = "# mine\nmodel = \"x\" # nice\n\n[mcp_servers.a] # first\ncommand = \"b\"\n\n[other]\nkey = 1\n";
    let after = installed(Known::Codex, before, "config.toml", Some("r"));
    let mut document = Document::parse(&after, Path::new("config.toml")).unwrap();
    document.remove("mcp_servers", "gateway");
    assert_eq!(document.text(), before);
}

#[test]
fn what_somebody_added_to_the_entry_stays() {
    let before = r#"{"mcpServers": {"gateway": {"command": "/old/gateway", "args": ["stdio"], "timeout": 5, "env": {"A": "b", "MCP_GATEWAY_ROLE": "old"}}}}"#;
    let after = installed(Known::Cursor, before, "mcp.json", Some("new"));
    let after: Value = serde_json::from_str(&after).unwrap();
    let there = &after["mcpServers"]["gateway"];
    assert_eq!((&there["timeout"], &there["env"]), (&json!(5), &json!({ "A": "b", "MCP_GATEWAY_ROLE": "new" })));
    let after = installed(Known::Cursor, before, "mcp.json", None);
    assert_eq!(serde_json::from_str::<Value>(&after).unwrap()["mcpServers"]["gateway"]["env"], json!({ "A": "b" }));
}

#[test]
fn what_is_broken_is_not_touched_and_says_where() {
    for (text, file, part) in [
        ("{\n  \"mcpServers\": {\n    \"a\": \n  }\n}", "a.json", "line 4"),
        ("{\n  'a': 1}", "a.json", "line 2"),
        ("[a]\nb = \n", "a.toml", "line 2"),
        ("[]", "a.json", "object"),
    ] {
        let error = Document::parse(text, Path::new(file)).err().unwrap().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let mut document = Document::parse(r#"{"mcpServers": []}"#, Path::new("a.json")).unwrap();
    assert!(document.entries("mcpServers", Path::new("a.json")).is_err());
    assert!(document.set(Known::Cursor, "gateway", &entry(None), Path::new("a.json")).is_err());
}
