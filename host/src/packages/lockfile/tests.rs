use gateway_core::payload::Json;
use gateway_wasm::config::{PermissionsConfig, PluginConfig};
use serde_json::json;

use super::*;

fn entry(config: &PluginConfig, tools: &[serde_json::Value]) -> Entry {
    let tools: Vec<Json> = tools.iter().map(Json::from_value).collect();
    Entry::new(&Facts {
        source: &config.source,
        component: b"component",
        manifest: None,
        signer: None,
        interface: "0.1.0",
        imports: &["wasi:io/streams@0.2.6".to_owned()],
        asks: &PermissionsConfig::default(),
        config,
        folder: Path::new("/srv/gw"),
        tools: &tools,
    })
}

fn config(json: serde_json::Value) -> PluginConfig {
    serde_json::from_value(json).unwrap()
}

/// Texts that YAML could take for something else, and numbers at their ends.
fn odd_tool() -> serde_json::Value {
    json!({
        "name": "odd", "description": "yes\n\u{1}\u{85}\u{2028} tab\t: - # 'x' \"y\" 😀",
        "inputSchema": {
            "type": "object",
            "properties": { "no": { "const": "~" }, "1": { "enum": ["1e3", "0x10", "null", "", " a ", "2026-11-21", "<<"] } },
            "n": [1.0, 0.1, -0.0, 1e300, u64::MAX, i64::MIN, null, true],
        },
    })
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = beside(&folder.path().join("gateway.yaml"));
    assert!(file.ends_with("gateway.lock"));
    let lock = Lock::new(file.clone());
    assert_eq!(lock.entry("odd").unwrap(), None);
    let first = entry(&config(json!({ "source": "./a.wasm" })), &[odd_tool()]);
    let mut edit = Edit::open(&file).unwrap();
    edit.set("odd", &first).unwrap();
    edit.save().unwrap();
    drop(edit);
    assert_eq!(lock.entry("odd").unwrap().unwrap(), first);
    let text = fs::read_to_string(&file).unwrap();
    let mut edit = Edit::open(&file).unwrap();
    edit.set("another", &first).unwrap();
    edit.save().unwrap();
    // An entry more changes nothing of the others, and a running gateway sees it.
    assert!(fs::read_to_string(&file).unwrap().contains(text.split_once("  odd:").unwrap().1));
    assert!(lock.entry("another").unwrap().is_some());
    edit.undo().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(lock.entry("another").unwrap(), None);
}

#[test]
fn what_is_damaged_stops_what_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.lock");
    let mut edit = Edit::open(&file).unwrap();
    let whole = entry(&config(json!({ "source": "./a.wasm" })), &[json!({ "name": "a", "inputSchema": {} })]);
    edit.set("a", &whole).unwrap();
    edit.set("b", &whole).unwrap();
    edit.save().unwrap();
    drop(edit);
    let text = fs::read_to_string(&file).unwrap();
    let error = |text: &str, plugin: &str| {
        fs::write(&file, text).unwrap();
        Lock::new(file.clone()).entry(plugin).map_err(|error| error.to_string())
    };
    // A definition that was exchanged is not the one of its digest; the other plugin's is.
    let forged = text.replacen("inputSchema: {}", "inputSchema: { type: object }", 1);
    assert!(error(&forged, "a").unwrap_err().contains("plugins.a is damaged: the definition of the tool"));
    assert!(error(&forged, "b").is_ok());
    assert!(error(&text.replacen("interface:", "inter:", 1), "a").unwrap_err().contains("plugins.a is damaged"));
    assert!(error(&text.replace("version: 1", "version: 2"), "a").unwrap_err().contains("version 2"));
    for torn in ["", "version", "plugins: {}", "- a", "version: 1\nplugins: { a: {}, a: {} }", "\0", "version: 1\nx: 1"]
    {
        assert!(error(torn, "a").is_err() && error(torn, "other").is_err(), "{torn}");
    }
    let merge = format!("<<<<<<< ours\n{text}=======\n>>>>>>> theirs\n");
    assert!(error(&merge, "a").unwrap_err().contains("unfinished merge"));
    // Wherever it ends early, there is an error, or an entry that fits no other component and no further tool.
    for end in (0..text.len()).step_by(7) {
        if let Ok(Some(found)) = error(&text[..end], "a") {
            assert!(found.tools.iter().all(|tool| whole.tools.get(tool.0) == Some(tool.1)), "{end}");
            assert_eq!(Entry { tools: whole.tools.clone(), ..found }, whole, "{end}");
        }
    }
}

