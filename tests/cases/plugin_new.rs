//! A plugin that was just begun is built, passes its test, and is called, without anything else.

use std::{fs, path::Path, process::Command};

use gateway_tests::{Gateway, place};
use serde_json::json;

use crate::built::done;

/// A command, with what is fetched for builds kept from test to test: crates that are compiled, tools from registries.
fn command(gateway: &Gateway, arguments: &[&str]) -> Command {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("js-plugin/home");
    fs::create_dir_all(&kept).unwrap();
    let mut command = gateway.command(arguments);
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, &kept);
    }
    command.env("CARGO_TARGET_DIR", place::repository().join("tests/guests/target"));
    command
}

/// Begins a plugin, builds, tests and adds it, and calls its tool.
fn begins(language: &str, settings: &[(&str, &str)]) -> Gateway {
    let gateway = Gateway::new("{}\n");
    let answer = |arguments: &[&str]| {
        let mut command = command(&gateway, arguments);
        done(command.envs(settings.iter().copied()))
    };
    let said = answer(&["plugin", "new", "notes", "--lang", language]);
    for next in ["gateway plugin build notes", "gateway plugin test notes", "gateway plugin add ./notes"] {
        assert!(said.contains(next), "{said}");
    }
    assert!(answer(&["plugin", "build", "notes"]).contains("count"));
    answer(&["plugin", "test", "notes"]);
    answer(&["plugin", "add", "./notes", "--yes"]);
    let counted = gateway.client().call("notes__count", json!({ "text": "to be or not to be", "most": 2 }));
    assert_eq!(counted.result()["structuredContent"], json!({ "total": 6, "frequent": { "to": 2, "be": 2 } }));
    gateway
}

/// Beside the registry's crates, which were fetched for the guests, everything comes out of the gateway.
#[test]
fn in_rust() {
    // Cargo looks for its tools and its packages in the home of whoever runs this.
    let home = std::env::home_dir().unwrap();
    let offline = [("CARGO_NET_OFFLINE", "true"), ("HOME", home.to_str().unwrap())];
    let gateway = begins("rust", &offline);
    let mut cargo = Command::new("cargo");
    cargo.arg("test").current_dir(gateway.path("notes")).envs(offline);
    let said = done(cargo.env("CARGO_TARGET_DIR", place::repository().join("tests/guests/target")));
    assert!(said.contains("2 passed"), "its own tests: {said}");

    // Who clones it has no `.gateway`, and who edits in there no say.
    fs::remove_dir_all(gateway.path("notes/.gateway/wit")).unwrap();
    fs::write(gateway.path("notes/.gateway/sdk/rust/src/lib.rs"), "compile_error!(\"changed\");").unwrap();
    let mut build = command(&gateway, &["plugin", "build", "notes"]);
    done(build.envs(offline));
}

#[test]
fn in_python() {
    begins("python", &[]);
}

#[test]
fn in_javascript() {
    begins("js", &[]);
}

#[test]
fn what_is_there_is_not_written_over() {
    let gateway = Gateway::new("{}\n");
    let file = gateway.write("notes/mine.txt", "mine");
    let output = gateway.run(&["plugin", "new", "notes"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.stderr.contains("notes: something is in this folder already: mine.txt"), "{output:?}");
    assert!(output.stderr.contains("hint: name another folder with --dir"), "{output:?}");
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);

    gateway.run(&["plugin", "new", "notes", "--dir", "elsewhere/notes", "--lang", "python"]).answer();
    assert!(gateway.path("elsewhere/notes/pyproject.toml").is_file());
}

#[test]
fn a_name_that_is_none_is_refused() {
    let gateway = Gateway::new("{}\n");
    let output = gateway.run(&["plugin", "new", "My Notes"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.stderr.contains("\"My Notes\": the character ' '"), "{output:?}");
    assert!(output.stderr.contains("hint: gateway plugin new my-notes"), "{output:?}");
    assert!(!gateway.path("My Notes").exists());
    assert_eq!(gateway.run(&["plugin", "new", "notes", "--lang", "cobol"]).code, 2);
}
