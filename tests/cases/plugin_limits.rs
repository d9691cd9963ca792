//! `plugin_limits`: what no plugin may exceed, whatever its own `limits` say.

use gateway_tests::{Gateway, guests};
use serde_json::{Value, json};

fn gateway(limits: Value, caps: Value) -> Gateway {
    let guest = |guest: guests::Guest| json!({ "source": guest.source(), "limits": limits });
    Gateway::with(&json!({
        "plugins": { "hoard": guest(guests::HOARD), "spin": guest(guests::SPIN), "huge": guest(guests::HUGE) },
        "plugin_limits": caps,
    }))
}

#[test]
fn the_smaller_one_holds() {
    let own = json!({ "memory": "64MiB", "time": "1h", "output": "4MiB" });
    let gateway = gateway(own, json!({ "memory": "16MiB", "fuel": 100_000_000, "output": "1MiB", "storage": "1MiB" }));
    let client = gateway.client();
    let failure = client.call("hoard__hoard", json!({})).failure();
    assert!(failure.contains("memory limit of 16 MiB reached"), "{failure}");
    // One that was not limited at all.
    let failure = client.call("spin__spin", json!({})).failure();
    assert!(failure.contains("fuel limit of 100000000 operations reached"), "{failure}");
    let failure = client.call("huge__text", json!({ "mib": 2 })).failure();
    assert!(failure.contains("output limit of 1 MiB reached"), "{failure}");
}

#[test]
fn a_cap_holds_where_nothing_is_said() {
    let gateway = gateway(json!({}), json!({ "time": "200ms" }));
    let failure = gateway.client().call("spin__spin", json!({})).failure();
    assert!(failure.contains("time limit of 200 ms reached"), "{failure}");
}

#[test]
fn what_is_cut_is_said() {
    let gateway = gateway(json!({ "memory": "64MiB", "time": "5s" }), json!({ "memory": "16MiB", "time": "1m" }));
    let output = gateway.run(&["check"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains("memory is cut from 64MiB to 16MiB: plugin_limits.memory allows no more"), "{said}");
    assert!(!said.contains("time is cut"), "{said}");
    assert_eq!(output.code, 0, "{said}");
}
