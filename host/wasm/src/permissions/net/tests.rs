use std::sync::Arc;

use super::*;
use crate::permissions::Asked;

fn entries(entries: &[&str]) -> Box<[NetPattern]> {
    entries.iter().map(|entry| entry.parse().unwrap()).collect()
}

fn granted(net: &[&str]) -> Permissions {
    Permissions { net: entries(net), ..Permissions::default() }
}

fn asked(net: &[&str], asks: &[&str]) -> Permissions {
    let asked = Asked { net: entries(asks), ..Asked::default() };
    Permissions { asked: Some(Arc::new(asked)), ..granted(net) }
}

fn target(uri: &str) -> Target {
    Target::of(&uri.parse().unwrap()).unwrap()
}

/// The decision on `GET uri`, or on another method before the address.
fn check(permissions: &Permissions, request: &str) -> Result<(), Denial> {
    let (method, uri) = request.split_once(' ').unwrap_or(("GET", request));
    let method: Method = method.parse().unwrap();
    let uri: http::Uri = uri.parse().unwrap();
    let target = Target::of(&uri).unwrap();
    permissions.check_request("p", &Outgoing { target: &target, method: &method, path: uri.path() })
}

#[test]
fn hosts() {
    let table = [
        ("https://api.github.com", "https://api.github.com/x?y", true),
        ("https://api.github.com", "https://API.GitHub.com./", true),
        ("https://api.github.com", "http://api.github.com/", false),
        ("https://api.github.com", "https://api.github.com:8443/", false),
        ("https://api.github.com", "https://api.github.com.evil.org/", false),
        ("https://api.github.com", "https://evil-api.github.com/", false),
        ("api.github.com", "http://api.github.com/", true),
        ("api.github.com", "http://api.github.com:443/", false),
        ("*.example.com:443", "https://a.b.example.com/", true),
        ("*.example.com:443", "https://example.com/", false),
        ("*.example.com:443", "https://badexample.com/", false),
        ("*.example.com:443", "http://a.example.com/", false),
        ("example.com:*", "http://example.com:8080/", true),
        ("https://example.com:*", "http://example.com:8080/", false),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", true),
        ("http://127.0.0.1:8080", "http://2130706433:8080/", true),
        ("http://127.0.0.1:8080", "http://127.0.0.1/", false),
        ("http://[::1]:8080", "http://[::1]:8080/", true),
        ("*", "https://anything.example/", true),
        ("*", "https://anything.example:8443/", false),
        ("bücher.example", "https://xn--bcher-kva.example/", true),
    ];
    for (entry, request, allowed) in table {
        assert_eq!(check(&granted(&[entry]), request).is_ok(), allowed, "{entry} {request}");
    }
    check(&granted(&[]), "https://example.com/").unwrap_err();
}

#[test]
fn methods_and_paths() {
    let table = [
        ("GET https://a.example", "GET https://a.example/x", true),
        ("GET https://a.example", "POST https://a.example/x", false),
        ("get,Head a.example", "HEAD https://a.example/", true),
        ("GET,HEAD a.example", "OPTIONS https://a.example/", false),
        // A method in other letters is another method.
        ("GET a.example", "get https://a.example/", false),
        ("a.example", "PURGE https://a.example/", true),
        ("https://a.example/repos/", "https://a.example/repos/x?y=/../z", true),
        ("https://a.example/repos/", "https://a.example/user", false),
        ("https://a.example/repos/", "https://a.example/repos/../user", false),
        ("https://a.example/", "https://a.example/repos/../user", true),
        ("GET  https://a.example:8443/v1", "GET https://a.example:8443/v1/x", true),
        ("GET https://a.example:8443/v1", "GET https://a.example:8443/v2", false),
    ];
    for (entry, request, allowed) in table {
        assert_eq!(check(&granted(&[entry]), request).is_ok(), allowed, "{entry} {request}");
    }
    // Entries do not mix: the method of one does not open the path of the other.
    let two = granted(&["GET https://a.example", "https://a.example/inbox"]);
    check(&two, "POST https://a.example/inbox/1").unwrap();
    check(&two, "GET https://a.example/inbox/../x").unwrap();
    check(&two, "POST https://a.example/inbox/../x").unwrap_err();
}

#[test]
fn grants_and_asks_have_to_agree() {
    let table: [(&[&str], &[&str], &str, bool); 9] = [
        (&["https://a.example"], &["https://*"], "https://a.example/", true),
        (&["https://a.example"], &["*"], "https://a.example/", true),
        (&["https://a.example"], &["https://b.example"], "https://a.example/", false),
        (&["https://a.example"], &[], "https://a.example/", false),
        (&["https://*"], &["https://a.example/v1/"], "https://a.example/v1/x", true),
        (&["https://*"], &["https://a.example/v1/"], "https://a.example/v2", false),
        (&["a.example"], &["GET https://*"], "POST https://a.example/", false),
        // Any host is one with any port, as far as somebody grants it.
        (&["http://127.0.0.1:8080"], &["*"], "http://127.0.0.1:8080/", true),
        (&["http://127.0.0.1:8080"], &["https://*"], "http://127.0.0.1:8080/", false),
    ];
    for (grants, asks, request, allowed) in table {
        assert_eq!(check(&asked(grants, asks), request).is_ok(), allowed, "{grants:?} {asks:?} {request}");
    }
    // A private address is for the grant alone to decide.
    let permissions = asked(&["https://a.example", "https://10.0.0.5"], &["https://a.example"]);
    assert!(permissions.allows_address(&target("https://a.example/"), "10.0.0.5".parse().unwrap()));
    let permissions = asked(&["https://a.example"], &["https://a.example", "https://10.0.0.5"]);
    assert!(!permissions.allows_address(&target("https://a.example/"), "10.0.0.5".parse().unwrap()));
}

