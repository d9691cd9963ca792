use serde_json::json;

use super::*;

fn imported(text: &str, file: &str) -> Imported {
    read(text, Path::new(file)).unwrap_or_else(|error| panic!("{error}"))
}

fn servers(imported: &Imported) -> Value {
    imported
        .servers
        .iter()
        .map(|server| (server.name.clone(), Value::Object(server.entry.clone())))
        .collect::<Map<_, _>>()
        .into()
}

fn settings(imported: &Imported) -> Value {
    imported
        .settings
        .iter()
        .map(|setting| (setting.path.join("."), setting.value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

#[track_caller]
fn notes<'i>(imported: &'i Imported, at: &str) -> &'i str {
    let note = imported.notes.iter().find(|note| note.at == at);
    &note.unwrap_or_else(|| panic!("nothing is said of {at}: {:#?}", imported.notes)).text
}

#[test]
fn a_file_of_servers_to_register_in_each_of_its_shapes() {
    let wanted = json!({
        "weather": { "command": "python", "args": ["weather server.py", "--units", "metric"], "description": "Weather" },
    });
    let entry = r#"{"command": "python", "args": "'weather server.py' --units metric", "description": "Weather"}"#;
    let item = entry.replacen('{', r#"{"name": "weather", "#, 1);
    for text in [
        format!(r#"{{"servers": [{item}]}}"#),
        format!(r#"{{"weather": {entry}}}"#),
        format!("[{item}]"),
        format!(r#"{{"mcpServers": {{"weather": {entry}}}}}"#),
    ] {
        assert_eq!(servers(&imported(&text, "/srv/gateway-config.json")), wanted, "{text}");
    }
    let registered = imported(&format!("[{item}]"), "/srv/gateway-config.json");
    assert_eq!(registered.format, Format::AutoRegister);
    assert!(notes(&registered, "port").contains("8003") && notes(&registered, "timeout").contains("10 seconds"));
}

#[test]
fn the_gateway_with_four_meta_tools() {
    let text = "port: 39500\nhost: 0.0.0.0\nlog_level: WARNING\nhealth_check_interval: 15.0\nrequest_timeout: 30.0\nbackends:\n  \
                tavily:\n    command: npx -y tavily --key $KEY\n    description: Web search\n    env: { TAVILY_API_KEY: \"${TAVILY_API_KEY}\" }\n  \
                pieces:\n    http_url: http://localhost:39300/sse\n    idle_timeout: 60.0\n  off:\n    command: x\n    enabled: false\n";
    let imported = imported(text, "/srv/servers.yaml");
    assert_eq!(imported.format, Format::MetaGateway);
    assert_eq!(
        settings(&imported),
        json!({ "port": 39500, "log_level": "warn", "request_timeout": 30, "meta_tools": true })
    );
    assert_eq!(
        servers(&imported),
        json!({
            "tavily": {
                "command": "npx -y tavily --key ${KEY}",
                "env": { "TAVILY_API_KEY": "${TAVILY_API_KEY}" },
                "description": "Web search",
            },
            "pieces": { "url": "http://localhost:39300/sse", "idle_timeout": 60, "heartbeat": 15 },
            "off": { "command": "x", "enabled": false },
        })
    );
    assert!(notes(&imported, "host").contains("auth"));
    assert!(notes(&imported, "enable_meta_mcp").contains("meta_tools"));
}

#[test]
fn mcp_unify() {
    let text = "name: mine\nservers:\n  filesystem:\n    command: npx\n    args: [-y, \"${literal}\"]\n    lazy: false\n  \
                github: { command: npx, args: [gh], env: { GITHUB_TOKEN: $TOKEN }, enabled: false }\nidle_timeout: 120\n\
                plugins: [my_tools.calculator, { module: other }]\nregistry: /tmp/r.db\nroles:\n  admin: null\n  readonly: [\"filesystem_*\"]\n";
    let imported = imported(text, "/srv/gateway.yaml");
    assert_eq!(imported.format, Format::McpUnify);
    assert_eq!(
        settings(&imported),
        json!({ "name": "mine", "idle_timeout": 120, "roles.admin": null, "roles.readonly": ["filesystem_*"] })
    );
    assert_eq!(
        servers(&imported),
        json!({
            "filesystem": { "command": "npx", "args": ["-y", "$${literal}"], "prefix": "none" },
            "github": {
                "command": "npx", "args": ["gh"], "env": { "GITHUB_TOKEN": "${TOKEN}" }, "enabled": false, "prefix": "none",
            },
        })
    );
    assert!(notes(&imported, "plugins[0]").contains("gateway plugin new calculator --lang python"));
    assert!(notes(&imported, "plugins[1]").contains("other"));
    for at in ["registry", "roles", "port", "host", "servers.filesystem.lazy"] {
        notes(&imported, at);
    }
}

#[test]
fn a_list_of_backends() {
    let text = r#"{"backends": [
        {"name": "my-mcp", "url": "http://my-mcp:8080/mcp", "transport": "http", "enabled": true, "headers": {"X-Key": "$${a} ${b}"}},
        {"name": "old", "url": "http://old/events", "transport": "sse", "enabled": false}
    ]}"#;
    let imported = imported(text, "/srv/config/backends.json");
    assert_eq!(imported.format, Format::McpGw);
    assert_eq!(
        servers(&imported),
        json!({
            "my-mcp": { "url": "http://my-mcp:8080/mcp", "headers": { "X-Key": "$$${a} $${b}" } },
            "old": { "url": "http://old/events", "transport": "sse", "enabled": false },
        })
    );
    assert!(notes(&imported, "PORT").contains("3000"));
}

#[test]
fn clients() {
    let claude = imported(
        r#"{"numStartups": 3, "mcpServers": {
            "files": {"type": "stdio", "command": "npx", "args": ["x"], "env": {}},
            "docs": {"type": "http", "url": "https://a.example/sse", "headers": {"Authorization": "Bearer ${T:-x}"}},
            "gateway": {"command": "/usr/bin/gateway", "args": ["stdio"]},
            "my server": {"command": "y", "disabled": true, "alwaysAllow": ["z"], "timeout": 30000}
        }}"#,
        "/home/me/.claude.json",
    );
    assert_eq!(
        servers(&claude),
        json!({
            "files": { "command": "npx", "args": ["x"] },
            "docs": { "url": "https://a.example/sse", "transport": "http", "headers": { "Authorization": "Bearer ${T:-x}" } },
            "my-server": { "command": "y", "args": [], "enabled": false, "request_timeout": 30 },
        })
    );
    assert!(notes(&claude, "mcpServers.gateway").contains("the gateway itself"));
    assert!(notes(&claude, "mcpServers.my server").contains("my-server"));
    assert!(notes(&claude, "mcpServers.my server.alwaysAllow").contains("client"));

    let code = imported(
        r#"{ // of a project
            "inputs": [{"type": "promptString", "id": "api-key", "password": true}],
            "servers": {"a": {"type": "stdio", "command": "./run", "args": ["${workspaceFolder}/b"], "env": {"K": "${input:api-key}"}},},
        }"#,
        "/srv/project/.vscode/mcp.json",
    );
    assert_eq!(code.format, Format::VsCode);
    let wanted =
        json!({ "a": { "command": "/srv/project/run", "args": ["/srv/project/b"], "env": { "K": "${API_KEY}" } } });
    assert_eq!(servers(&code), wanted);
    assert!(notes(&code, "inputs[0]").contains("API_KEY"));
}

