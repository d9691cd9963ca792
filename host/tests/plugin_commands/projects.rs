//! Plugins that are built here.

use std::{fs, time::Duration};

use super::bench::{Bench, calculator, project, sha256};

#[test]
fn a_build_carries_its_manifest() {
    let bench = Bench::new("");
    let folder = project("plugins/calculator");
    let folder = folder.to_str().unwrap();
    assert!(!calculator().is_empty());
    let ran = bench.run(&["plugin", "build", folder]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with(&format!("{folder}/calculator.wasm\n  size       ")), "{ran:?}");
    assert!(ran.stdout.contains("tools      add, subtract"), "{ran:?}");
    assert!(ran.stdout.contains(&sha256(calculator())), "the same sources make the same plugin: {ran:?}");
    assert!(ran.stderr.contains("Finished"), "cargo is heard: {ran:?}");
    let inspected = bench.json(&["plugin", "inspect", &format!("{folder}/calculator.wasm"), "--json"]);
    assert_eq!(inspected["description"], "Arithmetic, from adding two numbers to whole expressions");
}

#[test]
fn a_folder_is_built_where_a_source_is_newer() {
    let bench = Bench::new("");
    let folder = project("plugins/text");
    let built = folder.join("text.wasm");
    let reference = folder.to_str().unwrap();
    let _ = fs::remove_file(&built);
    bench.ok(&["plugin", "add", reference]);
    assert!(bench.config().contains(&format!("text: {reference}")), "{}", bench.config());
    let age = |age: u64| {
        let written = fs::metadata(folder.join("src/lib.rs")).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(&built).unwrap();
        file.set_modified(written + Duration::from_secs(1) - Duration::from_secs(age)).unwrap();
    };
    age(1_000_000_000);
    let ran = bench.run(&["plugin", "add", reference, "--force"]);
    assert!(ran.stderr.contains("Finished"), "{ran:?}");
    let ran = bench.run(&["plugin", "add", reference, "--force"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn builds_that_fail_say_why() {
    let bench = Bench::new("");
    bench.write("python/plugin.py", "");
    bench.write("workspace/Cargo.toml", "[workspace]\n");
    bench.write("broken/Cargo.toml", "[package]\nname = \"broken\"\nversion = \"0.1.0\"\n[workspace]\n");
    bench.write("broken/src/lib.rs", "fn broken( {}\n");
    bench.write("library/Cargo.toml", "[package]\nname = \"library\"\nversion = \"0.1.0\"\n[workspace]\n");
    bench.write("library/src/lib.rs", "");
    for (code, folder, parts) in [
        (2, "nowhere", &["nowhere: there is no such folder"][..]),
        (2, "python", &["none of Cargo.toml, pyproject.toml and package.json"]),
        (2, "workspace", &["this is a workspace and no plugin", "hint: name the folder of a package"]),
        (1, "broken", &["error: broken: cargo ended with exit status: 101", "src/lib.rs:1"]),
        (1, "library", &["the package builds no component", "cdylib"]),
    ] {
        bench.fails(code, &["plugin", "build", folder], parts);
    }
}

#[test]
fn a_plugin_that_cannot_list_its_tools_is_not_added() {
    let bench = Bench::new("# mine\n");
    for (guest, part) in [("bad-list", "bad-list"), ("bad-schema", "bad-schema"), ("no-tool", "exports no interface")] {
        let folder = project(&format!("tests/guests/{guest}"));
        let built = folder.join(format!("{guest}.wasm"));
        bench.fails(1, &["plugin", "build", folder.to_str().unwrap()], &[part]);
        assert!(!built.exists(), "{}", built.display());
        bench.fails(1, &["plugin", "add", folder.to_str().unwrap()], &[part]);
    }
}

#[cfg(unix)]
#[test]
fn a_missing_toolchain_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new("");
    bench.write("plugin/Cargo.toml", "[package]\nname = \"plugin\"\nversion = \"0.1.0\"\n");
    bench.write("without/README.md", "");
    let ran = bench.run_with_programs("without", &["plugin", "build", "plugin"]);
    assert!(ran.stderr.contains("error: cargo cannot be started: "), "{ran:?}");
    assert!(ran.stderr.contains("hint: Rust is installed with https://rustup.rs"), "{ran:?}");
    for (name, script) in [("cargo", "exit 101"), ("rustc", "echo /nowhere")] {
        let path = format!("with/{name}");
        bench.write(&path, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(bench.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ran = bench.run_with_programs("with", &["plugin", "build", "plugin"]);
    let expected = "error: the Rust target wasm32-wasip2 is not installed\nhint: rustup target add wasm32-wasip2\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (1, expected));
}