#[test]
fn denials_say_who_has_to_change_what() {
    let denial = |permissions: &Permissions, request: &str| {
        let Denial { message, hint } = check(permissions, request).unwrap_err();
        (message, hint)
    };
    let some = granted(&["GET https://a.example/repos/"]);
    assert_eq!(
        denial(&some, "https://b.example:8443/x"),
        (
            r#"plugin "p": host "b.example:8443" is not allowed"#.to_owned(),
            r#"add "https://b.example:8443" to plugins.p.permissions.net"#.to_owned()
        )
    );
    assert_eq!(
        denial(&some, "POST https://a.example/repos/x?secret"),
        (
            r#"plugin "p": POST https://a.example/repos/x is not allowed, and other requests to this host are"#
                .to_owned(),
            r#"add "POST https://a.example/repos/x" to plugins.p.permissions.net"#.to_owned()
        )
    );
    let (message, _) = denial(&some, "https://a.example/repos/%2e%2e/user");
    assert!(message.ends_with("since its path can be read in two ways"), "{message}");
    assert_eq!(
        denial(&asked(&["*"], &["https://b.example"]), "https://a.example/"),
        (
            r#"plugin "p": host "a.example:443" is granted, and the plugin does not ask for it"#.to_owned(),
            r#"add "https://a.example" to permissions.net in its plugin.yaml, and build it again"#.to_owned()
        )
    );
}

#[test]
fn what_is_asked_for_of_a_grant() {
    let table = [
        ("https://*", "https://a.example", true),
        ("https://*", "http://a.example", false),
        ("*", "http://127.0.0.1:8080", true),
        ("https://a.example", "https://*", true),
        ("https://a.example", "https://b.example", false),
        ("*.a.example", "https://b.a.example", true),
        ("*.a.example", "https://a.example", false),
        ("*.b.a.example", "*.a.example", true),
        ("https://a.example", "https://a.example:8443", false),
        ("a.example", "a.example:443", true),
        ("a.example", "a.example:8443", false),
        ("https://a.example/v1", "https://a.example/v1/x", true),
        ("https://a.example/v1", "https://a.example/v2", false),
        ("GET a.example", "POST a.example", false),
        ("GET a.example", "GET,POST a.example", true),
    ];
    for (ask, grant, some) in table {
        let (ask, grant): (NetPattern, NetPattern) = (ask.parse().unwrap(), grant.parse().unwrap());
        assert_eq!(ask.asks_for_some_of(&grant), some, "{ask} {grant}");
    }
}

#[test]
fn private_addresses_have_to_be_listed() {
    let table = [
        ("https://example.com", "https://example.com/", "93.184.216.34", true),
        ("https://example.com", "https://example.com/", "127.0.0.1", false),
        ("https://example.com", "https://example.com/", "::ffff:169.254.169.254", false),
        ("*", "http://10.0.0.5/", "10.0.0.5", false),
        ("http://10.0.0.5", "http://10.0.0.5/", "10.0.0.5", true),
        ("http://10.0.0.5", "http://10.0.0.5/", "::ffff:10.0.0.5", true),
        ("http://10.0.0.5:8080", "http://10.0.0.5/", "10.0.0.5", false),
        ("http://localhost:8080", "http://localhost:8080/", "127.0.0.1", true),
        ("http://localhost:8080", "http://localhost:8080/", "::1", true),
        ("http://localhost:8080", "http://localhost:8080/", "10.0.0.5", false),
        ("http://localhost:8080", "http://localhost:9090/", "127.0.0.1", false),
        ("http://localhost:8080", "http://other.example:8080/", "127.0.0.1", false),
    ];
    for (entry, uri, ip, allowed) in table {
        let decision = granted(&[entry]).allows_address(&target(uri), ip.parse().unwrap());
        assert_eq!(decision, allowed, "{entry} {uri} {ip}");
    }
    // The name is listed and so is the address that it has inside this network.
    let both = granted(&["https://intranet.example", "https://10.0.0.5"]);
    assert!(both.allows_address(&target("https://intranet.example/"), "10.0.0.5".parse().unwrap()));
}

#[test]
fn entries_that_are_none() {
    let error = |text: &str| text.parse::<NetPattern>().unwrap_err().to_string();
    assert_eq!(error("ftp://x"), r#""ftp://x" is no host: the scheme is neither http nor https"#);
    assert!(error("https://x/path?query").contains("write scheme, host, port and path alone"));
    assert!(error("https://user@x").contains("write scheme, host, port and path alone"));
    assert!(error("https://x/a/../b").contains("the path has `.` or `..`"));
    assert!(error("https://x//").contains("a doubled or escaped slash"));
    assert!(error("https://x:99999").contains("the port is no number"));
    assert!(error("api.*.com").contains("`*` stands for the beginning of a name"));
    assert!(error("*.10.0.0.1").contains("`*` stands for the beginning of a name"));
    assert!(error("").contains("neither a name nor an address"));
    assert!(error("GET a b").contains("neither a name nor an address"));
    assert!(error("https://a.example https://b.example").contains("are no methods"));
    assert!(error(", https://a.example").contains("are no methods"));
    assert!(error("GET,(x) https://a.example").contains("are no methods"));
}

#[test]
fn entries_of_one_server() {
    let one = |text: &str| text.parse::<NetPattern>().unwrap().one_target();
    assert_eq!(one("https://a.example/v1"), Some(target("https://a.example/")));
    for several in ["a.example", "https://*", "https://*.a.example", "https://a.example:*"] {
        assert_eq!(one(several), None, "{several}");
    }
}
