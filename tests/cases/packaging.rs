//! What the gateway is installed and run with: `host/packaging`, manual pages, completions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gateway_tests::{Gateway, Http, Listening, Serving, foreign, gateway::run, place};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

fn packaged(file: &str) -> PathBuf {
    place::repository().join("host/packaging").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(packaged(file)).unwrap()
}

/// The values of a key in a systemd unit.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// A program that checks something, as Debian has it.
fn checker(name: &str, arguments: &[&str], file: &Path) -> gateway_tests::Output {
    run(Command::new(name).args(arguments).arg(file))
}

/// A program that pip installed for these tests.
fn tool(name: &str) -> String {
    let tool = place::repository().join("tests/packaging/.venv/bin").join(name);
    assert!(tool.is_file(), "{} is missing: run ./tests/run --setup", tool.display());
    tool.display().to_string()
}

#[test]
fn systemd_takes_the_unit() {
    let gateway = Gateway::new("");
    let unit = text("mcp-gateway.service").replace("/usr/local/bin/gateway", &place::gateway().display().to_string());
    let file = gateway.write("mcp-gateway.service", &unit);
    let checked = checker("systemd-analyze", &["verify", "--man=no"], &file);
    assert_eq!((checked.answer(), checked.stderr.as_str()), ("", ""));
    let walls = checker("systemd-analyze", &["security", "--offline=yes", "--threshold=20"], &file);
    assert!(walls.answer().contains("Overall exposure level"), "{walls:#?}");
}

