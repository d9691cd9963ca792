//! Plugins from files and folders.

use super::bench::{Bench, calculator, sha256};

const CONFIG: &str = "\
# What this gateway is for.
servers:
  # Files of this folder.
  files: { command: cat }   # a server that never answers

roles:
  # All there is.
  admin: null
";

#[test]
fn the_file_keeps_what_a_person_wrote() {
    let bench = Bench::new(CONFIG);
    bench.write("plugins/calc/calculator.wasm", calculator());
    bench.write("plugins/calc/plugin.yaml", "name: calculator\n");
    let added = bench.ok(&["plugin", "add", "./plugins/calc"]);
    assert!(added.starts_with("added calculator to gateway.yaml, with 7 tools:\n"), "{added}");
    assert!(added.contains("calculator__add") && !added.contains("granted"), "{added}");
    let config = bench.config();
    assert!(config.starts_with(CONFIG), "{config}");
    assert!(config.ends_with("plugins:\n  calculator: ./plugins/calc\n"), "{config}");
    let removed = bench.ok(&["plugin", "remove", "calculator"]);
    assert_eq!(removed, "removed calculator from gateway.yaml\n");
    assert!(!bench.config().contains("calculator"), "{}", bench.config());
    assert!(bench.config().starts_with(CONFIG.trim_end()), "{}", bench.config());
    bench.fails(2, &["plugin", "remove", "calculator"], &["there is no plugin \"calculator\"", "plugin list"]);
}

#[test]
fn a_configuration_is_begun_where_there_is_none() {
    let bench = Bench::new("");
    std::fs::remove_file(bench.path("gateway.yaml")).unwrap();
    bench.write("calculator.wasm", calculator());
    bench.ok(&["plugin", "add", "calculator.wasm"]);
    assert!(bench.config().contains("source: ./calculator.wasm"), "{}", bench.config());
}

#[test]
fn what_was_added_runs_and_is_known_already() {
    let bench = Bench::new(CONFIG);
    bench.write("calculator.wasm", calculator());
    bench.ok(&["plugin", "add", "calculator.wasm", "--name", "sums"]);
    let list = bench.json(&["plugin", "list", "--json"]);
    let plugin = &list["plugins"][0];
    assert_eq!((plugin["name"].as_str(), plugin["source"].as_str()), (Some("sums"), Some("./calculator.wasm")));
    assert_eq!((plugin["tools"].as_u64(), plugin["cached"].as_bool()), (Some(7), Some(true)), "{list}");
    assert_eq!(bench.ok(&["call", "--role", "admin", "sums__add", "a=1", "b=2"]), "3\n");
}

#[test]
fn a_file_that_has_changed_is_refused() {
    let bench = Bench::new("");
    let (before, after) = (calculator().to_vec(), super::bench::asking(&serde_json::json!({ "name": "other" })));
    bench.write("calculator.wasm", &before);
    bench.ok(&["plugin", "add", "calculator.wasm"]);
    assert!(bench.config().contains(&sha256(&before)), "{}", bench.config());
    bench.write("calculator.wasm", &after);
    let list = bench.json(&["plugin", "list", "--json"]);
    let plugin = &list["plugins"][0];
    let error = plugin["error"].as_str().unwrap();
    assert!(error.contains(&sha256(&before)) && error.contains(&sha256(&after)), "{error}");
    assert!(plugin["hint"].as_str().unwrap().contains("plugins.calculator.sha256"), "{list}");
    let called = bench.run(&["call", "calculator__add", "a=1", "b=2"]);
    assert_ne!(called.code, 0, "{called:?}");
    bench.ok(&["plugin", "add", "calculator.wasm", "--name", "calculator", "--force"]);
    assert!(bench.config().contains(&sha256(&after)), "{}", bench.config());
    assert_eq!(bench.ok(&["call", "calculator__add", "a=1", "b=2"]), "3\n");
}

#[test]
fn a_wrong_digest_is_refused() {
    let bench = Bench::new("");
    bench.write("calculator.wasm", calculator());
    let (right, wrong) = (sha256(calculator()), sha256(b"other"));
    bench.fails(1, &["plugin", "add", "calculator.wasm", "--sha256", &wrong], &[&right, &wrong, "--sha256"]);
    bench.fails(2, &["plugin", "add", "calculator.wasm", "--sha256", "abc"], &["64 hexadecimal digits"]);
    bench.ok(&["plugin", "add", "calculator.wasm", "--sha256", &right]);
}

