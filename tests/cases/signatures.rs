//! Signatures, made by the programs that people make them with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use gateway_tests::{
    Gateway,
    files::Files,
    guests,
    registry::{Layer, Registry, digest, output},
};
use serde_json::{Value, json};

use super::oci::newer;

/// A pair of keys in a folder.
struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        let keys = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["alice", "mallory"] {
            let (public, secret) = (keys.path(&format!("{name}.pub")), keys.path(&format!("{name}.key")));
            output(Command::new("minisign").args(["-G", "-W", "-p"]).arg(&public).arg("-s").arg(&secret));
            let pem = keys.path(&format!("{name}.pem"));
            output(
                Command::new("openssl").args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]).arg(&pem),
            );
        }
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The public key of minisign.
    fn minisign(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    /// The public key of cosign, in PEM.
    fn cosign(&self, name: &str) -> String {
        let pem = output(Command::new("openssl").args(["ec", "-pubout", "-in"]).arg(self.path(&format!("{name}.pem"))));
        String::from_utf8(pem).unwrap()
    }

    /// Signs as minisign does.
    fn minisig(&self, name: &str, bytes: &[u8]) -> String {
        let (file, signature) = (self.path("signed"), self.path("signed.minisig"));
        fs::write(&file, bytes).unwrap();
        let mut command = Command::new("minisign");
        command.arg("-S").arg("-s").arg(self.path(&format!("{name}.key")));
        output(command.arg("-m").arg(&file).arg("-x").arg(&signature));
        fs::read_to_string(signature).unwrap()
    }

    /// Signs as cosign does.
    fn sig(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.path("signed");
        fs::write(&file, bytes).unwrap();
        let mut command = Command::new("openssl");
        command.args(["dgst", "-sha256", "-sign"]).arg(self.path(&format!("{name}.pem")));
        BASE64_STANDARD.encode(output(command.arg(&file)))
    }
}

fn calculator() -> Vec<u8> {
    fs::read(guests::CALCULATOR.path()).unwrap()
}

fn gateway(source: &str, key: &Value) -> Gateway {
    Gateway::with(&json!({
        "signers": { "alice": key },
        "plugins": {
            "sums": { "source": source, "signed_by": ["alice"] },
            "counter": guests::COUNTER.source(),
        },
    }))
}

