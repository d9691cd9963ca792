//! Many calls at once, in one session.

use std::collections::HashMap;

use gateway_tests::{Fake, Gateway, guests};
use serde_json::json;

#[test]
fn forty_calls_over_three_servers_and_three_plugins() {
    let fakes = [Fake::new(), Fake::new(), Fake::new()];
    let gateway = Gateway::with(&json!({
        "servers": {
            "one": fakes[0].entry(&[]), "two": fakes[1].entry(&[]), "three": fakes[2].entry(&[]),
        },
        "plugins": {
            "calculator": guests::CALCULATOR.source(),
            "counter": guests::COUNTER.source(),
            "host": { "source": guests::HOST_USER.source(), "config": { "answer": 42 } },
        },
    }));
    let client = gateway.client();
    let servers = ["one", "two", "three"];

    // Nine that take as long as the test likes, and thirty-one more behind them.
    let slow: HashMap<_, _> = (0..9)
        .map(|n| (n, client.send_call(&format!("{}__wait", servers[n % 3]), json!({ "key": format!("slow {n}") }))))
        .collect();
    let mut quick = Vec::new();
    for n in 0..31 {
        let (tool, arguments, answer) = match n % 6 {
            0 => ("calculator__add", json!({ "a": n, "b": 0.25 }), format!("{n}.25")),
            1 => ("counter__count", json!({}), "1".to_owned()),
            2 => ("host__log", json!({ "message": format!("call {n}") }), "logged".to_owned()),
            server => {
                let text = format!("call {n}");
                (["one__echo", "two__echo", "three__echo"][server - 3], json!({ "text": text }), text)
            }
        };
        quick.push((client.send_call(tool, arguments), answer));
    }
    for (call, answer) in quick.into_iter().rev() {
        assert_eq!(client.answer(call).text(), answer);
    }

    // All nine are with their servers, unanswered; the last one first now.
    for n in (0..9).rev() {
        let process = fakes[n % 3].process(1);
        process.waits(&format!("slow {n}"));
        process.release(&format!("slow {n}"));
        assert_eq!(client.answer(slow[&n]).text(), format!("released slow {n}"));
    }
    for fake in &fakes {
        assert_eq!(fake.count(), 1);
    }
}

#[test]
fn two_first_calls_at_once_start_one_server() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&["--gate"]) } }));
    let client = gateway.client();
    let calls: Vec<_> = (0..2).map(|n| client.send_call("fake__echo", json!({ "text": format!("{n}") }))).collect();
    // It starts and does nothing yet, while both calls wait for it; a ping behind them shows that both were taken.
    let process = fake.process(1);
    client.request("ping", json!({}));
    process.tell(&json!({ "start": true }));
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(client.answer(call).text(), n.to_string());
    }
    assert_eq!(fake.count(), 1);
    let status: serde_json::Value = serde_json::from_str(&client.call("gateway_status", json!({})).text()).unwrap();
    assert_eq!(status["servers"]["fake"]["starts"], 1, "{status:#}");
}
