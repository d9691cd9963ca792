//! Pipelines as they stand in the configuration: reloaded, listed, checked; and the example that is shipped.

use gateway_tests::{Client, Fake, Gateway, files::Files, foreign, place};
use serde_json::{Value, json};

#[test]
fn they_change_with_the_configuration() {
    let fake = Fake::new();
    let with = |pipelines: Value| json!({ "servers": { "fake": fake.entry(&[]) }, "pipelines": pipelines });
    let say = |text: &str| json!({ "steps": [{ "tool": "fake__echo", "arguments": { "text": text } }] });
    let gateway = Gateway::with(&with(json!({ "one": say("first") })));
    let client = gateway.client();
    assert_eq!(client.call("pipeline__one", json!({})).text(), "first");
    gateway.write("gateway.yaml", &with(json!({ "one": say("second"), "two": say("more") })).to_string());
    listed(&client, &["pipeline__one", "pipeline__two"]);
    assert_eq!(client.call("pipeline__one", json!({})).text(), "second");
    assert_eq!(fake.count(), 1, "the server went on");
    gateway.write("gateway.yaml", &with(json!({})).to_string());
    listed(&client, &[]);
    client.call("pipeline__one", json!({})).error();
}

/// Waits until these pipelines are listed, and no others. What else has changed is told of too.
#[track_caller]
fn listed(client: &Client, expected: &[&str]) {
    let pipelines = || {
        let names = client.tools().tool_names();
        names.into_iter().filter(|name| name.starts_with("pipeline__")).collect::<Vec<_>>()
    };
    while pipelines() != expected {
        client.incoming("notifications/tools/list_changed");
    }
}

#[test]
fn a_mistake_disables_one_alone() {
    let gateway = Gateway::new(
        "plugins: {}\npipelines:\n  good:\n    steps: [{ tool: gateway_status }]\n  bad:\n    steps:\n      - { id: a, tool: x, \
         arguments: { t: \"${steps.b.text}\" } }\n  typo:\n    steps:\n      - { id: a, tol: x }\n",
    );
    let client = gateway.client();
    let names = client.tools().tool_names();
    assert!(names.contains(&"pipeline__good".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("bad") || name.contains("typo")), "{names:?}");
    client.call("pipeline__good", json!({})).text();

    let check = gateway.run(&["check"]);
    assert_eq!(check.code, 2, "{check:?}");
    for words in ["gateway.yaml:7:43", "there is no step `b`", "gateway.yaml:10:18", "did you mean `tool`?", "^^^"] {
        assert!(check.stderr.contains(words), "{words}: {}", check.stderr);
    }
    let listed = gateway.run(&["pipeline", "list", "--json"]).json();
    let names: Vec<&Value> = listed["pipelines"].as_array().unwrap().iter().map(|pipeline| &pipeline["tool"]).collect();
    assert_eq!(names, ["pipeline__good", "pipeline__bad", "pipeline__typo"]);
    assert!(listed["pipelines"][2]["error"].as_str().unwrap().contains("unknown key `tol`"), "{listed}");
    assert_eq!(listed["pipelines"][0]["steps"], json!([{ "id": "step-1", "tool": "gateway_status" }]));
    let all = gateway.run(&["list", "--json"]).json();
    assert!(all["pipelines"]["bad"]["error"].is_string() && all["pipelines"]["good"]["error"].is_null(), "{all}");
    let bad = gateway.run(&["-q", "pipeline", "check", "bad"]);
    assert!(bad.complaint(2).contains("there is no step `b`"), "{bad:?}");
    assert!(gateway.run(&["-q", "pipeline", "check", "goood"]).complaint(2).contains("did you mean \"good\"?"));
    assert_eq!(gateway.run(&["pipeline", "check", "good"]).answer(), "good: ok\n");
}

#[test]
fn a_dry_run_finds_what_tools_would_refuse() {
    let fake = Fake::new();
    let tools = json!([{ "name": "query", "inputSchema": { "type": "object", "properties": { "sql": { "type": "string" } },
        "required": ["sql"] }, "outputSchema": { "type": "object", "properties": { "rows": { "type": "array" } } } }]);
    let gateway = Gateway::with(&json!({}));
    let file = gateway.write("tools.json", &tools.to_string());
    let pipeline = |steps: Value| json!({ "steps": steps });
    let configuration = json!({
        "servers": { "db": fake.entry(&["--tools", file.to_str().unwrap()]), "gone": { "command": "/nowhere/at-all" } },
        "pipelines": {
            "right": pipeline(json!([{ "id": "q", "tool": "db__query", "arguments": { "sql": "x" } },
                { "tool": "db__query", "arguments": { "sql": "${steps.q.structured.rows.0}" } }])),
            "wrong": pipeline(json!([{ "id": "q", "tool": "db__query", "arguments": { "sqll": "x" } },
                { "tool": "db__qeury", "arguments": { "sql": "${steps.q.structured.row}" } }])),
            "unreachable": pipeline(json!([{ "tool": "gone__tool" }])),
        },
        "roles": { "all": null, "none": ["pipeline_*"] }, "default_role": "all",
    });
    gateway.write("gateway.yaml", &format!("{configuration:#}\n"));
    assert_eq!(gateway.run(&["pipeline", "check", "right"]).answer(), "right: ok\n");
    let wrong = gateway.run(&["pipeline", "check", "wrong"]);
    for words in [
        "no argument `sqll`",
        "did you mean `sql`?",
        "there is no tool `db__qeury`",
        "did you mean `db__query`?",
        "there is no `row` in it",
        "did you mean `rows`?",
        "--> ",
        "^^^",
    ] {
        assert!(wrong.complaint(2).contains(words), "{words}: {}", wrong.stderr);
    }
    let wrong = gateway.run(&["pipeline", "check", "wrong", "--json"]);
    let told: Value = serde_json::from_str(&wrong.stdout).unwrap();
    assert_eq!((wrong.code, &told["ok"], told["problems"].as_array().unwrap().len()), (2, &json!(false), 3), "{told}");
    assert_eq!(told["problems"][0]["path"], "steps[0].arguments.sqll");
    let unreachable = gateway.run(&["pipeline", "check", "unreachable"]);
    assert!(unreachable.complaint(1).contains("server \"gone\" cannot be asked"), "{unreachable:?}");
    // What a role may not see does not exist for its pipelines.
    let hidden = gateway.run(&["pipeline", "check", "right", "--role", "none"]);
    assert!(hidden.complaint(2).contains("there is no tool `db__query`"), "{hidden:?}");
}