#[test]
fn further_clients() {
    let zed = imported(
        r#"{"theme": "x", "context_servers": {"a": {"source": "custom", "command": {"path": "b", "args": ["c"]}}}}"#,
        "settings.json",
    );
    assert_eq!(servers(&zed), json!({ "a": { "command": "b", "args": ["c"] } }));

    let codex = imported(
        "[mcp_servers.a]\ncommand = \"b\"\nenv_vars = [\"X\"]\nstartup_timeout_sec = 20\n[mcp_servers.r]\nurl = \"https://r.example/mcp\"\nbearer_token_env_var = \"T\"\nenabled_tools = [\"x\"]\n",
        "config.toml",
    );
    assert_eq!(
        servers(&codex),
        json!({
            "a": { "command": "b", "args": [], "start_timeout": 20 },
            "r": { "url": "https://r.example/mcp", "headers": { "Authorization": "Bearer ${T}" }, "tools": { "allow": ["x"] } },
        })
    );

    let gemini = imported(
        r#"{"mcpServers": {"a": {"httpUrl": "https://a/x", "trust": true}, "b": {"url": "https://b/x"}, "c": {"command": "d", "env": {"K": "$K"}}}}"#,
        "settings.json",
    );
    assert_eq!(
        servers(&gemini),
        json!({
            "a": { "url": "https://a/x" },
            "b": { "url": "https://b/x", "transport": "sse" },
            "c": { "command": "d", "args": [], "env": { "K": "${K}" } },
        })
    );

    let windsurf =
        imported(r#"{"mcpServers": {"a": {"serverUrl": "https://a/sse", "disabledTools": ["x"]}}}"#, "mcp_config.json");
    assert_eq!(servers(&windsurf), json!({ "a": { "url": "https://a/sse", "tools": { "deny": ["x"] } } }));
}

#[test]
fn gateways_are_not_put_behind_this_one() {
    let text = r#"{"mcpServers": {
        "ours": {"command": "/usr/bin/gateway", "args": ["stdio"]},
        "unify": {"command": "mcp-gateway", "args": ["stdio", "--config", "/x/gateway.yaml"]},
        "multi": {"command": "python", "args": ["/x/mcp-multi-server-gateway/gateway.py"]},
        "other": {"command": "python", "args": ["gateway_info.py"]}
    }}"#;
    let imported = imported(text, "x.json");
    assert_eq!(servers(&imported).as_object().unwrap().keys().collect::<Vec<_>>(), ["other"]);
    assert!(
        notes(&imported, "mcpServers.unify").contains("replaces")
            && notes(&imported, "mcpServers.multi").contains("replaces")
    );
}

