//! Plugins in JavaScript and TypeScript: built by the built gateway, and called through it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use gateway_tests::{Client, Gateway, fake_http::FakeHttp, gateway::run, guests, place};
use serde_json::{Value, json};

use crate::built::done;

/// Where what was built for other runs lies.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("js-plugin")
}

/// `gateway plugin …`, with what plugins are built with kept from test to test: it comes from npm.
fn plugin(arguments: &[&str], folder: &Path) -> Command {
    let home = kept().join("home");
    fs::create_dir_all(&home).unwrap();
    let mut command = Gateway::new("").command(&[&["plugin"], arguments].concat());
    command.current_dir(folder);
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, &home);
    }
    command
}

/// Copies a folder, apart from what npm and builds left in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() && entry.file_name() != "node_modules" {
            copy(&path, &target);
        } else if path.is_file() && path.extension().is_none_or(|extension| extension != "wasm") {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn hash(folder: &Path, hasher: &mut DefaultHasher) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("node_modules") {
            hash(&path, hasher);
        } else if path.is_file() && path.extension().is_none_or(|extension| extension != "wasm") {
            path.hash(hasher);
            fs::read(&path).unwrap().hash(hasher);
        }
    }
}

/// The folder of a plugin of the repository, built: now, or before of the same sources.
fn built(folder: &str) -> PathBuf {
    let source = place::repository().join(folder);
    let mut hasher = DefaultHasher::new();
    for of in [folder, "sdk/js/src", "sdk/js/build", "sdk/js/wit", "wit"] {
        hash(&place::repository().join(of), &mut hasher);
    }
    let name = source.file_name().unwrap().to_str().unwrap();
    let target = kept().join(format!("{name}-{:016x}", hasher.finish())).join(name);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    // Other tests build too, each in a process of its own.
    let lock = File::create(target.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !target.join(format!("{name}.wasm")).is_file() {
        copy(&source, &target);
        done(&mut plugin(&["build"], &target));
    }
    target
}

/// A gateway with the plugin that has everything.
fn kitchen(entry: Value) -> Session {
    let mut entry = entry;
    entry["source"] = built("tests/cases/js_plugin").display().to_string().into();
    Session::new(json!({ "kitchen": entry, "calculator": guests::CALCULATOR.source() }), "kitchen__count")
}

/// A client, and the gateway that goes after it.
struct Session {
    client: Client,
    _gateway: Gateway,
}

impl Session {
    /// A gateway with these plugins, one of which has been called: it is there, and what it has is known.
    fn new(plugins: Value, tool: &str) -> Self {
        let gateway = Gateway::with(&json!({ "plugins": plugins }));
        // Compiled when it was built.
        let client = Client::spawn(gateway.command(&["stdio"]).env("XDG_CACHE_HOME", kept().join("home")));
        client.initialize();
        client.call(tool, json!({}));
        Self { client, _gateway: gateway }
    }
}

fn structured(client: &Client, tool: &str, arguments: Value) -> Value {
    client.call(tool, arguments).result()["structuredContent"].clone()
}

#[test]
fn the_example_passes_its_own_cases() {
    let folder = built("plugins/json");
    run(Command::new("node").args(["--test", "test"]).current_dir(&folder)).answer();
    let output = run(&mut plugin(&["test"], &folder));
    assert!(output.answer().contains("6 passed"), "{output:#?}");
}

/// Its calls find what a new instance is, in one that was set back.
#[test]
fn few_instances_are_made() {
    let output = run(&mut plugin(&["bench", "--calls", "20", "--json"], &built("plugins/json")));
    let report = output.json();
    assert!(report["new_instances"] == 0 || !cfg!(target_os = "linux"), "{report}");
}

#[test]
fn the_example_is_called() {
    let source = built("plugins/json").display().to_string();
    let Session { client, .. } = &Session::new(json!({ "json": source }), "json__diff");
    let names = client.tools().tool_names();
    assert_eq!(names, ["gateway_status", "json__query", "json__diff", "json__patch", "json__merge"]);
    let document = json!({ "rows": [{ "id": 1 }, { "id": 2 }] });
    let found = structured(client, "json__query", json!({ "document": document, "path": "$.rows[-1].id" }));
    assert_eq!(found, json!({ "count": 1, "matches": [{ "pointer": "/rows/1/id", "value": 2 }] }));
    let failure = client.call("json__query", json!({ "document": document, "path": "$[?@.id]" })).failure();
    assert!(failure.contains("filters (?) are not understood"), "{failure}");
    let failure = client.call("json__query", json!({ "document": 1, "path": "$", "most": 0 })).failure();
    assert!(failure.contains("most"), "{failure}");
    // Each in an instance of its own.
    let calls: Vec<_> =
        (0..64).map(|n| client.send_call("json__merge", json!({ "document": {}, "patch": { "n": n } }))).collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(client.answer(call).result()["structuredContent"]["document"], json!({ "n": n }));
    }
}

