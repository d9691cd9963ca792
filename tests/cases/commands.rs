//! The command line: the answer on standard output, all else on standard error, and the exit code.

use std::fs::{self, File};

use gateway_tests::{
    Fake, Gateway,
    gateway::{run, run_with},
    guests, place,
};
use serde_json::json;

fn gateway(fake: &Fake) -> Gateway {
    Gateway::with(&json!({
        "servers": { "fake": fake.entry(&[]) },
        "plugins": { "calculator": guests::CALCULATOR.source() },
        "roles": { "admin": null, "reader": ["calculator_*"] },
        "default_role": "admin",
    }))
}

#[test]
fn call_prints_the_result() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    assert_eq!(gateway.run(&["call", "calculator__add", "a=1", "b=2"]).answer(), "3\n");
    assert_eq!(gateway.run(&["call", "fake__echo", "text=two words"]).answer(), "two words\n");
    assert_eq!(gateway.run(&["call", "fake__echo", "--args", r#"{"text":"from JSON"}"#]).answer(), "from JSON\n");
    let result = gateway.run(&["call", "fake__echo", "text=x", "--json"]).json();
    assert_eq!(result["content"], json!([{ "type": "text", "text": "x" }]));

    let input = gateway.write("arguments.json", r#"{"text":"from standard input"}"#);
    let mut from_input = gateway.command(&["call", "fake__echo", "--args", "-"]);
    assert_eq!(run_with(&mut from_input, File::open(input).unwrap()).answer(), "from standard input\n");
}

#[test]
fn call_says_by_its_exit_code_what_went_wrong() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let failed = gateway.run(&["call", "fake__fail"]);
    assert_eq!(failed.code, 1, "{failed:#?}");
    assert!(format!("{}{}", failed.stdout, failed.stderr).contains("the fake tool failed"), "{failed:#?}");
    assert_eq!(gateway.run(&["call", "calculator__divide", "a=1", "b=0"]).code, 1);
    let unknown = gateway.run(&["call", "calculator__nope"]);
    assert!([1, 2].contains(&unknown.code), "{unknown:#?}");
    assert!(unknown.complaint(unknown.code).contains("calculator__nope"));
    let hidden = gateway.run(&["call", "fake__echo", "text=x", "--role", "reader"]);
    let nobodys = gateway.run(&["call", "fake__nope", "text=x", "--role", "reader"]);
    assert_eq!(hidden.complaint(hidden.code), nobodys.complaint(hidden.code).replace("nope", "echo"));
    for wrong in [
        vec!["call"],
        vec!["call", "fake__echo", "no equals sign"],
        vec!["call", "fake__echo", "--args", "{"],
        vec!["call", "fake__echo", "--args", "[]"],
        vec!["call", "fake__echo", "--role", "nobody"],
        vec!["nope"],
        vec!["list", "--config", "missing.yaml"],
    ] {
        assert!(!gateway.run(&wrong).complaint(2).is_empty(), "{wrong:?}");
    }
}

#[test]
fn list_shows_what_a_role_sees() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let all = gateway.run(&["list"]);
    for word in ["fake", "calculator__add", "gateway_status"] {
        assert!(all.answer().contains(word), "{word} is missing in {}", all.stdout);
    }
    let reader = gateway.run(&["list", "--role", "reader"]);
    assert!(reader.answer().contains("calculator__add"));
    assert!(
        !reader.answer().contains("gateway_status") && !reader.answer().contains("_fake_connect"),
        "{}",
        reader.stdout
    );
    let listed = gateway.run(&["list", "--json"]).json().to_string();
    assert!(listed.contains("calculator__add"), "{listed}");
}

#[test]
fn check_starts_nothing() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    gateway.run(&["check"]).answer();
    assert_eq!(fake.count(), 0);
    gateway.write("gateway.yaml", "servers:\n  fake:\n    comand: x\nroles:\n  r: 7\n");
    let checked = gateway.run(&["check"]);
    assert_eq!(checked.code, 2, "{checked:#?}");
    for word in ["gateway.yaml:3:5", "comand", "did you mean `command`?", "gateway.yaml:5:6"] {
        assert!(checked.stderr.contains(word), "{word} is missing in {}", checked.stderr);
    }
}