#[test]
fn what_differs_is_told() {
    let permissions = json!({ "net": ["example.com"], "env": { "LANG": "secret" }, "files": [
        { "path": "/srv/gw/data", "mount": "/data" },
    ] });
    let before = config(json!({ "source": "./a.wasm", "permissions": permissions }));
    let tool = |kind: &str| json!({ "name": "add", "inputSchema": { "properties": { "a": { "type": kind } } } });
    let locked = entry(&before, &[tool("number"), json!({ "name": "sub" })]);
    let text = serde_yaml::to_string(&locked).unwrap();
    assert!(text.contains("./data") && text.contains("LANG") && !text.contains("secret"), "{text}");
    assert_eq!(locked.differences_in_config(&before, Path::new("/srv/gw")), []);

    let after = config(json!({ "source": "./b.wasm", "permissions": { "net": ["example.com", "*"] } }));
    let differences = sentence(&locked.differences_in_config(&after, Path::new("/srv/gw")));
    for part in [r#"source was "./a.wasm" and is "./b.wasm""#, r#"granted.net: "*" is new"#, "granted.env: "] {
        assert!(differences.contains(part), "{part} is missing in {differences}");
    }
    let tools: Vec<Json> = [tool("string"), json!({ "name": "mul\u{1b}" })].iter().map(Json::from_value).collect();
    assert_eq!(
        sentence(&locked.differences_in_tools(&tools)),
        r#"tools.add.inputSchema.properties.a.type was "number" and is "string"; tools: the tool "mul " is new; tools: the tool "sub" is gone"#
    );
    assert_eq!(locked.differences_in_component(b"component", "0.1.0"), []);
    assert_eq!(locked.differences_in_component(b"other", "0.1.1").len(), 3);
    let built_again = Entry { sha256: None, ..locked };
    assert_eq!(built_again.differences_in_component(b"other", "0.1.0"), []);
}

#[test]
fn one_tool_can_be_agreed_to() {
    let config = config(json!({ "source": "./a.wasm" }));
    let tool = |name: &str, text: &str| json!({ "name": name, "description": text });
    let mut locked = entry(&config, &[tool("a", "1"), tool("b", "1")]);
    let now = entry(&config, &[tool("a", "2"), tool("c", "1")]);
    assert!(locked.accept_tool(&now, "a") && locked.accept_tool(&now, "b") && !locked.accept_tool(&now, "x"));
    let differences = locked.differences(&now);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(locked.accept_tool(&now, "c"));
    assert_eq!(locked, now);
}

/// Numbers that look random and are the same on every run (xorshift, Marsaglia 2003).
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    }
}

#[test]
fn what_was_forged_is_an_error_or_another_entry() {
    let folder = tempfile::tempdir().unwrap();
    let file = beside(&folder.path().join("gateway.yaml"));
    let first = entry(&config(json!({ "source": "./a.wasm" })), &[odd_tool()]);
    let mut edit = Edit::open(&file).unwrap();
    edit.set("odd", &first).unwrap();
    edit.save().unwrap();
    drop(edit);
    let whole = fs::read(&file).unwrap();
    let (mut number, mut refused, mut other) = (numbers(), 0, 0);
    for _ in 0..2000 {
        let mut forged = whole.clone();
        match number(3) {
            0 => forged.truncate(number(whole.len())),
            1 => (0..=number(4)).for_each(|_| forged[number(whole.len())] = u8::try_from(number(256)).unwrap()),
            _ => {
                let (from, to) = (number(whole.len()), number(whole.len()));
                let piece = whole[from..(from + number(64)).min(whole.len())].to_vec();
                forged.splice(to..to, piece);
            }
        }
        fs::write(&file, &forged).unwrap();
        match Lock::new(file.clone()).entry("odd") {
            Err(error) => {
                // Whoever reads it learns which file is meant.
                assert!(error.to_string().contains("gateway.lock"), "{error}");
                refused += 1;
            }
            Ok(found) => other += usize::from(found.as_ref() != Some(&first)),
        }
    }
    // Neither the forging nor the reading is trivial.
    assert!(refused > 200 && other > 10, "{refused} refused, {other} otherwise");
}
