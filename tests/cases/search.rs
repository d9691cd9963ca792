//! Tools are found by what they do, among real servers.

use gateway_tests::{Client, Fake, Gateway, foreign, guests};
use serde_json::{Value, json};

/// What a model or a person would write, and the tool that has to be among the first three.
const QUERIES: [(&str, &str); 46] = [
    ("read a text file", "filesystem__read_text_file"),
    ("get the complete text of a file", "filesystem__read_text_file"),
    ("readTextFile", "filesystem__read_text_file"),
    ("read_multiple_files", "filesystem__read_multiple_files"),
    ("read several files at once", "filesystem__read_multiple_files"),
    ("load an image or audio file", "filesystem__read_media_file"),
    ("save text to disk", "filesystem__write_file"),
    ("overwrite a file", "filesystem__write_file"),
    ("change some lines of a file", "filesystem__edit_file"),
    ("show a diff of edits", "filesystem__edit_file"),
    ("make a folder", "filesystem__create_directory"),
    ("new directory", "filesystem__create_directory"),
    ("create direcotry", "filesystem__create_directory"),
    ("what is in this folder", "filesystem__list_directory"),
    ("list files with their sizes", "filesystem__list_directory_with_sizes"),
    ("tree of all subdirectories", "filesystem__directory_tree"),
    ("rename a file", "filesystem__move_file"),
    ("move files", "filesystem__move_file"),
    ("find files by pattern", "filesystem__search_files"),
    ("glob", "filesystem__search_files"),
    ("when was the file last modified", "filesystem__get_file_info"),
    ("file metadata", "filesystem__get_file_info"),
    ("which directories may I access", "filesystem__list_allowed_directories"),
    ("permissions of a file", "filesystem__get_file_info"),
    ("note an observation", "memory__add_observations"),
    ("add an observation", "memory__add_observations"),
    ("create entities in the knowledge graph", "memory__create_entities"),
    ("connect two entities", "memory__create_relations"),
    ("forget an entity", "memory__delete_entities"),
    ("remove a relation", "memory__delete_relations"),
    ("delete observations", "memory__delete_observations"),
    ("whole knowledge graph", "memory__read_graph"),
    ("look up nodes", "memory__search_nodes"),
    ("serach nodes", "memory__search_nodes"),
    ("open nodes by name", "memory__open_nodes"),
    ("what time is it in Tokyo", "time__get_current_time"),
    ("convert a time between timezones", "time__convert_time"),
    ("timezne conversion", "time__convert_time"),
    ("echo a message back", "everything__echo"),
    ("sum of two numbers", "everything__get-sum"),
    ("environment variables", "everything__get-env"),
    ("get a picture", "everything__get-tiny-image"),
    ("long running operation", "everything__trigger-long-running-operation"),
    ("structured weather data", "everything__get-structured-content"),
    ("compress a file with gzip", "everything__gzip-file-as-resource"),
    ("addition", "calculator__add"),
];

/// A gateway that knows the tools of real servers, and its client.
fn known() -> (Gateway, Client) {
    let gateway = Gateway::new("");
    let files = gateway.write("files/note.txt", "").parent().unwrap().canonicalize().unwrap();
    let config = json!({
        "meta_tools": true,
        "servers": {
            "filesystem": foreign::entry(&foreign::node_server("filesystem", &[files.to_str().unwrap()])),
            "memory": foreign::entry(&foreign::node_server("memory", &[])),
            "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])),
            "time": foreign::entry(&foreign::python_server("mcp_server_time", &[])),
        },
        "plugins": { "calculator": guests::CALCULATOR.source() },
        "roles": { "admin": null, "notes": ["memory_*", "gateway_search_tools"] },
        "default_role": "admin",
    });
    gateway.write("gateway.yaml", &config.to_string());
    let client = gateway.client();
    for server in ["filesystem", "memory", "everything", "time", "calculator"] {
        client.call("gateway_list_tools", json!({ "server": server })).text();
    }
    (gateway, client)
}

#[track_caller]
fn search(client: &Client, arguments: Value) -> Value {
    client.call("gateway_search_tools", arguments).result()["structuredContent"].clone()
}

