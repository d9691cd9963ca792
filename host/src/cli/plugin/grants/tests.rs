use super::*;

fn asked(manifest: serde_json::Value) -> Grants {
    Grants::asked(&serde_json::from_value(manifest).unwrap())
}

fn flags(arguments: &[&str]) -> GrantFlags {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: GrantFlags,
    }
    let line = ["add"].iter().chain(arguments);
    <Line as clap::Parser>::try_parse_from(line).unwrap().flags
}

fn decide(flags: &GrantFlags, asked: &Grants, terminal: bool) -> Decision {
    flags.decide(asked, Path::new("/"), terminal).unwrap()
}

#[test]
fn nothing_is_granted_that_nobody_granted() {
    let nothing = asked(serde_json::json!({}));
    let some = asked(serde_json::json!({ "permissions": { "net": ["example.com"], "tools": ["files__*"] } }));
    assert_eq!(decide(&flags(&[]), &nothing, false), Decision::Grant(Grants::default()));
    assert_eq!(decide(&flags(&[]), &some, true), Decision::Ask);
    assert_eq!(decide(&flags(&[]), &some, false), Decision::Refuse);
    for terminal in [true, false] {
        assert_eq!(decide(&flags(&["--yes"]), &some, terminal), Decision::Grant(some.clone()));
        let other = flags(&["--allow-net", "example.org"]);
        let Decision::Grant(granted) = decide(&other, &some, terminal) else { panic!("no question") };
        assert_eq!(granted.lines(), ["reach example.org"]);
        assert_eq!(some.without(&granted).lines(), ["reach example.com", "call the tools files__*"]);
    }
    let both = flags(&["--yes", "--allow-env", "LANG", "--allow-tool", "files__*"]);
    let Decision::Grant(granted) = decide(&both, &some, false) else { panic!("no question") };
    assert_eq!(granted.lines(), ["reach example.com", "see the variable LANG", "call the tools files__*"]);
}

#[test]
fn only_more_than_the_default_is_asked_for() {
    let less = asked(serde_json::json!({ "limits": { "memory": "16MiB", "time": "1s" } }));
    assert!(less.is_empty());
    let more = asked(serde_json::json!({ "limits": { "memory": "64MiB", "time": "30s", "concurrency": 32 } }));
    assert_eq!(more.lines(), ["take 30s for a call", "run 32 calls at once"]);
    assert_eq!(decide(&flags(&[]), &more, false), Decision::Refuse);
}

#[test]
fn asking_the_client_and_keeping_values_need_consent() {
    let asked = asked(serde_json::json!({
        "permissions": { "client": ["elicitation", "sampling"] },
        "limits": { "storage": "1MiB", "files": "64MiB", "network": "1GiB" },
    }));
    assert_eq!(
        asked.lines(),
        [
            "ask the user, through the client",
            "ask the client's model, at the user's expense",
            "keep 1MiB from call to call",
            "send and receive 1GiB each in a call"
        ]
    );
    assert_eq!(decide(&flags(&["--yes"]), &asked, false), Decision::Grant(asked.clone()));
    let some = flags(&["--allow-client", "elicitation", "--allow-storage", "64KiB"]);
    let Decision::Grant(granted) = decide(&some, &asked, false) else { panic!("no question") };
    assert_eq!(granted.lines(), ["ask the user, through the client", "keep 64KiB from call to call"]);
    assert_eq!(asked.without(&granted).permissions.client, [ClientAsk::Sampling]);
    // What a person has said holds against what the plugin would like.
    let both = flags(&["--yes", "--allow-storage", "64KiB"]);
    let Decision::Grant(granted) = decide(&both, &asked, false) else { panic!("no question") };
    assert!(granted.lines().contains(&"keep 64KiB from call to call".to_owned()));
}

#[test]
fn requests_are_granted_by_method_and_path() {
    let Decision::Grant(granted) =
        decide(&flags(&["--allow-net", "get,HEAD https://api.example/repos/"]), &Grants::default(), false)
    else {
        panic!("no question")
    };
    assert_eq!(granted.lines(), ["reach get,HEAD https://api.example/repos/"]);
}

#[test]
fn variables_are_shown_as_what_they_are() {
    let env = serde_json::json!({ "LANG": "", "HOME": "${HOME}", "NAME": "${SECRET}" });
    let asked = asked(serde_json::json!({ "permissions": { "env": env } }));
    assert_eq!(
        asked.lines(),
        ["see the variable HOME", "see the variable LANG", "see \"${SECRET}\" as the variable NAME"]
    );
}

#[test]
fn folders_are_seen_from_the_configuration() {
    let temp = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(temp.path()).unwrap();
    for name in ["below/data", "elsewhere:x"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    let dir = |path: &str, rest: &str| format!("{}:{rest}", root.join(path).display());
    let (below, elsewhere) = (dir("below/data", "/data"), dir("elsewhere:x", "/x:rw"));
    let grants = flags(&["--allow-dir", &below, "--allow-dir", &elsewhere]).named(&root.join("below")).unwrap();
    let files = &grants.permissions.files;
    assert_eq!(
        (files[0].path.as_path(), files[0].mount.as_str(), files[0].write),
        (Path::new("./data"), "/data", false)
    );
    assert_eq!(
        (files[1].path.as_path(), files[1].mount.as_str(), files[1].write),
        (&*root.join("elsewhere:x"), "/x", true)
    );
    assert!(flags(&["--allow-dir", &dir("nowhere", "/x")]).named(&root).is_err());
    grants.check_folders(&root.join("below")).unwrap();
    let missing = asked(serde_json::json!({ "permissions": { "files": [{ "path": "nowhere", "mount": "/n" }] } }));
    assert!(missing.check_folders(&root).is_err());
}

#[test]
fn mistakes_in_flags_are_named() {
    for bad in ["data", "data:data", ":/data", "data:/../etc"] {
        assert!(bad.parse::<Dir>().unwrap_err().contains("./data:/data"), "{bad}");
    }
    assert!("A=b".parse::<Variable>().is_err());
    assert!("".parse::<Variable>().is_err());
}