#[test]
fn roles_explain() {
    let fake = Fake::new();
    let gateway = gateway(&fake);
    let allowed = gateway.run(&["roles", "explain", "reader", "calculator__add"]);
    assert!(allowed.answer().contains("calculator_*"), "{allowed:#?}");
    let denied = gateway.run(&["roles", "explain", "reader", "fake__echo"]);
    assert_eq!(denied.code, 1, "{denied:#?}");
    assert!(denied.stdout.contains("no glob in roles.reader matches"), "{denied:#?}");
    assert!(gateway.run(&["roles", "list"]).answer().contains("reader"));
    assert_eq!(gateway.run(&["roles", "explain", "nobody", "fake__echo"]).code, 2);
}

#[test]
fn server_commands_edit_the_file() {
    let fake = Fake::new();
    let gateway = Gateway::new("# Mine.\nservers:\n  # Kept.\n  other: { command: other }\n");
    let program = place::fake_server().display().to_string();
    let mut add = vec!["server", "add", "fake", "-e", "KEY=value", "--", program.as_str()];
    let arguments = fake.arguments(&[]);
    add.extend(arguments.iter().map(String::as_str));
    gateway.run(&add).answer();
    let text = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    assert!(text.contains("# Mine.") && text.contains("# Kept.") && text.contains("KEY"), "{text}");
    assert_eq!(gateway.run(&["call", "fake__echo", "text=hello"]).answer(), "hello\n");
    assert!(gateway.run(&["server", "list"]).answer().contains("fake"));

    gateway.run(&["server", "disable", "fake"]).answer();
    assert_ne!(gateway.run(&["call", "fake__echo", "text=hello"]).code, 0);
    gateway.run(&["server", "enable", "fake"]).answer();
    assert_eq!(gateway.run(&["call", "fake__echo", "text=hello"]).answer(), "hello\n");
    gateway.run(&["server", "remove", "fake"]).answer();
    let text = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    assert!(!text.contains("fake") && text.contains("# Kept."), "{text}");
    assert_ne!(gateway.run(&["server", "remove", "fake"]).code, 0);
    assert_eq!(gateway.run(&["server", "add", "bad name", "--", "x"]).code, 2);
}

#[test]
fn plugin_commands_edit_the_file() {
    let gateway = Gateway::new("# Mine.\n");
    let source = guests::CALCULATOR.source();
    gateway.run(&["plugin", "add", &source, "--name", "sums", "--yes"]).answer();
    assert!(fs::read_to_string(gateway.path("gateway.yaml")).unwrap().contains("# Mine."));
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    assert!(gateway.run(&["plugin", "list"]).answer().contains("sums"));
    let inspected = gateway.run(&["plugin", "inspect", &source]);
    assert!(inspected.answer().contains("evaluate"), "{inspected:#?}");
    gateway.run(&["plugin", "inspect", "sums"]).answer();
    gateway.run(&["plugin", "remove", "sums"]).answer();
    assert_ne!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).code, 0);
}

#[test]
fn schema_and_completions() {
    let gateway = Gateway::new("");
    let schema = gateway.run(&["schema"]).json();
    assert!(schema["properties"]["servers"].is_object(), "{schema:#}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(gateway.run(&["completions", shell]).answer().contains("gateway"));
    }
}

#[test]
fn help_and_version() {
    let gateway = Gateway::new("");
    assert!(gateway.run(&["--version"]).answer().starts_with("gateway "));
    let help = gateway.run(&["--help"]);
    for command in ["stdio", "list", "call", "check", "roles", "server", "plugin", "schema", "completions"] {
        assert!(help.answer().contains(&format!("\n  {command} ")), "{command} is missing in {}", help.stdout);
    }
}

/// A configuration is found where the variable says, or in the folder.
#[test]
fn the_configuration_is_found() {
    let gateway = Gateway::new("plugins: {}\n");
    let elsewhere =
        gateway.write("else/where.yaml", &format!("plugins: {{ sums: {:?} }}\n", guests::CALCULATOR.source()));
    let call = ["call", "sums__add", "a=1", "b=2"];
    assert_ne!(gateway.run(&call).code, 0);
    assert_eq!(run(gateway.command(&call).env("MCP_GATEWAY_CONFIG", &elsewhere)).answer(), "3\n");
    let mut with_flag = vec!["--config", elsewhere.to_str().unwrap()];
    with_flag.extend(call);
    assert_eq!(run(gateway.command(&with_flag).env("MCP_GATEWAY_CONFIG", "missing.yaml")).answer(), "3\n");
}
