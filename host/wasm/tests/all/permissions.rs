//! What a plugin may reach: nothing, unless it was granted.

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::Stage;

#[tokio::test]
async fn nothing_of_the_environment() {
    let stage = Stage::guest("env");
    assert_eq!(stage.text("environment", json!({})).await, "{}");
    assert_eq!(stage.text("arguments", json!({})).await, r#"{"result":[]}"#);
    assert_eq!(stage.text("input", json!({})).await, "");
    let granted = Stage::granted("env", json!({ "env": { "LANG": "C", "EMPTY": "" } }), json!({}));
    assert_eq!(granted.text("environment", json!({})).await, r#"{"EMPTY":"","LANG":"C"}"#);
}

/// A folder with a file and ways out of it, beside a secret.
fn folders() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("file"), "text").unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../secret", data.join("relative")).unwrap();
        symlink(root.path().join("secret"), data.join("absolute")).unwrap();
        symlink("..", data.join("up")).unwrap();
        symlink("file", data.join("inside")).unwrap();
    }
    root
}

fn files(root: &Path, write: bool) -> Stage {
    let grant = json!({ "path": root.join("data"), "mount": "/data", "write": write });
    Stage::granted("files", json!({ "files": [grant] }), json!({}))
}

#[tokio::test]
async fn no_file_outside_of_a_folder() {
    let root = folders();
    let secret = root.path().join("secret").to_str().unwrap().to_owned();
    for stage in [Stage::guest("files"), files(root.path(), true)] {
        let ways = [
            secret.as_str(),
            "/etc/passwd",
            "/data/../secret",
            "/data/../../../../../../etc/passwd",
            "/data/relative",
            "/data/absolute",
            "/data/up/secret",
            "../secret",
        ];
        for path in ways {
            stage.error("read", json!({ "path": path })).await;
            stage.error("write", json!({ "path": path, "text": "x" })).await;
            stage.error("move", json!({ "from": "/data/file", "to": "/data/../moved" })).await;
            stage.error("move", json!({ "from": "/data/../secret", "to": "/data/moved" })).await;
            stage.error("link", json!({ "from": "/data/../secret", "to": "/data/linked" })).await;
        }
        for folder in ["/", "/data/..", "/data/up"] {
            if stage.call("list", json!({ "path": folder })).await.get("isError").is_none() {
                panic!("{folder} can be listed");
            }
        }
    }
    assert_eq!(fs::read_to_string(root.path().join("secret")).unwrap(), "secret");
}

#[tokio::test]
async fn folders_are_read_or_written_as_granted() {
    let root = folders();
    let reader = files(root.path(), false);
    assert_eq!(reader.text("read", json!({ "path": "/data/file" })).await, "text");
    assert_eq!(reader.text("read", json!({ "path": "/data/inside" })).await, "text");
    reader.error("write", json!({ "path": "/data/file", "text": "x" })).await;
    reader.error("write", json!({ "path": "/data/new", "text": "x" })).await;
    reader.error("remove", json!({ "path": "/data/file" })).await;
    reader.error("move", json!({ "from": "/data/file", "to": "/data/moved" })).await;
    reader.error("link", json!({ "from": "/data/file", "to": "/data/linked" })).await;
    let writer = files(root.path(), true);
    writer.call("write", json!({ "path": "/data/new", "text": "new" })).await;
    assert_eq!(fs::read_to_string(root.path().join("data/new")).unwrap(), "new");
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let failure = files(Path::new("/nowhere"), false).failure("list", json!({ "path": "/data" })).await;
    assert!(failure.message.starts_with("plugin \"files\": the folder /nowhere/data cannot be opened: "), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("make it, or mend plugins.files.permissions.files"));
}

/// A server that answers every request with what it was sent, except that `/redirect` leads to `/`. Its port.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if stream.read_buf(&mut request).await.unwrap() == 0 {
                        return;
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let status = match request.starts_with("GET /redirect ") {
                    true => "302 Found\r\nLocation: /",
                    false => "200 OK",
                };
                let length = request.len();
                let response =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{request}");
                stream.write_all(response.as_bytes()).await.unwrap();
            });
        }
    });
    port
}

fn net(entries: &[String]) -> Stage {
    Stage::granted("net", json!({ "net": entries }), json!({ "time": "60s" }))
}

async fn get(stage: &Stage, url: String) -> Value {
    stage.call("get", json!({ "url": url })).await
}

#[tokio::test]
async fn a_listed_host_is_reached() {
    let port = echo().await;
    for host in ["127.0.0.1", "localhost"] {
        let stage = net(&[format!("http://{host}:{port}")]);
        let url = format!("http://{host}:{port}/path?query");
        let answer = stage.text("get", json!({ "url": url, "header": "x-mine: yes" })).await;
        let (status, request) = answer.split_once(' ').unwrap();
        assert_eq!(status, "200");
        let mut lines: Vec<&str> = request.trim_end().lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["GET /path?query HTTP/1.1", &format!("host: {host}:{port}"), "x-mine: yes"]);
        // Where it leads is the plugin's to decide, and the gateway's to check anew.
        let answer = stage.text("get", json!({ "url": format!("http://{host}:{port}/redirect") })).await;
        assert!(answer.starts_with("302 "), "{answer}");
        assert_eq!(stage.text("post", json!({ "url": format!("http://{host}:{port}/") })).await, "200");
    }
}