/// Why `sums` does not run, while the other one does.
#[track_caller]
fn stopped(gateway: &Gateway) -> String {
    let refused = gateway.run(&["call", "sums__add", "a=1", "b=2"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("hint: "), "{refused:#?}");
    assert_eq!(gateway.run(&["call", "counter__count"]).answer(), "1\n");
    refused.stderr
}

#[track_caller]
fn runs(gateway: &Gateway) {
    assert_eq!(gateway.run(&["call", "sums__add", "a=1", "b=2"]).answer(), "3\n");
}

/// Missing, wrong, another's, damaged and good ones, of a file.
#[test]
fn files_are_signed() {
    let keys = Keys::new();
    type Sign<'a> = &'a dyn Fn(&str, &[u8]) -> String;
    let sign: [(&str, &str, Sign<'_>); 2] = [
        ("minisig", &keys.minisign("alice"), &|name, bytes| keys.minisig(name, bytes)),
        ("sig", &keys.cosign("alice"), &|name, bytes| keys.sig(name, bytes)),
    ];
    for (end, key, sign) in sign {
        let gateway = gateway("./sums.wasm", &json!(key));
        fs::copy(guests::CALCULATOR.path(), gateway.path("sums.wasm")).unwrap();
        let signature = format!("sums.wasm.{end}");
        assert!(stopped(&gateway).contains("it has no signature"));
        gateway.write(&signature, &sign("alice", &newer()));
        assert!(stopped(&gateway).contains("its signature is wrong"));
        gateway.write(&signature, &sign("mallory", &calculator()));
        assert!(stopped(&gateway).contains("its signature is wrong"));
        gateway.write(&signature, "nonsense");
        assert!(stopped(&gateway).contains("its signature is wrong"));
        gateway.write(&signature, &sign("alice", &calculator()));
        runs(&gateway);
        // Everything was compiled and remembered by now, and is checked all the same.
        fs::write(gateway.path("sums.wasm"), newer()).unwrap();
        assert!(stopped(&gateway).contains("its signature is wrong"));
        fs::remove_file(gateway.path(&signature)).unwrap();
        assert!(stopped(&gateway).contains("it has no signature"));
    }
}

#[test]
fn a_key_expires() {
    let keys = Keys::new();
    let gateway = gateway("./sums.wasm", &json!({ "key": keys.minisign("alice"), "expires": "2020-12-31" }));
    fs::copy(guests::CALCULATOR.path(), gateway.path("sums.wasm")).unwrap();
    gateway.write("sums.wasm.minisig", &keys.minisig("alice", &calculator()));
    let said = stopped(&gateway);
    assert!(said.contains("the key of \"alice\", who signed it, expired: its last day was 2020-12-31"), "{said}");
    let yaml = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    gateway.write("gateway.yaml", &yaml.replace("2020-12-31", "2999-12-31"));
    runs(&gateway);
    gateway.run(&["lock"]).answer();
    assert!(fs::read_to_string(gateway.path("gateway.lock")).unwrap().contains("signer: alice"));
    // What was agreed to was signed: nobody takes that away without a word.
    let unsigned = json!({ "plugins": { "sums": "./sums.wasm", "counter": guests::COUNTER.source() } });
    gateway.write("gateway.yaml", &unsigned.to_string());
    assert!(stopped(&gateway).contains("signer: alice is gone"));
}

#[test]
fn mistakes_are_named() {
    let keys = Keys::new();
    let source = guests::CALCULATOR.source();
    let check = |signers: Value, signed_by: &str| {
        let plugins = json!({ "sums": { "source": source, "signed_by": [signed_by] } });
        let gateway = Gateway::with(&json!({ "signers": signers, "plugins": plugins }));
        let checked = gateway.run(&["check"]);
        assert_eq!(checked.code, 2, "{checked:#?}");
        checked.stderr
    };
    let said = check(json!({ "alice": keys.minisign("alice") }), "alicf");
    assert!(said.contains("there is no signer \"alicf\"") && said.contains("did you mean `alice`"), "{said}");
    let said = check(json!({}), "bob");
    assert!(said.contains("write the public key in `signers.bob`"), "{said}");
    let said = check(json!({ "alice": "hello" }), "alice");
    assert!(said.contains("no public key of minisign or cosign") && said.contains("minisign.pub"), "{said}");
    let secret = fs::read_to_string(keys.path("alice.pem")).unwrap();
    let said = check(json!({ "alice": secret }), "alice");
    assert!(said.contains("this is a private key") && !said.contains("BEGIN EC"), "{said}");
    let said = check(json!({ "alice": { "key": keys.cosign("alice"), "expires": "soon" } }), "alice");
    assert!(said.contains("\"soon\" is no day"), "{said}");
}

#[test]
fn addresses_are_signed() {
    let keys = Keys::new();
    let gateway = gateway("", &json!(keys.minisign("alice")));
    let write = |files: &Files| {
        let sha256 = digest(&calculator());
        let sums = json!({ "source": files.url("/sums.wasm"), "sha256": sha256, "signed_by": ["alice"] });
        let plugins = json!({ "sums": sums, "counter": guests::COUNTER.source() });
        let config = json!({ "signers": { "alice": keys.minisign("alice") }, "plugins": plugins });
        gateway.write("gateway.yaml", &config.to_string());
    };
    let files = Files::of(&[("/sums.wasm", calculator())]);
    write(&files);
    assert!(stopped(&gateway).contains("it has no signature"));
    let files = Files::of(&[
        ("/sums.wasm", calculator()),
        ("/sums.wasm.minisig", keys.minisig("alice", &calculator()).into_bytes()),
    ]);
    write(&files);
    runs(&gateway);
    // The download is kept with its signature, and both are checked again.
    let before = files.asked().len();
    runs(&gateway);
    assert_eq!(files.asked().len(), before);
    let yaml = fs::read_to_string(gateway.path("gateway.yaml")).unwrap();
    let (alice, mallory) = (json!(keys.minisign("alice")).to_string(), json!(keys.minisign("mallory")).to_string());
    gateway.write("gateway.yaml", &yaml.replace(&alice, &mallory));
    assert!(stopped(&gateway).contains("its signature is wrong"));
}

/// Minisign's as a file in the image, cosign's where cosign puts it.
#[test]
fn images_are_signed() {
    let (keys, registry) = (Keys::new(), Registry::start());
    let component = Layer::component(&calculator());
    let minisig = Layer::file("calculator.wasm.minisig", keys.minisig("alice", &calculator()).as_bytes());
    registry.push("mini", "1", &[component.clone(), minisig]);
    let wrong = Layer::file("calculator.wasm.minisig", keys.minisig("alice", &newer()).as_bytes());
    registry.push("mini", "2", &[component.clone(), wrong]);
    let add = |gateway: &Gateway, name: &str| {
        gateway.run(&["plugin", "add", &registry.reference(name), "--name", "sums", "--force", "--signed-by", "alice"])
    };
    let keyless = |key: Value| Gateway::with(&json!({ "signers": { "alice": key } }));
    let gateway = keyless(json!(keys.minisign("alice")));
    assert!(add(&gateway, "mini:2").complaint(1).contains("its signature is wrong"));
    assert!(!gateway.path("gateway.lock").exists());
    add(&gateway, "mini:1").answer();
    runs(&gateway);

    let gateway = keyless(json!(keys.cosign("alice")));
    let manifest = registry.push("co", "1", std::slice::from_ref(&component));
    assert!(add(&gateway, "co:1").complaint(1).contains("it has no signature"));
    let sign = |who: &str, about: &str| {
        let payload = json!({
            "critical": {
                "identity": { "docker-reference": "co" },
                "image": { "docker-manifest-digest": about },
                "type": "cosign container image signature",
            },
            "optional": null,
        })
        .to_string();
        let annotations = json!({ "dev.cosignproject.cosign/signature": keys.sig(who, payload.as_bytes()) });
        let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
        let tag = format!("{}.sig", manifest.replace(':', "-"));
        registry.push("co", &tag, &[Layer::new(kind, payload.as_bytes(), annotations)]);
    };
    for (who, about) in [("mallory", manifest.as_str()), ("alice", &digest(b"another manifest"))] {
        sign(who, about);
        assert!(add(&gateway, "co:1").complaint(1).contains("its signature is wrong"), "{who}");
    }
    sign("alice", &manifest);
    add(&gateway, "co:1").answer();
    runs(&gateway);
    // The signature is kept with the component.
    drop(registry);
    runs(&gateway);
    let kept = fs::read_dir(gateway.path("home/cache/mcp-gateway/packages")).unwrap().flatten();
    let kept: Vec<PathBuf> = kept.map(|entry| entry.path()).filter(|path| is_kept(path)).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    fs::write(&kept[0], "{}").unwrap();
    let refused = gateway.run(&["call", "sums__add", "a=1", "b=2"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
}

fn is_kept(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".signatures.json")
}
