//! What can be told of a component before it is trusted.

use gateway_core::{name::SourceName, payload::Json};
use gateway_wasm::{PluginSettings, config::Manifest, inspect};
use serde_json::Value;

use crate::support::{engine, example, guest};

#[tokio::test]
async fn a_plugin_is_seen_from_all_sides() {
    let bytes = example("calculator");
    let name = SourceName::new("calculator").unwrap();
    let seen = inspect(&engine(), &name, bytes.clone(), PluginSettings::default()).await.unwrap();
    assert_eq!(seen.size, bytes.len());
    assert_eq!(seen.sha256.len(), 64);
    assert_eq!(seen.component.speaks(), "gateway:plugin@0.1.0");
    assert!(seen.component.exports.iter().any(|export| export == "gateway:plugin/tool@0.1.0"));
    assert!(seen.component.imports.iter().any(|import| import.starts_with("wasi:")), "{:?}", seen.component.imports);
    assert_eq!(seen.tools.len(), 7);
    assert_eq!(seen.tools[0].to::<Value>().unwrap()["name"], "add");
}

#[tokio::test]
async fn a_manifest_travels_inside() {
    let bytes = example("calculator");
    let put = |bytes: &[u8], text: &'static str| inspect::with_manifest(bytes, &Json::parse(text).unwrap()).unwrap();
    let once = put(&bytes, r#"{"name":"first","description":"a description that is longer"}"#);
    let twice = put(&once, r#"{"name":"calculator","limits":{"time":1}}"#);
    let seen = inspect::component(&twice).unwrap();
    assert_eq!(seen, inspect::Component { manifest: seen.manifest.clone(), ..inspect::component(&bytes).unwrap() });
    let manifest: Manifest = seen.manifest.unwrap().to().unwrap();
    assert_eq!(manifest.name.as_deref(), Some("calculator"));
    assert!(twice.len() < once.len());
    let name = SourceName::new("calculator").unwrap();
    inspect(&engine(), &name, twice.into(), PluginSettings::default()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_plugin_has_a_reason_and_a_hint() {
    let name = SourceName::new("odd").unwrap();
    let table: [(&[u8], &str); 3] = [
        (b"#!/bin/sh\n", "it is no WebAssembly"),
        (b"\0asm\x01\0\0\0", "it is a core module, and a plugin is a component"),
        (&guest("no-tool"), "it exports no interface of `gateway:plugin`, and no function that could be a tool"),
    ];
    for (bytes, problem) in table {
        let bytes = bytes.to_vec().into();
        let failure = inspect(&engine(), &name, bytes, PluginSettings::default()).await.unwrap_err();
        assert_eq!(failure.to_string(), format!("plugin \"odd\": {problem}"));
        assert!(failure.hint.is_some());
    }
}