/// The command of the unit, with its environment and below a folder of the test.
#[test]
fn the_unit_starts_a_gateway() {
    let gateway = Gateway::new("port: 0\nwatch: false\n");
    let unit = text("mcp-gateway.service");
    let config = gateway.path("gateway.yaml");
    let place_of = |text: &str| {
        let moved = text.replace("/usr/local/bin/gateway", &place::gateway().display().to_string());
        let moved = moved.replace("/etc/mcp-gateway/gateway.yaml", &config.display().to_string());
        moved.replace("=/var/", &format!("={}/", gateway.path("var").display()))
    };
    let line = place_of(values(&unit, "ExecStart")[0]);
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env_clear().current_dir("/");
    for pair in values(&unit, "Environment").iter().flat_map(|line| line.split(' ')) {
        let pair = place_of(&format!("{pair} ")).trim_end().to_owned();
        let (name, value) = pair.split_once('=').unwrap();
        fs::create_dir_all(value).unwrap();
        command.env(name, value);
    }
    let mut service = Listening::start(&mut command);
    gateway.run(&["health", &service.url("")]).answer();

    // What `ExecReload` sends.
    assert_eq!(values(&unit, "ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    gateway.write("gateway.yaml", "port: 0\nwatch: false\nservers: { added: { command: \"true\" } }\n");
    kill_process(service.pid(), Signal::HUP).unwrap();
    service.says("the configuration counts as it is now");
    let mut health = Http::new(&service.address, "/health").get();
    assert!(health.text().contains("\"added\""), "{health:?}");
    assert_eq!(service.end().code(), Some(0), "{}", service.said());
}

#[test]
fn launchd_can_read_the_agent() {
    let script = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let mut python = Command::new(foreign::python());
    let agent = run(python.args(["-c", script]).arg(packaged("mcp-gateway.plist"))).json();
    assert_eq!(agent["KeepAlive"], json!({ "SuccessfulExit": false }));

    let gateway = Gateway::new("");
    let home = gateway.path("home");
    gateway.write("home/.config/mcp-gateway/gateway.yaml", "port: 0\n");
    fs::create_dir_all(home.join(".cargo/bin")).unwrap();
    std::os::unix::fs::symlink(place::gateway(), home.join(".cargo/bin/gateway")).unwrap();
    let words: Vec<&str> = agent["ProgramArguments"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    // launchd gives no more than this. Its log is a file, so the test asks for what it says on standard error too.
    let script = words[2].replace("2>>\"$HOME/Library/Logs/mcp-gateway.log\"", "2>&1");
    assert_ne!(script, words[2]);
    let mut command = Command::new(words[0]);
    command.args([words[1], &script]).env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin").current_dir("/");
    let mut agent = Listening::start(&mut command);
    gateway.run(&["health", &agent.url("/readyz")]).answer();
    assert_eq!(agent.end().code(), Some(0), "{}", agent.said());
    assert!(home.join("Library/Logs").is_dir());
}

#[test]
fn the_image_is_as_it_should_be() {
    let linted = checker(&tool("hadolint"), &["--failure-threshold", "info"], &packaged("Dockerfile"));
    assert_eq!((linted.answer(), linted.stderr.as_str()), ("", ""));
    let dockerfile = text("Dockerfile").replace("\\\n", " ");
    let last = dockerfile.rsplit_once("\nFROM ").unwrap().1;
    let lines = |instruction: &str| -> Vec<String> {
        let lines = last.lines().filter_map(|line| line.strip_prefix(instruction));
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(lines("USER "), ["65532:65532"]);
    assert_eq!(lines("EXPOSE "), ["39400"]);

    // The configuration that is in it, with the environment that it has.
    let gateway = Gateway::new(&text("gateway.yaml"));
    let mut serve = gateway.command(&["serve", "--host", "127.0.0.1", "--port", "0"]);
    let mut serving = Listening::start(serve.env("GATEWAY_TOKEN", "secret"));
    let http = Http::new(&serving.address, "/health");
    assert_eq!(http.get().status, 401);
    assert_eq!(http.with("Authorization", "Bearer secret").with("Host", "gateway:39400").get().status, 200);
    let health = lines("HEALTHCHECK ");
    let check: Vec<String> = serde_json::from_str(health[0].rsplit_once("CMD ").unwrap().1).unwrap();
    assert_eq!(check, ["/usr/local/bin/gateway", "health"]);
    let mut command = gateway.command(&["health"]);
    let port = serving.address.rsplit_once(':').unwrap().1.to_owned();
    for pair in lines("ENV ")[0].split(' ') {
        let (name, value) = pair.split_once('=').unwrap();
        if name.starts_with("MCP_GATEWAY_") {
            command.env(name, value.replace("39400", &port));
        }
    }
    // There is no such file here, as it may be that it cannot be read: it listens on what it listened on.
    assert_eq!(run(&mut command).answer(), "ok\n");
    serving.end();
    assert!(run(&mut command).complaint(1).contains("nothing listens there"));
}

#[test]
fn compose_runs_the_same_image() {
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let mut python = Command::new(place::repository().join("tests/packaging/.venv/bin/python"));
    let compose = run(python.args(["-c", script]).arg(packaged("compose.yaml"))).json();
    let service = &compose["services"]["gateway"];
    assert_eq!(service["restart"], "unless-stopped");
    let check = &service["healthcheck"];
    assert_eq!(check["test"], json!(["CMD", "/usr/local/bin/gateway", "health"]));
    assert_eq!([&check["interval"], &check["timeout"], &check["retries"]], [&json!("30s"), &json!("5s"), &json!(3)]);
    let context = packaged(service["build"]["context"].as_str().unwrap());
    assert!(context.join(service["build"]["dockerfile"].as_str().unwrap()).is_file());
    for volume in service["volumes"].as_array().unwrap() {
        let (name, folder) = volume.as_str().unwrap().split_once(':').unwrap();
        assert!(compose["volumes"].as_object().unwrap().contains_key(name), "{name}");
        assert!(text("Dockerfile").contains(&format!("/kept {folder}\n")), "{folder}");
    }
}

#[test]
fn health_is_an_exit_code() {
    let gateway = Gateway::new("");
    let serving = Serving::start(&gateway);
    for path in ["", "/", "/livez", "/readyz", "/health"] {
        assert_eq!(gateway.run(&["health", &serving.url(path)]).answer(), "ok\n", "{path}");
    }
    assert!(gateway.run(&["health", &serving.url("/nothing")]).complaint(1).contains("404"));
    let address = serving.address.clone();
    drop(serving);
    assert!(gateway.run(&["health", &format!("http://{address}")]).complaint(1).contains("nothing listens there"));
    assert!(gateway.run(&["health", "https://127.0.0.1:1"]).complaint(2).contains("only http://"));
}

/// Every command has a page, and readers of pages find nothing wrong with any.
#[test]
fn manual_pages_can_be_read() {
    let gateway = Gateway::new("");
    gateway.run(&["man", "pages"]).answer();
    let mut names = Vec::new();
    for entry in fs::read_dir(gateway.path("pages")).unwrap() {
        let path = entry.unwrap().path();
        let linted = checker("mandoc", &["-T", "lint", "-W", "warning"], &path);
        assert_eq!((linted.answer(), linted.stderr.as_str()), ("", ""), "{}", path.display());
        let shown = run(Command::new("man").args(["--warnings", "-l"]).arg(&path).env("MANPAGER", "cat"));
        assert_eq!(shown.stderr, "", "{}", path.display());
        assert!(shown.answer().contains("NAME") && shown.stdout.contains("SYNOPSIS"), "{}", shown.stdout);
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["gateway.1", "gateway-serve.1", "gateway-plugin.1", "gateway-plugin-add.1", "gateway-server-add.1"] {
        assert!(names.iter().any(|found| found == name), "{name} is missing in {names:?}");
    }
    let page = gateway.run(&["man"]);
    assert_eq!(page.answer(), fs::read_to_string(gateway.path("pages/gateway.1")).unwrap());
}

#[test]
fn shells_take_the_completions() {
    let gateway = Gateway::new("");
    for (shell, word) in [
        ("bash", "complete"),
        ("zsh", "#compdef"),
        ("fish", "complete"),
        ("elvish", "edit:"),
        ("powershell", "Register-"),
    ] {
        let said = gateway.run(&["completions", shell]);
        assert!(said.answer().contains(word) && said.stdout.contains("plugin"), "{shell}");
        if shell == "bash" {
            let file = gateway.write("completions.bash", &said.stdout);
            checker("bash", &["--norc", "--noprofile", "-n"], &file).answer();
        }
    }
}

/// What cargo packs of a package.
fn packed(package: &str) -> Vec<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "--package", package]);
    let listed = run(cargo.current_dir(place::repository()));
    listed.answer().lines().map(str::to_owned).collect()
}

/// Crates are built from what was packed, and what lies elsewhere in the repository comes along.
#[test]
fn crates_hold_what_they_are_built_from() {
    let (host, wasm) = (packed("gateway-host"), packed("gateway-wasm"));
    let tracked = run(Command::new("git").args(["ls-files"]).current_dir(place::repository()));
    let mut found = 0;
    for (folder, list, inside) in [
        ("host/src/", &host, "src/"),
        ("wit/", &host, "carried/wit/"),
        ("wit/", &wasm, "wit/"),
        ("sdk/rust/src/", &host, "carried/rust/src/"),
        ("sdk/rust/macros/src/", &host, "carried/rust/macros/src/"),
        ("sdk/python/gateway_sdk/", &host, "carried/python/"),
        ("sdk/js/src/", &host, "carried/js/src/"),
        ("sdk/js/wit/", &host, "carried/js/wit/"),
        ("host/wasm/src/", &wasm, "src/"),
    ] {
        for file in tracked.answer().lines().filter_map(|path| path.strip_prefix(folder)) {
            let is_for_people = folder == "wit/" && file.ends_with(".md");
            assert!(is_for_people || list.contains(&format!("{inside}{file}")), "{folder}{file} is not packed");
            found += 1;
        }
    }
    assert!(found > 300, "{found}");
    for file in host.iter().chain(&wasm) {
        assert!(!["node_modules", "__pycache__", ".venv"].iter().any(|made| file.contains(made)), "{file} is packed");
    }
}