#[test]
fn a_function_says_what_its_tool_is() {
    let Session { client, .. } = &kitchen(json!({}));
    let tools = client.tools().result()["tools"].clone();
    let loud = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "kitchen__loud").unwrap();
    assert_eq!(loud["title"], "Shout");
    assert_eq!(loud["description"], "Shout with a library from elsewhere.");
    let properties = json!({
        "words": { "type": "string", "description": "what" },
        "times": { "type": "number", "description": "how often", "default": 1 },
    });
    assert_eq!(loud["inputSchema"]["properties"], properties);
    assert_eq!(loud["inputSchema"]["required"], json!(["words"]));
    assert_eq!(client.call("kitchen__loud", json!({ "words": "hi", "times": 3 })).text(), "HI!!!");
}

#[test]
fn waiting_ends_inside_of_the_call() {
    let Session { client, .. } = &kitchen(json!({}));
    assert_eq!(client.call("kitchen__waits", json!({})).text(), "now first second caught 1 2");
    let failure = client.call("kitchen__fails", json!({ "how": "never" })).failure();
    assert!(failure.contains("a promise that nothing settles"), "{failure}");
}

#[test]
fn a_call_has_an_instance_of_its_own() {
    let Session { client, .. } = &kitchen(json!({}));
    let random = || client.call("kitchen__random", json!({})).text();
    let numbers = [random(), random(), random()];
    assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2], "{numbers:?}");
    for _ in 0..2 {
        assert_eq!(client.call("kitchen__count", json!({})).text(), "1");
    }
}

#[test]
fn what_is_thrown_is_for_the_model_to_read() {
    let Session { client, .. } = &kitchen(json!({}));
    let failure = |how: &str| client.call("kitchen__fails", json!({ "how": how })).failure();
    assert_eq!(failure("late"), "it was late");
    assert!(failure("bug").starts_with("TypeError: "), "{}", failure("bug"));
    assert!(failure("invalid").contains("how is wrong"), "{}", failure("invalid"));
}

#[test]
fn content_comes_as_mcp_has_it() {
    let Session { client, .. } = &kitchen(json!({ "config": { "soup": "hot" } }));
    assert_eq!(structured(client, "kitchen__config", json!({})), json!({ "soup": "hot" }));
    let content = client.call("kitchen__picture", json!({})).result()["content"].clone();
    let expected = json!([
        { "type": "text", "text": "a dot", "annotations": { "audience": ["user"] } },
        { "type": "image", "data": "AQI=", "mimeType": "image/png" },
    ]);
    assert_eq!(content, expected);
}

#[test]
fn http_goes_where_it_is_granted() {
    let server = FakeHttp::new(|asked, exchange| match &*asked.target {
        "/json" => exchange.json(&json!({ "own": asked.header("x-own"), "method": asked.method, "body": asked.body })),
        "/big" => exchange.answer("200 OK", &[], &"x".repeat(300_000)),
        _ => exchange.answer("404 Not Found", &[], "nothing"),
    });
    let Session { client, .. } = &kitchen(json!({ "permissions": { "net": [server.url("")] } }));
    let asks = |url: String, body: Value| {
        let mut arguments = json!({ "url": url });
        if let Value::String(_) = body {
            arguments["body"] = body;
        }
        client.call("kitchen__asks", arguments)
    };
    let answer =
        asks(server.url("/json?a=b").replace("?a=b", ""), "x".repeat(10_000).into()).result()["structuredContent"]
            .clone();
    assert_eq!(answer["answer"], json!({ "own": "x", "method": "POST", "body": "x".repeat(10_000) }));
    assert_eq!(answer["status"], 200);
    let answer = asks(server.url("/big"), Value::Null).result()["structuredContent"].clone();
    assert_eq!(answer["answer"].as_str().unwrap().len(), 300_000);
    let answer = asks(server.url("/else"), Value::Null).result()["structuredContent"].clone();
    assert_eq!(answer, json!({ "status": 404, "type": null, "answer": "nothing" }));
    let denied = asks("http://127.0.0.1:1/".to_owned(), Value::Null).failure();
    assert!(denied.contains("127.0.0.1:1"), "{denied}");
}

#[test]
fn other_tools_and_the_store_are_reached_where_granted() {
    let Session { client, .. } =
        &kitchen(json!({ "permissions": { "tools": ["calculator__add"] }, "limits": { "storage": "1MiB" } }));
    assert_eq!(client.call("kitchen__nested", json!({ "tool": "calculator__add" })).text(), "5");
    let denied = client.call("kitchen__nested", json!({ "tool": "calculator__divide" })).text();
    assert!(denied.starts_with("denied: "), "{denied}");
    let remembers = |arguments: Value| structured(client, "kitchen__remembers", arguments);
    assert_eq!(remembers(json!({ "key": "a", "value": { "b": 1 } }))["visits"], 1);
    let second = remembers(json!({ "key": "a" }));
    assert_eq!((&second["old"], &second["visits"]), (&json!({ "b": 1 }), &json!(2)));
    assert_eq!(second["keys"], json!(["a", "visits"]));
}

