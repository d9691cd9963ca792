//! `gateway plugin update`: shown, agreed to, written; and nothing of that where it fails.

use std::fs;

use gateway_tests::{
    Gateway, guests,
    registry::{Layer, Registry},
};

use super::oci::newer;

const CHANGE: &str = "tools.add.description was \"Add two numbers.\" and is \"Sum two numbers.\"";

fn texts(gateway: &Gateway) -> [String; 2] {
    ["gateway.yaml", "gateway.lock"].map(|name| fs::read_to_string(gateway.path(name)).unwrap())
}

#[test]
fn a_tag_is_looked_up_again() {
    let registry = Registry::start();
    registry.push("calculator", "1", &[Layer::component(&fs::read(guests::CALCULATOR.path()).unwrap())]);
    let gateway = Gateway::new("# Mine.\n");
    gateway.run(&["plugin", "add", &registry.reference("calculator:1"), "--name", "sums"]).answer();
    assert_eq!(gateway.run(&["plugin", "update"]).answer(), "sums: nothing new\n");
    let before = texts(&gateway);
    let manifest = registry.push("calculator", "1", &[Layer::component(&newer())]);
    let shown = gateway.run(&["plugin", "update", "sums", "--dry-run"]);
    for part in [CHANGE, "sha256 was ", "manifest was ", &manifest["sha256:".len()..]] {
        assert!(shown.answer().contains(part), "{part} is missing in {shown:#?}");
    }
    // Nobody agreed.
    let refused = gateway.run(&["plugin", "update"]);
    assert!(refused.complaint(2).contains(CHANGE) && refused.stderr.contains("--yes"), "{refused:#?}");
    assert_eq!(texts(&gateway), before);
    assert!(gateway.run(&["list", "--json"]).answer().contains("Add two numbers."));

    assert!(gateway.run(&["plugin", "update", "--yes"]).answer().contains("updated sums"));
    assert_eq!(texts(&gateway)[0], before[0], "the source is still the tag");
    assert!(gateway.run(&["list", "--json"]).answer().contains("Sum two numbers."));
    gateway.run(&["lock", "--check"]).answer();

    // A registry that has become something else changes nothing.
    let after = texts(&gateway);
    registry.push("calculator", "1", &[Layer::component(b"nonsense")]);
    assert_eq!(gateway.run(&["plugin", "update", "--yes"]).code, 1);
    assert_eq!(texts(&gateway), after);
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    assert_eq!(gateway.run(&["plugin", "update", "other"]).code, 2);
}

#[test]
fn a_file_takes_its_digest_along() {
    let gateway = Gateway::new("# Mine.\n");
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums.wasm")).unwrap();
    gateway.run(&["plugin", "add", "./sums.wasm", "--yes"]).answer();
    let before = texts(&gateway);
    assert!(before[0].contains("sha256:") && before[1].contains("sha256:"), "{before:?}");
    fs::write(gateway.path("sums.wasm"), newer()).unwrap();
    let refused = gateway.run(&["call", "sums__add", "a=1", "b=2"]);
    assert!(refused.code == 1 && refused.stderr.contains("gateway plugin update"), "{refused:#?}");
    let updated = gateway.run(&["plugin", "update", "sums", "--yes"]);
    assert!(updated.answer().contains(CHANGE), "{updated:#?}");
    let after = texts(&gateway);
    assert!(after[0] != before[0] && after[0].starts_with("# Mine."), "{after:?}");
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    gateway.run(&["plugin", "remove", "sums"]).answer();
    assert!(!texts(&gateway)[1].contains("sums"));
}

/// What it asks for newly is shown, and not granted.
#[test]
fn nothing_is_granted_silently() {
    let gateway = Gateway::new("");
    fs::create_dir(gateway.path("sums")).unwrap();
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums/sums.wasm")).unwrap();
    gateway.run(&["plugin", "add", "./sums"]).answer();
    // Another component of that name: the one that fetches.
    gateway.write("sums/plugin.yaml", "name: sums\npermissions: { net: [\"https://example.com\"] }\n");
    fs::copy(guests::FETCH.path(), gateway.path("sums/sums.wasm")).unwrap();
    let updated = gateway.run(&["plugin", "update", "--yes"]);
    for part in [
        "not granted, though sums asks to:\n  reach https://example.com",
        "asks.net",
        "the tool \"add\" is gone",
        "the tool \"fetch\" is new",
        "imports: \"wasi:http/",
    ] {
        assert!(updated.answer().contains(part), "{part} is missing in {updated:#?}");
    }
    let [yaml, lock] = texts(&gateway);
    assert!(!yaml.contains("example.com") && lock.contains("granted: {}"), "{yaml}{lock}");
    let refused = gateway.run(&["call", "sums__fetch", "url=https://example.com/"]);
    assert!(refused.code == 1, "{refused:#?}");
}
