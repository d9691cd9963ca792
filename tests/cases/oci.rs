//! Plugins from a registry: a real one, and one that does what a test says.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use gateway_tests::{
    Gateway,
    files::Files,
    gateway::run,
    guests,
    registry::{INDEX, Layer, MANIFEST, Registry, digest, edited},
};
use serde_json::json;

const OLDER: [&str; 2] =
    ["application/vnd.wasm.content.layer.v1+wasm", "application/vnd.module.wasm.content.layer.v1+wasm"];

fn calculator() -> Vec<u8> {
    fs::read(guests::CALCULATOR.path()).unwrap()
}

/// The same with another description of one tool.
pub(super) fn newer() -> Vec<u8> {
    edited(&guests::CALCULATOR.path(), "Add two numbers.", "Sum two numbers.")
}

#[test]
fn a_plugin_comes_from_a_registry() {
    let registry = Registry::start();
    let manifest = registry.push("tools/calculator", "1", &[Layer::component(&calculator())]);
    let gateway = Gateway::new("# Mine.\n");
    let source = registry.reference("tools/calculator:1");
    let inspected = gateway.run(&["plugin", "inspect", &source]);
    assert!(inspected.answer().contains("evaluate") && inspected.stdout.contains(&source), "{inspected:#?}");
    gateway.run(&["plugin", "add", &source]).answer();
    let yaml = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    assert!(yaml.contains(&source) && !yaml.contains("sha256"), "{yaml}");
    let lock = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    for part in [&manifest["sha256:".len()..], &digest(&calculator())["sha256:".len()..], "inputSchema"] {
        assert!(lock.contains(part), "{part} is missing in {lock}");
    }
    assert_eq!(gateway.run(&["call", "calculator__add", "a=1", "b=2"]).answer(), "3\n");
    gateway.run(&["check"]).answer();
    // Kept by its digest, it needs no registry any more.
    drop(registry);
    assert_eq!(gateway.run(&["call", "calculator__add", "a=1", "b=2"]).answer(), "3\n");
}

#[test]
fn older_layouts_lists_and_digests_are_understood() {
    let registry = Registry::start();
    let gateway = Gateway::new("");
    for (at, kind) in OLDER.iter().enumerate() {
        registry.push("old", &at.to_string(), &[Layer::new(kind, &calculator(), json!({}))]);
        gateway.run(&["plugin", "inspect", &registry.reference(&format!("old:{at}"))]).answer();
    }
    let component = registry.manifest("list", &[Layer::component(&calculator())]).to_string();
    let other = registry.manifest("list", &[Layer::new("text/plain", b"other", json!({}))]).to_string();
    let entry = |text: &str, architecture: &str| {
        let digest = registry.put_manifest("list", &digest(text.as_bytes()), MANIFEST, text);
        json!({ "mediaType": MANIFEST, "digest": digest, "size": text.len(), "platform": { "architecture": architecture, "os": "x" } })
    };
    let list = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [entry(&other, "amd64"), entry(&component, "wasm")],
    });
    let whole = registry.put_manifest("list", "1", INDEX, &list.to_string());
    gateway.run(&["plugin", "inspect", &registry.reference("list:1")]).answer();
    // What a digest names is itself a pin.
    let source = registry.reference(&format!("list:1@{whole}"));
    gateway.write("gateway.yaml", &format!("plugins: {{ sums: {source:?} }}\n"));
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
    drop(registry);
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
}

