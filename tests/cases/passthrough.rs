//! Through the gateway a server answers as it does directly, byte for byte but for the names of its tools.

use std::{collections::BTreeMap, fs, path::Path};

use gateway_tests::{Client, Fake, Gateway, Message, foreign};
use serde_json::{Value, json};

/// A server, directly and through the gateway.
struct Pair {
    direct: Client,
    through: Client,
    _gateway: Gateway,
}

impl Pair {
    /// `server` makes the command line of a server that keeps what it keeps in a folder.
    fn new(folder: &Path, abilities: &Value, server: &[String], env: &[(&str, &str)]) -> Self {
        let mut entry = foreign::entry(server);
        entry["env"] =
            env.iter().map(|(key, value)| ((*key).to_owned(), json!(value.replace("NAME", "through")))).collect();
        entry["cwd"] = json!(folder);
        let gateway = Gateway::with(&json!({ "servers": { "it": entry } }));
        let mut command = foreign::command(server);
        command.current_dir(folder).envs(env.iter().map(|(key, value)| (*key, value.replace("NAME", "direct"))));
        let (direct, through) = (Client::spawn_other(&mut command), gateway.connect());
        for client in [&direct, &through] {
            client.answer_with("roots/list", json!({ "roots": [{ "uri": format!("file://{}", folder.display()) }] }));
            client.initialize_as("2025-11-25", abilities.clone());
        }
        through.call("_it_connect", json!({})).text();
        Self { direct, through, _gateway: gateway }
    }