#[test]
fn what_is_no_plugin_is_told_apart() {
    let bench = Bench::new(CONFIG);
    bench.write("text.wasm", "# A readme");
    bench.write("empty.wasm", "");
    bench.write("module.wasm", b"\0asm\x01\0\0\0");
    bench.write("component.wasm", b"\0asm\x0d\0\x01\0");
    bench.write("torn.wasm", &calculator()[..calculator().len() / 2]);
    bench.write("notes.txt", "# Notes");
    bench.write("folder/README.md", "");
    bench.write("two/a.wasm", "");
    bench.write("two/b.wasm", "");
    bench.write("wrong/plugin.yaml", "name: wrong\npermission: {}\n");
    for (code, reference, parts) in [
        (1, "text.wasm", &["text.wasm is no plugin: it is no WebAssembly"][..]),
        (1, "empty.wasm", &["it is no WebAssembly"]),
        (1, "module.wasm", &["core module", "hint: build it for wasm32-wasip2"]),
        (1, "component.wasm", &["exports no interface of `gateway:plugin`"]),
        (1, "torn.wasm", &["no valid component"]),
        (2, "notes.txt", &["neither a .wasm file nor a folder"]),
        (2, "nowhere.wasm", &["nowhere.wasm: there is no such file or folder"]),
        (2, "folder", &["there is no built plugin in this folder", "hint: gateway plugin build folder"]),
        (2, "two", &["which of a.wasm, b.wasm is the plugin?", "plugin.yaml"]),
        (2, "wrong", &["wrong/plugin.yaml:2: permission: unknown field `permission`"]),
        (2, "ftp://ftp.example.com/a.wasm", &["plugins do not come over ftp://"]),
    ] {
        bench.fails(code, &["plugin", "add", reference], parts);
        bench.fails(code, &["plugin", "inspect", reference], parts);
    }
}

#[test]
fn names_are_checked() {
    let bench = Bench::new(CONFIG);
    for name in ["calculator.wasm", "gateway.wasm", "my plugin.wasm"] {
        bench.write(name, super::bench::asking(&serde_json::json!({})));
    }
    let hint = "hint: name it with --name NAME";
    bench.fails(2, &["plugin", "add", "gateway.wasm"], &["kept for the gateway itself", hint]);
    bench.fails(2, &["plugin", "add", "my plugin.wasm"], &["' ' may not stand there", hint]);
    bench.fails(2, &["plugin", "add", "calculator.wasm", "--name", "a.b"], &["'.' may not stand there"]);
    bench.fails(2, &["plugin", "add", "calculator.wasm", "--name", "files"], &["taken by servers.files"]);
    bench.ok(&["plugin", "add", "calculator.wasm"]);
    bench.fails(2, &["plugin", "add", "calculator.wasm"], &["a plugin \"calculator\" already", "--force"]);
    bench.ok(&["plugin", "add", "my plugin.wasm", "--name", "calculator", "--force"]);
    assert!(bench.config().contains("./my plugin.wasm"), "{}", bench.config());
}

#[test]
fn a_plugin_is_inspected_by_name_and_by_reference() {
    let bench = Bench::new(CONFIG);
    bench.write("calculator.wasm", calculator());
    let by_reference = bench.json(&["plugin", "inspect", "calculator.wasm", "--json"]);
    assert_eq!(by_reference["sha256"], sha256(calculator()));
    assert_eq!(by_reference["interface"], "gateway:plugin@0.1.0");
    assert_eq!(by_reference["size"], calculator().len());
    assert_eq!(by_reference["tools"][0]["inputSchema"]["required"], serde_json::json!(["a", "b"]));
    assert!(by_reference.get("granted").is_none(), "{by_reference}");
    bench.ok(&["plugin", "add", "calculator.wasm", "--allow-net", "example.com", "--allow-env", "HOME"]);
    let by_name = bench.json(&["plugin", "inspect", "calculator", "--json"]);
    assert_eq!(by_name["granted"]["net"], serde_json::json!(["example.com"]));
    assert_eq!(by_name["granted"]["env"], serde_json::json!(["HOME"]));
    let environment = by_name["imports"].as_array().unwrap().iter().find(|import| import["permission"] == "env");
    assert_eq!(environment.unwrap()["granted"], true, "{by_name}");
    let text = bench.ok(&["plugin", "inspect", "calculator"]);
    assert!(text.contains("may:\n  reach example.com\n  see the variable HOME\n"), "{text}");
    bench.fails(2, &["plugin", "inspect", "calculater"], &["there is no plugin \"calculater\", and no such file"]);
}

#[test]
fn a_broken_configuration_is_not_touched() {
    let bench = Bench::new("servers: [\n");
    bench.write("calculator.wasm", calculator());
    bench.fails(2, &["plugin", "add", "calculator.wasm"], &["gateway.yaml:"]);
    bench.fails(2, &["plugin", "list"], &["gateway.yaml:"]);
    assert!(bench.ok(&["plugin", "inspect", "./calculator.wasm"]).contains("7 tools"));
}