#[test]
fn a_tag_that_moves_changes_nothing() {
    let registry = Registry::start();
    registry.push("calculator", "1", &[Layer::component(&calculator())]);
    let gateway = Gateway::new("");
    let source = registry.reference("calculator:1");
    gateway.run(&["plugin", "add", &source]).answer();
    let lock = fs::read_to_string(gateway.path("gateway.lock")).unwrap();
    registry.push("calculator", "1", &[Layer::component(&newer())]);
    // On another machine, where nothing is kept: the manifest that was locked, and not what the tag leads to.
    fs::remove_dir_all(gateway.path("home/cache")).unwrap();
    let listed = gateway.run(&["list", "--json"]).json().to_string();
    assert!(listed.contains("Add two numbers.") && !listed.contains("Sum two numbers."), "{listed}");
    assert_eq!(gateway.run(&["call", "calculator__add", "a=1", "b=2"]).answer(), "3\n");
    gateway.run(&["lock"]).answer();
    assert_eq!(fs::read_to_string(gateway.path("gateway.lock")).unwrap(), lock);
    gateway.run(&["lock", "--check"]).answer();
    // Without a lock file, nothing says which one it is.
    fs::remove_file(gateway.path("gateway.lock")).unwrap();
    let refused = gateway.run(&["call", "calculator__add", "a=1", "b=2"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("gateway lock"), "{refused:#?}");
}

#[test]
fn who_asks_is_what_docker_keeps() {
    let registry = Registry::for_user("me", "a:secret");
    registry.push("private/calculator", "1", &[Layer::component(&calculator())]);
    let gateway = Gateway::new("");
    let source = registry.reference("private/calculator:1");
    let nobody = gateway.run(&["plugin", "inspect", &source]);
    let said = nobody.complaint(1);
    assert!(said.contains("401") && said.contains(&format!("docker login {}", registry.host())), "{said}");

    let inspect = |docker: &Path, path: Option<&Path>| {
        let mut command = gateway.command(&["plugin", "inspect", &source]);
        command.env("DOCKER_CONFIG", docker);
        if let Some(path) = path {
            let rest = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{rest}", path.display()));
        }
        run(&mut command)
    };
    let docker = registry.login();
    inspect(docker.path(), None).answer();
    // The user's own folder is looked at where nothing else is named.
    fs::create_dir_all(gateway.path("home/.docker")).unwrap();
    fs::copy(docker.path().join("config.json"), gateway.path("home/.docker/config.json")).unwrap();
    gateway.run(&["plugin", "inspect", &source]).answer();

    // A helper program, for one registry and for all.
    let bin = gateway.path("bin");
    let helper = gateway.write(
        "bin/docker-credential-tests",
        "#!/bin/sh\n[ \"$1\" = get ] || exit 1\nread -r host\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"me\",\"Secret\":\"a:secret\"}' \"$host\"\n",
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = docker.path().join("config.json");
    for keys in [json!({ "credHelpers": { (registry.host()): "tests" } }), json!({ "credsStore": "tests" })] {
        fs::write(&config, keys.to_string()).unwrap();
        inspect(docker.path(), Some(&bin)).answer();
    }
    let missing = inspect(docker.path(), None);
    assert!(missing.complaint(1).contains("docker-credential-tests gives no credentials"), "{missing:#?}");
    let wrong = json!({ "auths": { (registry.host()): { "auth": "bWU6d3Jvbmc=" } } });
    fs::write(&config, wrong.to_string()).unwrap();
    let refused = inspect(docker.path(), None);
    assert!(refused.complaint(1).contains("the credentials that it was shown"), "{refused:#?}");
    fs::write(&config, "{").unwrap();
    assert!(inspect(docker.path(), None).complaint(1).contains("config.json"));
}

#[test]
fn what_is_no_plugin_is_named() {
    let registry = Registry::start();
    let gateway = Gateway::new("");
    let component = Layer::component(&calculator());
    registry.push("two", "1", &[component.clone(), component]);
    registry.push("image", "1", &[Layer::new("application/vnd.oci.image.layer.v1.tar+gzip", b"tar", json!({}))]);
    registry.push("text", "1", &[Layer::component(b"no wasm")]);
    for (name, code, said) in [
        ("two:1", 1, "2 layers of WebAssembly, and a plugin is one"),
        ("image:1", 1, "there is no WebAssembly in it, but application/vnd.oci.image.layer.v1.tar+gzip"),
        ("text:1", 1, "it is no WebAssembly"),
        ("text:2", 1, "the registry has no such image"),
        ("nothing", 1, "the registry has no such image"),
        ("UPPER", 2, "a repository has small letters"),
    ] {
        let refused = gateway.run(&["plugin", "inspect", &registry.reference(name)]);
        assert!(refused.complaint(code).contains(said), "{name}: {refused:#?}");
        assert!(refused.stderr.contains("hint: "), "{name}: {refused:#?}");
    }
    let remote = gateway.run(&["plugin", "inspect", "oci://127.0.0.1:1/a:1"]);
    assert!(remote.complaint(1).contains("Connection refused"), "{remote:#?}");
}

/// A registry that gives out tokens, and one that lies.
#[test]
fn tokens_are_asked_for_and_bytes_are_checked() {
    let component = calculator();
    let blob = digest(&component);
    let manifest = json!({
        "schemaVersion": 2,
        "layers": [{ "mediaType": "application/wasm", "digest": blob, "size": component.len() }],
    })
    .to_string();
    let answer = {
        let component = component.clone();
        move |asked: &gateway_tests::files::Asked| {
            let host = asked.headers.get("host").cloned().unwrap_or_default();
            if asked.path.starts_with("/token?") {
                let is_ours =
                    asked.path.contains("service=tests") && asked.path.contains("repository%3Acalculator%3Apull");
                let token = if is_ours { r#"{"token":"let me in"}"# } else { "{}" };
                return (200, Vec::new(), token.into());
            }
            if asked.headers.get("authorization").map(String::as_str) != Some("Bearer let me in") {
                let challenge =
                    format!(r#"Bearer realm="http://{host}/token",service="tests",scope="repository:calculator:pull""#);
                return (401, vec![("WWW-Authenticate".to_owned(), challenge)], Vec::new());
            }
            match asked.path.as_str() {
                "/v2/calculator/manifests/1" => (200, Vec::new(), manifest.clone().into_bytes()),
                path if path.starts_with("/v2/calculator/blobs/") => (200, Vec::new(), component.clone()),
                // Something else than what has that digest.
                path if path.starts_with("/v2/calculator/manifests/sha256:") => (200, Vec::new(), b"{}".to_vec()),
                _ => (404, Vec::new(), Vec::new()),
            }
        }
    };
    let files = Files::serve(answer);
    let gateway = Gateway::new("");
    let source = format!("oci://{}/calculator", files.address);
    gateway.run(&["plugin", "inspect", &format!("{source}:1")]).answer();
    let lies = gateway.run(&["plugin", "inspect", &format!("{source}@{}", digest(b"manifest"))]);
    assert!(lies.complaint(1).contains("the registry sends other bytes than those of sha256:"), "{lies:#?}");

    // A layer that is not the one of its digest, and one that is larger than it says.
    for (size, said) in [(component.len(), "sends other bytes"), (3, "more than the 3 bytes")] {
        let manifest = json!({
            "layers": [{ "mediaType": "application/wasm", "digest": digest(b"other"), "size": size }],
        });
        let (manifest, component) = (manifest.to_string(), component.clone());
        let files = Files::serve(move |asked| match asked.path.contains("/manifests/") {
            true => (200, Vec::new(), manifest.clone().into_bytes()),
            false => (200, Vec::new(), component.clone()),
        });
        let lies = gateway.run(&["plugin", "inspect", &format!("oci://{}/a:1", files.address)]);
        assert!(lies.complaint(1).contains(said), "{lies:#?}");
    }

    // Whoever wants to be shown a password elsewhere is not.
    let files = Files::serve(|_| {
        let challenge = r#"Bearer realm="http://example.com/token""#.to_owned();
        (401, vec![("WWW-Authenticate".to_owned(), challenge)], Vec::new())
    });
    let elsewhere = gateway.run(&["plugin", "inspect", &format!("oci://{}/a:1", files.address)]);
    assert!(elsewhere.complaint(1).contains("http://example.com/token, which is no https"), "{elsewhere:#?}");
}
