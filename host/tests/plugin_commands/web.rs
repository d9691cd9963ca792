//! Plugins from the web.

use std::fs;

use super::{
    bench::{Bench, calculator, sha256},
    server::{Server, head},
};

#[test]
fn a_download_is_pinned_and_kept() {
    let (bench, server) = (Bench::new(""), Server::with(calculator()));
    let url = server.url("v1/calculator.wasm");
    bench.ok(&["plugin", "add", &url]);
    let config: serde_json::Value = serde_yaml::from_str(&bench.config()).unwrap();
    let expected = serde_json::json!({ "source": url, "sha256": sha256(calculator()) });
    assert_eq!(config["plugins"]["calculator"], expected);
    assert_eq!(server.asked(), 1);
    assert_eq!(bench.ok(&["call", "calculator__add", "a=1", "b=2"]), "3\n");
    assert_eq!(server.asked(), 1, "it is kept");
    let kept = bench.path("XDG_CACHE_HOME/mcp-gateway/packages");
    fs::remove_dir_all(&kept).unwrap();
    assert_eq!(bench.ok(&["call", "calculator__add", "a=1", "b=2"]), "3\n");
    assert_eq!(server.asked(), 2, "it is downloaded again");
    assert!(kept.join(format!("{}.wasm", sha256(calculator()))).is_file());
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (bench, server) = (Bench::new(""), Server::with(calculator()));
    bench.ok(&["plugin", "add", &server.url("calculator.wasm")]);
    for folder in ["packages", "compiled"] {
        let mode = fs::metadata(bench.path("XDG_CACHE_HOME/mcp-gateway").join(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn another_component_is_refused() {
    let (bench, other) = (Bench::new(""), Server::with(b"another"));
    let url = other.url("calculator.wasm");
    bench.write(
        "gateway.yaml",
        format!("plugins:\n  calculator: {{ source: {url}, sha256: {} }}\n", sha256(calculator())),
    );
    let list = bench.json(&["plugin", "list", "--json"]);
    let error = list["plugins"][0]["error"].as_str().unwrap();
    assert!(error.contains(&sha256(calculator())) && error.contains(&sha256(b"another")), "{error}");
    let right = sha256(calculator());
    let parts = [right.as_str(), "--sha256"];
    bench.fails(1, &["plugin", "add", &url, "--name", "b", "--sha256", &right], &parts);
}

#[test]
fn a_download_without_a_digest_is_refused() {
    let (bench, server) = (Bench::new(""), Server::with(calculator()));
    let url = server.url("calculator.wasm");
    bench.write("gateway.yaml", format!("plugins:\n  calculator: {url}\n"));
    let list = bench.json(&["plugin", "list", "--json"]);
    let plugin = &list["plugins"][0];
    assert!(plugin["error"].as_str().unwrap().contains("SHA-256"), "{list}");
    assert!(plugin["hint"].as_str().unwrap().contains("`gateway lock` pins"), "{list}");
    assert_eq!(server.asked(), 0);
    bench.ok(&["plugin", "add", &url, "--name", "calculator", "--force"]);
    assert_eq!(bench.ok(&["call", "calculator__add", "a=1", "b=2"]), "3\n");
}

#[test]
fn downloads_that_fail_are_named() {
    let bench = Bench::new("# mine\n");
    let half = [head("200 OK", calculator().len()).as_bytes(), &calculator()[..1000]].concat();
    let redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n";
    for (answer, part) in [
        (half, "it broke off after 1000 bytes of"),
        (head("404 Not Found", 0).into(), "the server answers 404 Not Found"),
        (redirect.into(), "only https is followed"),
        (head("200 OK", 1 << 30).into(), "at most 128 MiB"),
        ([head("200 OK", 6).as_bytes(), b"<html>"].concat(), "it is no WebAssembly"),
    ] {
        let server = Server::start(answer);
        bench.fails(1, &["plugin", "add", &server.url("x.wasm?token=hunter2")], &[part]);
        assert!(!bench.run(&["plugin", "add", &server.url("x.wasm?token=hunter2")]).stderr.contains("hunter2"));
    }
    bench.fails(2, &["plugin", "add", "http://example.com/x.wasm"], &["http is for this machine alone", "https://"]);
}