#[test]
fn progress_and_lines_arrive() {
    let Session { client, .. } = &kitchen(json!({}));
    let params = json!({ "name": "kitchen__reports", "arguments": {}, "_meta": { "progressToken": 7 } });
    client.request("tools/call", params).result();
    let progress = client.incoming("notifications/progress");
    assert_eq!(progress.params(), &json!({ "progressToken": 7, "progress": 1.0, "total": 2.0, "message": "half" }));
    client.logged("from the plugin");
    client.logged(r#"by console {"a":1}"#);
}

#[test]
fn prompts_resources_and_completions_are_offered() {
    let Session { client, .. } = &kitchen(json!({}));
    let prompts = client.request("prompts/list", json!({})).result()["prompts"].clone();
    let arguments =
        json!([{ "name": "code", "description": "what to review", "required": true }, { "name": "language" }]);
    assert_eq!((&prompts[0]["name"], &prompts[0]["arguments"]), (&json!("kitchen__review"), &arguments));
    let filled = client.request("prompts/get", json!({ "name": "kitchen__review", "arguments": { "code": "x" } }));
    assert_eq!(filled.result()["messages"][0]["content"]["text"], "Review this code: x");
    assert_eq!(filled.result()["messages"][1]["role"], "assistant");
    let read = |uri: &str| client.request("resources/read", json!({ "uri": uri })).result()["contents"][0].clone();
    assert_eq!(read("kitchen:///menu"), json!({ "uri": "kitchen:///menu", "mimeType": "text/plain", "text": "soup" }));
    assert_eq!(read("kitchen:///soup/recipe")["text"], "boil it");
    client.request("resources/read", json!({ "uri": "kitchen:///salad/recipe" })).error();
    let argument = json!({ "name": "language", "value": "java" });
    let reference = json!({ "type": "ref/prompt", "name": "kitchen__review" });
    let completed = client.request("completion/complete", json!({ "ref": reference, "argument": argument }));
    assert_eq!(completed.result()["completion"]["values"], json!(["javascript", "java"]));
}

/// What a build of this module says, where it fails.
fn mistake(package: &str, source: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("package.json"), package).unwrap();
    fs::write(folder.path().join("src/plugin.js"), source).unwrap();
    let output = run(&mut plugin(&["build"], folder.path()));
    output.complaint(1).to_owned()
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let sdk = "import { tool } from 'gateway-sdk';\n";
    let package = r#"{ "type": "module" }"#;
    for (source, words) in [
        ("", &["the plugin declares nothing", "hint: write `tool("][..]),
        (
            "import 'node:fs';\ntool({ name: 'a', input: {} }, () => 1);\n",
            &["node:fs", "hint: a plugin has what JavaScript has"],
        ),
        ("tool(\n", &["src/plugin.js:3"]),
        ("tool(function add(a) { return a; });\n", &["plugin.js:2: nothing says what a is", "hint: write `@param"]),
        ("tool({ name: 'a', input: {} }, () => 1);\nundefined.x;\n", &["plugin.js: TypeError: "]),
        ("for (const one of [1, 2]) tool({ name: 'a', input: {} }, () => one);\n", &["two tools are called a"]),
    ] {
        let said = mistake(package, &format!("{sdk}{source}"));
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in {said}");
        }
    }
    let said = mistake(r#"{ "main": "src/other.js" }"#, sdk);
    assert!(said.contains("src/other.js: there is no such file"), "{said}");
    let said = mistake(r#"{ "dependencies": { "gateway-sdk": "1" } }"#, sdk);
    assert!(said.contains("comes with the gateway"), "{said}");
}

#[test]
fn a_machine_without_node_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("package.json"), "{}").unwrap();
    let output = run(plugin(&["build"], folder.path()).env("PATH", folder.path()));
    let said = output.complaint(output.code);
    assert!(said.contains("node cannot be started") && said.contains("hint: install Node 20 or newer"), "{said}");
}

#[test]
fn what_a_new_plugin_begins_with_works_at_once() {
    let folder = tempfile::tempdir().unwrap();
    run(&mut plugin(&["new", "words", "--lang", "js"], folder.path())).answer();
    let project = folder.path().join("words");
    done(&mut plugin(&["build"], &project));
    run(&mut plugin(&["test"], &project)).answer();
    let unit = run(Command::new("node").args(["--test", "test"]).current_dir(&project));
    unit.answer();
    let gateway = Gateway::with(&json!({ "plugins": { "words": project.display().to_string() } }));
    let answer = gateway.run(&["call", "words__count", "text=a b a", "--json"]).json();
    assert_eq!(answer["structuredContent"], json!({ "total": 3, "frequent": { "a": 2, "b": 1 } }));
}

/// A script of `sdk/js`, which needs what `tests/run` installs.
fn script(name: &str) {
    let folder = place::repository().join("sdk/js");
    let installed = folder.join("build/node_modules/.installed");
    assert!(installed.is_file(), "{} is missing: run ./tests/run --setup", installed.display());
    run(Command::new("npm").args(["run", name]).current_dir(&folder)).answer();
}

#[test]
fn the_sdk_passes_its_own_tests() {
    script("test");
}

#[test]
fn the_types_of_the_sdk_hold() {
    script("check");
}