// === the example ===

/// The shipped example on real servers, with the weather's API on loopback.
struct Example {
    gateway: Gateway,
    api: Files,
}

impl Example {
    fn new() -> Self {
        let text = std::fs::read_to_string(place::repository().join("host/examples/pipelines.yaml")).unwrap();
        let gateway = Gateway::new(&text);
        let api = Files::serve(|asked| {
            let path = asked.path.as_str();
            let body = if let Some(state) = path.strip_prefix("/alerts?area=") {
                json!({ "features": [{ "properties": { "event": format!("Storm of {state}"), "areaDesc": state } }] })
            } else if path == "/points/38.5800,-121.4900" {
                json!({ "properties": { "forecast": format!("http://{}/forecast", asked.headers["host"]) } })
            } else if path == "/forecast" {
                json!({ "properties": { "periods": [{ "name": "Tonight", "temperature": 51, "shortForecast": "Clear" }] } })
            } else {
                return (404, Vec::new(), Vec::new());
            };
            (200, vec![], body.to_string().into_bytes())
        });
        Self { gateway, api }
    }

    fn client(&self) -> Client {
        let servers = place::repository().join("tests/servers");
        let at = |path: &str| -> String {
            let path = servers.join(path);
            assert!(path.exists(), "{} is missing: run `./tests/run --setup`", path.display());
            path.display().to_string()
        };
        let weather = [
            "node".to_owned(),
            "--import".to_owned(),
            format!("file://{}", at("weather-on-loopback.mjs")),
            at("node_modules/@h1deya/mcp-server-weather/dist/index.js"),
        ];
        let database = self.gateway.path("data.db").display().to_string();
        let sqlite = [at(".venv/bin/mcp-server-sqlite"), "--db-path".to_owned(), database];
        let folder = self.gateway.path("");
        let files = foreign::node_server("filesystem", &[folder.to_str().unwrap()]);
        let mut command = self.gateway.command(&["stdio"]);
        command.env("WEATHER_API", format!("http://{}", self.api.address));
        command.env("WEATHER_COMMAND", weather.join(" ")).env("SQLITE_COMMAND", sqlite.join(" "));
        let client = Client::spawn(command.env("FILES_COMMAND", files.join(" ")));
        client.initialize();
        client
    }
}

#[test]
fn the_example_runs_on_real_servers() {
    let example = Example::new();
    let client = example.client();
    let made = client.call("sqlite__create_table", json!({ "query": "CREATE TABLE books (title TEXT)" }));
    assert_eq!(made.text(), "Table created successfully");
    client.call("sqlite__write_query", json!({ "query": "INSERT INTO books VALUES ('Emma'), ('Persuasion')" })).text();

    // The two of the gateway that this one replaces, by all their names.
    for (tool, arguments) in [
        ("pipeline__weather-analysis", json!({})),
        ("gateway_run_pipeline", json!({ "pipeline": "weather-analysis" })),
        ("route_pipeline", json!({ "scenario": "weather-analysis" })),
    ] {
        let text = client.call(tool, arguments).text();
        assert!(text.contains("Storm of CA") && text.contains("Temperature: 51"), "{tool}: {text}");
    }
    for (tool, arguments) in [
        ("pipeline__database-report", json!({ "sql": "SELECT title FROM books" })),
        ("route_pipeline", json!({ "scenario": "database-report", "input": { "sql": "SELECT title FROM books" } })),
    ] {
        let report = client.call(tool, arguments);
        assert_eq!(report.text(), "[{'title': 'Emma'}, {'title': 'Persuasion'}]", "{tool}");
        let schema = &report.result()["structuredContent"]["steps"][1]["result"]["content"][0]["text"];
        assert!(schema.as_str().unwrap().contains("CREATE TABLE books"), "{schema}");
    }
    assert!(client.call("route_pipeline", json!({ "scenario": "database-report" })).text().contains("'tables': 1"));

    // The same tool of the same server, at once.
    let alerts = client.call("pipeline__alerts-of-states", json!({ "states": ["NY", "TX"] })).text();
    assert!(alerts.find("Storm of NY") < alerts.find("Storm of TX") && alerts.contains("Storm of NY"), "{alerts}");
    let steps = json!([{ "parallel": [
        { "id": "ny", "tool": "weather__get-alerts", "arguments": { "state": "NY" } },
        { "id": "tx", "tool": "weather__get-alerts", "arguments": { "state": "TX" } },
    ] }]);
    let alerts = client.call("route_pipeline", json!({ "scenario": "custom", "steps": steps })).text();
    assert!(alerts.contains("Storm of NY") && alerts.contains("Storm of TX"), "{alerts}");

    // All servers in turn.
    let file = example.gateway.path("report.txt");
    let report = client.call("pipeline__morning-report", json!({ "state": "WA", "file": file.to_str().unwrap() }));
    assert!(!report.is_error(), "{}", report.raw);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("Storm of WA") && written.contains("Tables: [{'name': 'books'}]"), "{written}");
}