#[tokio::test]
async fn any_other_host_is_denied() {
    let port = echo().await;
    let stage = net(&[format!("http://localhost:{port}"), "https://api.github.com".to_owned()]);
    for (url, host, entry) in [
        ("https://example.com/".to_owned(), "example.com:443", "https://example.com"),
        ("http://api.github.com/".to_owned(), "api.github.com:80", "http://api.github.com"),
        (format!("http://127.0.0.1:{port}/"), &format!("127.0.0.1:{port}"), &format!("http://127.0.0.1:{port}")),
        (format!("https://localhost:{port}/"), &format!("localhost:{port}"), &format!("https://localhost:{port}")),
        ("http://[::ffff:127.0.0.1]/".to_owned(), "[::ffff:7f00:1]:80", "http://[::ffff:7f00:1]"),
    ] {
        let result = get(&stage, url).await;
        assert_eq!(result["isError"], true);
        assert!(result["content"][0]["text"].as_str().unwrap().contains("HttpRequestDenied"), "{result}");
        assert_eq!(
            result["content"][1]["text"],
            format!(
                "plugin \"net\": host \"{host}\" is not allowed\nhint: add \"{entry}\" to plugins.net.permissions.net"
            )
        );
    }
}

#[tokio::test]
async fn a_listed_name_opens_no_private_network() {
    let port = echo().await;
    let stage = net(&["*:*".to_owned()]);
    for host in ["localhost", "127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f.1"] {
        let result = get(&stage, format!("http://{host}:{port}/")).await;
        assert!(result["content"][0]["text"].as_str().unwrap().contains("DestinationIpProhibited"), "{result}");
        let note = result["content"][1]["text"].as_str().unwrap();
        assert!(note.contains("has the private address") && note.contains("\nhint: add \"http://"), "{note}");
    }
}

#[tokio::test]
async fn no_sockets() {
    let port = echo().await;
    let stage = net(&["*:*".to_owned(), format!("http://127.0.0.1:{port}"), "localhost:*".to_owned()]);
    stage.error("connect", json!({ "address": format!("127.0.0.1:{port}") })).await;
    stage.error("resolve", json!({ "name": "localhost" })).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_denial() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let stage = net(&[format!("http://127.0.0.1:{port}"), "*.invalid".to_owned()]);
    let refused = get(&stage, format!("http://127.0.0.1:{port}/")).await;
    assert!(refused["content"][0]["text"].as_str().unwrap().contains("ConnectionRefused"), "{refused}");
    assert_eq!(refused["content"].as_array().unwrap().len(), 1);
    let unknown = get(&stage, "http://name.invalid/".to_owned()).await;
    assert!(unknown["content"][0]["text"].as_str().unwrap().contains("DnsError"), "{unknown}");
}

#[tokio::test]
async fn https_means_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    });
    let stage = net(&[format!("https://127.0.0.1:{port}")]);
    let result = get(&stage, format!("https://127.0.0.1:{port}/")).await;
    assert!(result["content"][0]["text"].as_str().unwrap().contains("TlsProtocolError"), "{result}");
}

#[tokio::test]
async fn only_granted_tools_are_called() {
    let stage = Stage::granted("host-user", json!({ "tools": ["host-user__c*", "gone__*"] }), json!({}));
    let call = |tool: &str| json!({ "tool": tool, "arguments": {} });
    assert_eq!(stage.text("call", call("host-user__config")).await, r#"{"key":[1,2]}"#);
    let denied = stage.error("call", call("host-user__log")).await;
    assert!(denied.contains("denied: "), "{denied}");
    assert!(
        denied.ends_with(
            "plugin \"host-user\": tool \"host-user__log\" is not allowed\nhint: add \"host-user__log\" to plugins.host-user.permissions.tools"
        ),
        "{denied}"
    );
    let unknown = stage.error("call", call("gone__tool")).await;
    assert!(unknown.starts_with("unknown-tool: "), "{unknown}");
    let calls = stage.gateway.calls.lock().unwrap().clone();
    assert_eq!(calls.iter().map(|call| call.0.as_str()).collect::<Vec<_>>(), ["host-user__config", "gone__tool"]);
}

#[tokio::test]
async fn results_of_nested_calls_come_back_whole() {
    let stage = Arc::new(Stage::granted("host-user", json!({ "tools": ["*"] }), json!({})));
    let direct = stage.call("content", json!({})).await;
    let nested = stage.call("call", json!({ "tool": "host-user__content" })).await;
    assert_eq!(direct, nested);
}