    /// The definitions are the same, once the server has all that it has.
    #[track_caller]
    fn same_tools(&self, last: &str) -> BTreeMap<String, String> {
        let direct = definitions(&self.direct, last);
        let through = definitions(&self.through, &format!("it__{last}"));
        let ours: BTreeMap<_, _> = through
            .into_iter()
            .filter_map(|(name, definition)| {
                let local = name.strip_prefix("it__")?.to_owned();
                let renamed = definition.replacen(&format!(r#""name":"{name}""#), &format!(r#""name":"{local}""#), 1);
                Some((local, renamed))
            })
            .collect();
        for (name, definition) in &direct {
            assert_eq!(ours.get(name), Some(definition), "definition of {name}");
        }
        assert_eq!(ours.len(), direct.len());
        direct
    }

    /// The answers are the same.
    #[track_caller]
    fn same(&self, tool: &str, arguments: Value) -> Message {
        let (direct, through) = self.both(tool, &arguments);
        assert_eq!(outcome(&through), outcome(&direct), "{tool} {arguments}");
        through
    }

    /// The answers are the same but for digits, where they tell the time.
    #[track_caller]
    fn same_but_for_the_time(&self, tool: &str, arguments: Value) {
        let (direct, through) = self.both(tool, &arguments);
        let timeless = |message: &Message| outcome(message).replace(|c: char| c.is_ascii_digit(), "");
        assert_eq!(timeless(&through), timeless(&direct), "{tool} {arguments}");
        assert!(!direct.is_error(), "{}", direct.raw);
    }

    #[track_caller]
    fn both(&self, tool: &str, arguments: &Value) -> (Message, Message) {
        (self.direct.call(tool, arguments.clone()), self.through.call(&format!("it__{tool}"), arguments.clone()))
    }
}

/// The definitions, when this tool is among them: some servers add tools after the handshake, and say so.
#[track_caller]
fn definitions(client: &Client, last: &str) -> BTreeMap<String, String> {
    loop {
        let listed = client.tools().definitions();
        if listed.iter().any(|(name, _)| name == last) {
            return listed.into_iter().collect();
        }
        client.incoming("notifications/tools/list_changed");
    }
}

/// The result or the error, byte for byte.
#[track_caller]
fn outcome(message: &Message) -> &str {
    message.member(if message.value.get("error").is_some() { "error" } else { "result" })
}

fn everything(abilities: &Value, last: &str) {
    let gateway = Gateway::new("");
    let pair = Pair::new(&gateway.path(""), abilities, &foreign::node_server("everything", &["stdio"]), &[]);
    let tools = pair.same_tools(last);
    assert!(tools["get-sum"].contains(r#""execution":"#), "{}", tools["get-sum"]);

    pair.same("echo", json!({ "message": "grüße \u{1f600} \"quoted\" \\ \u{0} \u{2028}" })).text();
    assert!(pair.same("get-sum", json!({ "a": 1, "b": 2.5 })).text().contains("3.5"));
    for kind in ["error", "success", "debug"] {
        pair.same("get-annotated-message", json!({ "messageType": kind, "includeImage": true }));
    }
    let image = pair.same("get-tiny-image", json!({}));
    assert!(image.result()["content"].as_array().unwrap().iter().any(|part| part["type"] == "image"));
    let links = pair.same("get-resource-links", json!({ "count": 4 }));
    assert!(links.result()["content"].as_array().unwrap().iter().any(|part| part["type"] == "resource_link"));
    let structured = pair.same("get-structured-content", json!({ "location": "Chicago" }));
    assert!(structured.result()["structuredContent"].is_object());
    for kind in ["Text", "Blob"] {
        let (direct, through) = pair.both("get-resource-reference", &json!({ "resourceType": kind, "resourceId": 2 }));
        assert!(through.raw.contains(r#""type":"resource""#), "{}", through.raw);
        if kind == "Text" {
            let timeless = |message: &Message| outcome(message).replace(|c: char| c.is_ascii_digit(), "");
            assert_eq!(timeless(&through), timeless(&direct));
        }
    }
    // Wrong arguments are the server's to refuse.
    for (tool, arguments) in [
        ("get-sum", json!({ "a": "one" })),
        ("get-sum", json!({})),
        ("echo", json!({ "message": 7 })),
        ("get-structured-content", json!({ "location": "Atlantis" })),
        ("get-resource-reference", json!({ "resourceType": "Neither" })),
        ("get-resource-links", json!({ "count": 11 })),
    ] {
        let refused = pair.same(tool, arguments);
        assert!(refused.value.get("error").is_some() || refused.is_error(), "{}", refused.raw);
    }
}

#[test]
fn server_everything() {
    everything(&json!({}), "get-sum");
}

#[test]
fn server_everything_with_a_client_that_can_be_asked() {
    let abilities = json!({ "sampling": {}, "elicitation": {}, "roots": { "listChanged": true } });
    everything(&abilities, "trigger-sampling-request");
}

#[test]
fn server_filesystem() {
    let gateway = Gateway::new("");
    gateway.write("it/note.txt", "first\nsecond\nthird\n");
    gateway.write("it/folder/ünïcode.txt", "inside");
    gateway.write("it/untouched.txt", "");
    // A GIF of one pixel.
    let pixel =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    fs::write(gateway.path("it/pixel.gif"), pixel).unwrap();
    let folder = gateway.path("it").canonicalize().unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let root = path("");
    let pair = Pair::new(&folder, &json!({}), &foreign::node_server("filesystem", &[&root]), &[]);
    pair.same_tools("list_allowed_directories");

    assert!(pair.same("read_text_file", json!({ "path": path("note.txt") })).text().contains("second"));
    pair.same("read_text_file", json!({ "path": path("note.txt"), "head": 1 }));
    pair.same("read_multiple_files", json!({ "paths": [path("note.txt"), path("missing.txt")] }));
    assert!(pair.same("read_media_file", json!({ "path": path("pixel.gif") })).raw.contains("image/gif"));
    pair.same("list_directory", json!({ "path": root }));
    pair.same("list_directory_with_sizes", json!({ "path": root, "sortBy": "size" }));
    pair.same("directory_tree", json!({ "path": root }));
    pair.same("search_files", json!({ "path": root, "pattern": "**/*.txt" }));
    pair.same("get_file_info", json!({ "path": path("untouched.txt") }));
    pair.same("list_allowed_directories", json!({}));
    pair.same(
        "edit_file",
        json!({
            "path": path("note.txt"), "edits": [{ "oldText": "second", "newText": "2nd" }], "dryRun": true,
        }),
    );
    for refused in [
        pair.same("read_text_file", json!({ "path": path("missing.txt") })),
        pair.same("read_text_file", json!({ "path": "/etc/passwd" })),
        pair.same("read_text_file", json!({})),
    ] {
        assert!(refused.value.get("error").is_some() || refused.is_error(), "{}", refused.raw);
    }
    pair.same("write_file", json!({ "path": path("new.txt"), "content": "new\n" }));
    assert_eq!(fs::read_to_string(folder.join("new.txt")).unwrap(), "new\n");
}

#[test]
fn server_memory() {
    let gateway = Gateway::new("");
    let folder = gateway.path("");
    let file = gateway.path("NAME.jsonl").display().to_string();
    let pair =
        Pair::new(&folder, &json!({}), &foreign::node_server("memory", &[]), &[("MEMORY_FILE_PATH", file.as_str())]);
    pair.same_tools("read_graph");
    let entities = json!({ "entities": [
        { "name": "Ada", "entityType": "person", "observations": ["writes programs", "grüßt"] },
        { "name": "Engine", "entityType": "machine", "observations": [] },
    ] });
    assert!(!pair.same("create_entities", entities).is_error());
    pair.same(
        "create_relations",
        json!({ "relations": [{ "from": "Ada", "to": "Engine", "relationType": "programs" }] }),
    );
    pair.same("add_observations", json!({ "observations": [{ "entityName": "Ada", "contents": ["was first"] }] }));
    assert!(pair.same("search_nodes", json!({ "query": "first" })).text().contains("Ada"));
    pair.same("open_nodes", json!({ "names": ["Engine"] }));
    pair.same("add_observations", json!({ "observations": [{ "entityName": "Nobody", "contents": ["x"] }] }));
    assert!(pair.same("read_graph", json!({})).result()["structuredContent"].is_object());
    let (direct, through) = (gateway.path("direct.jsonl"), gateway.path("through.jsonl"));
    assert_eq!(fs::read_to_string(through).unwrap(), fs::read_to_string(direct).unwrap());
}

#[test]
fn server_time_in_python() {
    let gateway = Gateway::new("");
    let server = foreign::python_server("mcp_server_time", &["--local-timezone", "UTC"]);
    let pair = Pair::new(&gateway.path(""), &json!({}), &server, &[]);
    pair.same_tools("get_current_time");
    pair.same_but_for_the_time("get_current_time", json!({ "timezone": "Europe/Berlin" }));
    pair.same_but_for_the_time(
        "convert_time",
        json!({ "source_timezone": "UTC", "time": "12:30", "target_timezone": "Asia/Tokyo" }),
    );
    for arguments in [json!({ "timezone": "Middle/Earth" }), json!({}), json!({ "timezone": 7 })] {
        let refused = pair.same("get_current_time", arguments);
        assert!(refused.value.get("error").is_some() || refused.is_error(), "{}", refused.raw);
    }
}

/// Definitions that a model of the protocol would tidy up.
const DEFINITIONS: [&str; 6] = [
    r#"{"name":"big","description":"numbers","inputSchema":{"type":"object","properties":{"n":{"maximum":123456789012345678901234567890,"multipleOf":1.0,"minimum":-1E-7,"default":1e300}}}}"#,
    r#"{"inputSchema":{"type":"object","properties":{"name":{"const":"name"}},"required":["name"]},"zeta":1,"alpha":{"name":"inner","of":[null,true]},"name":"order","description":"key order"}"#,
    r#"{"name":"unknown","inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","x-vendor":{"deep":[[[{}]]]}},"execution":{"taskSupport":"optional"},"icons":[{"src":"data:,","sizes":["any"],"theme":"dark"}],"_meta":{"vendor.example/x":{"y":null}},"futureField":[1,2,3]}"#,
    r#"{"name":"escapes","description":"\u00fc\/\ud83d\ude00 \u2028 \t ü 😀 </script>","inputSchema":{"type":"object"}}"#,
    r#"{"name":"annotated","title":"A title","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false},"annotations":{"readOnlyHint":true,"destructiveHint":null,"vendorHint":"x"}}"#,
    r#"{"name":"bare","inputSchema":{"type":"object"}}"#,
];

/// Answers of the same kind.
const ANSWERS: [(&str, &str); 6] = [
    (
        "big.json",
        r#"{"structuredContent":{"z":123456789012345678901234567890,"a":1.0,"m":-0,"e":1E5,"s":1e300},"content":[{"type":"text","text":"\u00fc\/ü"}],"_meta":{"vendor.example/x":null},"unknown":[{}]}"#,
    ),
    (
        "order.json",
        r#"{"isError":true,"content":[{"text":"wrong","type":"text","annotations":{"priority":0.10}}],"isErrorAlso":false}"#,
    ),
    (
        "unknown.json",
        r#"{"content":[{"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png","x":1},{"type":"audio","data":"UklGRg==","mimeType":"audio/wav"},{"type":"resource_link","uri":"file:///x","name":"x","size":18446744073709551615},{"type":"resource","resource":{"uri":"memory://x","blob":"AAEC/w==","mimeType":"application/octet-stream"}},{"type":"hologram","data":{}}]}"#,
    ),
    ("escapes.error.json", r#"{"code":-32001,"message":"the server's own \u00fc","data":{"n":1.10,"deep":[null]}}"#),
    ("annotated.json", r#"{"content":[],"structuredContent":{"n":"not what was promised"}}"#),
    ("bare.json", r"{}"),
];

#[test]
fn odd_definitions_and_results_keep_every_byte() {
    let fake = Fake::new();
    let gateway = Gateway::new("");
    let tools = gateway.write("tools.json", &format!("[{}]", DEFINITIONS.join(",")));
    for (file, text) in ANSWERS {
        gateway.write(&format!("answers/{file}"), text);
    }
    let answers = gateway.path("answers");
    let flags = ["--tools", tools.to_str().unwrap(), "--answers", answers.to_str().unwrap()];
    let mut server = vec![gateway_tests::place::fake_server().display().to_string()];
    server.extend(fake.arguments(&flags));
    let pair = Pair::new(&gateway.path(""), &json!({}), &server, &[]);
    let mut definitions: Vec<_> = pair.same_tools("bare").into_values().collect();
    let mut wanted = DEFINITIONS.to_vec();
    definitions.sort();
    wanted.sort_unstable();
    assert_eq!(definitions, wanted);
    for (file, text) in ANSWERS {
        let answer = pair.same(file.split('.').next().unwrap(), json!({}));
        assert_eq!(outcome(&answer), text);
    }
}

#[test]
fn arguments_keep_every_byte() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    for arguments in [
        r#"{"z":1,"a":123456789012345678901234567890,"f":1.0,"e":1E5}"#,
        r#"{"text":"\u00fc\/ü","name":"name","arguments":{"_meta":{}},"":null}"#,
        r"{}",
    ] {
        client.line(&format!(
            r#"{{"jsonrpc":"2.0","id":{0},"method":"tools/call","params":{{"name":"fake__arguments","arguments":{arguments}}}}}"#,
            json!(arguments)
        ));
        assert_eq!(client.answer(arguments).text(), arguments);
    }
    client.line(r#"{"jsonrpc":"2.0","id":"none","method":"tools/call","params":{"name":"fake__arguments"}}"#);
    let without = client.answer("none").text();
    assert!(["absent", "{}"].contains(&without.as_str()), "{without}");
}

#[test]
fn what_the_client_says_beside_reaches_the_server() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    let params = json!({
        "name": "fake__echo", "arguments": { "text": "hello" },
        "_meta": { "vendor.example/trace": "00-abc" }, "futureMember": [1, 2],
    });
    client.request("tools/call", params).text();
    let seen = fake.process(1).called("echo")["params"].clone();
    assert_eq!(seen["name"], "echo");
    assert_eq!(seen["_meta"]["vendor.example/trace"], "00-abc");
    assert_eq!(seen["futureMember"], json!([1, 2]));
}