#[test]
fn secrets_are_noted_and_not_shown() {
    let text = r#"{"mcpServers": {"a": {"command": "b", "args": ["--api-key", "hunter2hunter2"], "env": {"TOKEN": "ghp_abcdefgh", "HOME": "/x", "OTHER_KEY_FILE": "/y"}}}}"#;
    let imported = imported(text, "x.json");
    assert!(notes(&imported, "mcpServers.a.env.TOKEN").contains("${TOKEN}"));
    assert!(notes(&imported, "mcpServers.a.args[1]").contains("${API_KEY}"));
    let said = serde_json::to_string(&imported.notes).unwrap();
    assert!(!said.contains("hunter2") && !said.contains("ghp_"), "{said}");
    assert_eq!(imported.secrets.len(), 2);
}

#[test]
fn what_cannot_be_read_says_where() {
    let error = |text: &str, file: &str| read(text, Path::new(file)).err().unwrap().to_string();
    assert!(
        error("{\n  \"mcpServers\": {\n    a\n", "a.json").contains("line 3"),
        "{}",
        error("{\n  \"mcpServers\": {\n    a\n", "a.json")
    );
    assert!(error("servers:\n  a: [\n", "a.yaml").contains("line"));
    assert!(error("[a\n", "a.toml").contains("line 1"));
    assert!(error("{\"a\": 1}", "a.json").contains("no servers"));
    assert!(error("text", "a.yaml").contains("no servers"));
}

#[test]
fn what_is_no_server_is_left_out_and_told() {
    let text = "backends:\n  a: {}\n  b: text\n  c: { command: x, http_url: \"http://y/mcp\", headers: { A: b } }\n  d: { http_url: \"http://y/mcp\", env: { A: b } }\n";
    let imported = imported(text, "a.yaml");
    assert_eq!(servers(&imported), json!({ "c": { "command": "x" }, "d": { "url": "http://y/mcp" } }));
    for at in ["backends.a", "backends.b", "backends.c.url", "backends.c.headers", "backends.d.env"] {
        notes(&imported, at);
    }
}