fn public_names(found: &Value) -> Vec<String> {
    let matches = found["matches"].as_array().unwrap();
    matches.iter().map(|tool| tool["public_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_asked_for_is_among_the_first_three() {
    let (_gateway, client) = known();
    let misses = QUERIES.iter().filter_map(|(query, tool)| {
        let found = public_names(&search(&client, json!({ "query": query, "limit": 10 })));
        let place = found.iter().position(|name| name == tool);
        place.is_none_or(|place| place >= 3).then(|| format!("{query:?}: {tool} is at {place:?} of {found:?}"))
    });
    let misses: Vec<_> = misses.collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn answers_hold_what_is_asked_for() {
    let (gateway, client) = known();
    let found = search(&client, json!({ "query": "files", "limit": 2 }));
    assert_eq!((&found["query"], found["matches"].as_array().unwrap().len()), (&json!("files"), 2));
    assert!(found["total"].as_u64().unwrap() > 2, "{found}");
    for tool in found["matches"].as_array().unwrap() {
        assert_eq!((&tool["server"], tool.get("inputSchema")), (&json!("filesystem"), None), "{tool}");
        assert!(tool["description"].as_str().unwrap().chars().count() <= 201, "{tool}");
    }
    let found = search(&client, json!({ "query": "move_file", "schemas": true, "limit": "1" }));
    let tool = &found["matches"][0];
    assert_eq!((&tool["tool"], &tool["public_name"]), (&json!("move_file"), &json!("filesystem__move_file")));
    let listed = client.call("gateway_list_tools", json!({ "server": "filesystem" }));
    let listed = listed.result()["structuredContent"]["tools"].as_array().unwrap().clone();
    let given = listed.iter().find(|of| of["name"] == "move_file").unwrap();
    assert_eq!((&tool["inputSchema"], &tool["description"]), (&given["inputSchema"], &given["description"]));
    let scoped = search(&client, json!({ "query": "create", "server": "memory", "limit": 100 }));
    assert!(public_names(&scoped).iter().all(|name| name.starts_with("memory__")), "{scoped}");
    let nothing = search(&client, json!({ "query": "xylophone" }));
    assert_eq!(nothing, json!({ "query": "xylophone", "matches": [], "total": 0 }));
    // Without a client, and as another role.
    let found = gateway.run(&["search", "rename", "file", "--json"]).json();
    assert_eq!(found["matches"][0]["public_name"], "filesystem__move_file");
    assert_eq!(found["matches"][0]["inputSchema"], given["inputSchema"]);
    let output = gateway.run(&["search", "rename file", "--limit", "1"]);
    let mut lines = output.answer().lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("filesystem__move_file  Move or rename"), "{output:#?}");
    assert!(lines.next().unwrap_or_default().contains("more: --limit shows them"), "{output:#?}");
    let output = gateway.run(&["search", "rename file", "--role", "notes"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(!output.stdout.contains("filesystem"), "{output:#?}");
}

/// What was learnt once is found without starting anything, and what was never learnt is said to be unknown.
#[test]
fn nothing_is_started() {
    let (known, unknown) = (Fake::new(), Fake::new());
    let config = json!({ "servers": { "known": known.entry(&[]), "unknown": unknown.entry(&[]) } });
    let gateway = Gateway::with(&config);
    let client = gateway.client();
    assert_eq!(search(&client, json!({ "query": "echo" }))["unknown_servers"], json!(["known", "unknown"]));
    client.call("gateway_list_tools", json!({ "server": "known" })).text();
    drop(client);
    let client = gateway.client();
    let found = search(&client, json!({ "query": "echo" }));
    assert_eq!(public_names(&found)[0], "known__echo");
    assert_eq!(found["unknown_servers"], json!(["unknown"]));
    assert!(found["hint"].as_str().unwrap().contains("gateway_list_tools"), "{found}");
    let output = gateway.run(&["search", "echo"]);
    assert!(output.answer().starts_with("known__echo"), "{output:#?}");
    assert!(output.answer().contains("not known yet: unknown\n"), "{output:#?}");
    assert_eq!((known.count(), unknown.count()), (1, 0));
}

/// A tool that comes later is found at once, and one that is gone is not.
#[test]
fn what_changes_is_found_as_it_is() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "meta_tools": true, "pin": ["*"], "servers": { "fake": fake.entry(&[]) } }));
    let client = gateway.client();
    client.tools();
    client.call("gateway_list_tools", json!({ "server": "fake" })).text();
    client.incoming("notifications/tools/list_changed");
    assert_eq!(search(&client, json!({ "query": "zebra" }))["total"], 0);
    client
        .call("gateway_invoke", json!({ "server": "fake", "tool": "change", "arguments": { "key": "zebra" } }))
        .text();
    client.incoming("notifications/tools/list_changed");
    assert_eq!(public_names(&search(&client, json!({ "query": "zebra" }))), ["fake__zebra"]);
}
