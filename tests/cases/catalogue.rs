//! What stands in the catalogue beside tools: prompts and resources, of several servers, for roles that see part of it.

use gateway_tests::{Client, Fake, Gateway, Message};
use serde_json::{Value, json};

fn connected(gateway: &Gateway, role: Option<&str>, servers: &[&str]) -> Client {
    let client = role.map_or_else(|| gateway.client(), |role| gateway.client_as(role));
    for server in servers {
        client.call(&format!("_{server}_connect"), json!({})).text();
    }
    client
}

/// The values of a member of all that is listed.
fn listed(client: &Client, method: &str, member: &str, key: &str) -> Vec<String> {
    let answer = client.request(method, json!({}));
    let items = answer.result()[member].as_array().unwrap().clone();
    items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

fn refusal(message: &Message) -> (i64, String) {
    (message.error()["code"].as_i64().unwrap(), message.error()["message"].as_str().unwrap().to_owned())
}

#[test]
fn prompts_have_public_names_and_resources_keep_their_uris() {
    let fake = Fake::new();
    let flags = ["--prompt", "hello", "--resource", "memo://one", "--template", "memo://by/{id}"];
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&flags) } }));
    let client = connected(&gateway, None, &["fake"]);
    assert_eq!(listed(&client, "prompts/list", "prompts", "name"), ["fake__hello"]);
    assert_eq!(listed(&client, "resources/list", "resources", "uri"), ["memo://one"]);
    let templates = listed(&client, "resources/templates/list", "resourceTemplates", "uriTemplate");
    assert_eq!(templates, ["memo://by/{id}"]);
    let got = client.request("prompts/get", json!({ "name": "fake__hello" }));
    assert_eq!(got.result()["messages"][0]["content"]["text"], "prompt hello");
    for uri in ["memo://one", "memo://by/7"] {
        let read = client.request("resources/read", json!({ "uri": uri }));
        assert_eq!(read.result()["contents"][0], json!({ "uri": uri, "text": format!("text of {uri}") }));
    }
    for (reference, expected) in [
        (json!({ "type": "ref/prompt", "name": "fake__hello" }), "for hello"),
        (json!({ "type": "ref/resource", "uri": "memo://by/{id}" }), "for memo://by/{id}"),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": "x", "value": "" } });
        let answer = client.request("completion/complete", params);
        assert_eq!(answer.result()["completion"]["values"], json!([expected]));
    }
}

#[test]
fn lists_are_whole() {
    let gateway = Gateway::with(&json!({}));
    let client = gateway.client();
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        assert_eq!(refusal(&client.request(method, json!({ "cursor": "page two" }))).0, -32602, "{method}");
        assert!(client.request(method, json!({})).result().get("nextCursor").is_none());
    }
}

#[test]
fn two_servers_with_the_same_uri_both_stay_reachable() {
    let (one, two) = (Fake::new(), Fake::new());
    let flags = ["--resource", "memo://same", "--template", "memo://by/{id}", "--prompt", "hello"];
    let servers = json!({ "one": one.entry(&flags), "two": two.entry(&flags) });
    let gateway = Gateway::with(&json!({ "servers": servers }));
    let client = connected(&gateway, None, &["one", "two"]);
    let uris = listed(&client, "resources/list", "resources", "uri");
    assert_eq!(uris, ["one+memo://same", "two+memo://same"]);
    for (server, fake) in [("one", &one), ("two", &two)] {
        for local in ["memo://same", "memo://by/7"] {
            let uri = format!("{server}+{local}");
            let read = client.request("resources/read", json!({ "uri": uri }));
            assert_eq!(read.result()["contents"][0], json!({ "uri": uri, "text": format!("text of {local}") }));
            assert_eq!(fake.process(1).asked("resources/read")["uri"], local);
        }
        // What a server shows goes by the name that its reader knows.
        let public = format!("{server}+memo://same");
        let shown = json!([
            { "type": "resource_link", "uri": "memo://same", "name": "x" },
            { "type": "resource", "resource": { "uri": "memo://by/1", "text": "" } },
            { "type": "resource", "resource": { "uri": "else://where", "text": "" } },
            { "type": "text", "text": "memo://same" },
        ]);
        let content = client.call(&format!("{server}__show"), json!({ "content": shown })).result()["content"].clone();
        assert_eq!((&content[0]["uri"], &content[3]["text"]), (&json!(public), &json!("memo://same")));
        assert_eq!(content[1]["resource"]["uri"], format!("{server}+memo://by/1"));
        assert_eq!(content[2]["resource"]["uri"], "else://where");
        let prompt = client.request("prompts/get", json!({ "name": format!("{server}__hello") }));
        assert_eq!(prompt.result()["messages"][1]["content"]["resource"]["uri"], public);

        client.request("resources/subscribe", json!({ "uri": public })).result();
        assert_eq!(fake.process(1).asked("resources/subscribe")["uri"], "memo://same");
        fake.process(1).say("notifications/resources/updated", &json!({ "uri": "memo://same" }));
        assert_eq!(client.incoming("notifications/resources/updated").params()["uri"], public);
    }
}

const ROLES: &str = r#"{ "some": ["fake__open*", "fake__memo://open*", "fake__echo"], "all": null }"#;

/// A gateway with a role that sees part of what the server has.
fn with_roles(fake: &Fake) -> Gateway {
    let flags = [
        "--prompt",
        "open",
        "--prompt",
        "closed",
        "--resource",
        "memo://open",
        "--resource",
        "memo://closed",
        "--template",
        "memo://open/{id}",
        "--template",
        "memo://closed/{id}",
        "--tasks",
    ];
    let roles: Value = serde_json::from_str(ROLES).unwrap();
    Gateway::with(&json!({ "servers": { "fake": fake.entry(&flags) }, "roles": roles }))
}

#[test]
fn a_role_lists_its_prompts_and_resources() {
    let fake = Fake::new();
    let gateway = with_roles(&fake);
    let client = connected(&gateway, Some("some"), &["fake"]);
    assert_eq!(listed(&client, "prompts/list", "prompts", "name"), ["fake__open"]);
    assert_eq!(listed(&client, "resources/list", "resources", "uri"), ["memo://open"]);
    let templates = listed(&client, "resources/templates/list", "resourceTemplates", "uriTemplate");
    assert_eq!(templates, ["memo://open/{id}"]);
}

/// What is hidden answers as what does not exist, to the letter.
#[test]
fn what_a_role_may_not_see_does_not_exist() {
    let fake = Fake::new();
    let gateway = with_roles(&fake);
    let client = connected(&gateway, Some("some"), &["fake"]);
    let same = |method: &str, hidden: Value, missing: Value, names: [&str; 2]| {
        let [hidden, missing] = [hidden, missing].map(|params| refusal(&client.request(method, params)));
        assert_eq!(hidden.0, missing.0, "{method}");
        assert_eq!(hidden.1.replace(names[0], "X"), missing.1.replace(names[1], "X"), "{method}");
    };
    same(
        "prompts/get",
        json!({ "name": "fake__closed" }),
        json!({ "name": "fake__none" }),
        ["fake__closed", "fake__none"],
    );
    let argument = json!({ "name": "x", "value": "" });
    let complete = |reference: Value| json!({ "ref": reference, "argument": argument });
    let prompt = |name: &str| complete(json!({ "type": "ref/prompt", "name": name }));
    same("completion/complete", prompt("fake__closed"), prompt("fake__none"), ["fake__closed", "fake__none"]);
    let template = |uri: &str| complete(json!({ "type": "ref/resource", "uri": uri }));
    let templates = ["memo://closed/{id}", "memo://none/{id}"];
    same("completion/complete", template(templates[0]), template(templates[1]), templates);
    for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
        for names in [
            ["memo://closed", "memo://none"],
            ["memo://closed/1", "memo://none/1"],
            ["memo://closed/1", "memo://open/missing"],
        ] {
            if method == "resources/unsubscribe" && names[1] == "memo://open/missing" {
                continue;
            }
            same(method, json!({ "uri": names[0] }), json!({ "uri": names[1] }), names);
        }
    }
    let read = client.request("resources/read", json!({ "uri": "memo://closed" }));
    assert_eq!(
        *read.error(),
        json!({ "code": -32002, "message": "Resource not found: memo://closed", "data": { "uri": "memo://closed" } })
    );
    let asked = fake.process(1).events();
    assert!(asked.iter().all(|event| !event.to_string().contains("closed") || event["event"] == "hello"), "{asked:?}");
}

#[test]
fn updates_come_to_those_who_may_see_the_resource() {
    let fake = Fake::new();
    let gateway = with_roles(&fake);
    let client = connected(&gateway, Some("some"), &["fake"]);
    client.request("resources/subscribe", json!({ "uri": "memo://open" })).result();
    for uri in ["memo://closed", "memo://other", "memo://open"] {
        fake.process(1).say("notifications/resources/updated", &json!({ "uri": uri }));
    }
    assert_eq!(client.incoming("notifications/resources/updated").params()["uri"], "memo://open");
    client.request("resources/unsubscribe", json!({ "uri": "memo://open" })).result();
    fake.process(1).say("notifications/resources/updated", &json!({ "uri": "memo://open" }));
    client.call("fake__echo", json!({ "text": "x" })).text();
    let updates =
        client.messages().iter().filter(|message| message.method() == Some("notifications/resources/updated")).count();
    assert_eq!(updates, 1);
}

#[test]
fn a_role_hears_of_changes_to_what_it_sees_alone() {
    let fake = Fake::new();
    let gateway = with_roles(&fake);
    let client = connected(&gateway, Some("some"), &["fake"]);
    for kind in ["tools", "prompts", "resources"] {
        client.incoming(&format!("notifications/{kind}/list_changed"));
    }
    let (process, before) = (fake.process(1), client.messages().len());
    process.event("tools/list");
    process.tell(&json!({ "add": "closed" }));
    process.event("tools/list");
    process.tell(&json!({ "add": "open_again" }));
    client.incoming("notifications/tools/list_changed");
    assert!(client.tools().tool_names().contains(&"fake__open_again".to_owned()));
    let news: Vec<_> =
        client.messages()[before..].iter().filter_map(|message| message.method().map(str::to_owned)).collect();
    assert_eq!(news, ["notifications/tools/list_changed"]);
}

#[test]
fn tasks_are_asked_for_where_they_were_made() {
    let (one, two) = (Fake::new(), Fake::new());
    let servers = json!({ "one": one.entry(&["--tasks"]), "two": two.entry(&["--tasks"]) });
    let gateway = Gateway::with(&json!({ "servers": servers }));
    let client = gateway.connect();
    let greeting = client.initialize_as("2025-11-25", json!({}));
    assert!(greeting.result()["capabilities"]["tasks"]["requests"]["tools"]["call"].is_object());
    for server in ["one", "two"] {
        let params = json!({ "name": format!("{server}__echo"), "arguments": { "key": format!("task of {server}") }, "task": {} });
        assert_eq!(client.request("tools/call", params).result()["task"]["status"], "working");
    }
    for server in ["one", "two"] {
        let task = json!({ "taskId": format!("task of {server}") });
        assert_eq!(client.request("tasks/get", task.clone()).result()["status"], "working");
        let result = client.request("tasks/result", task.clone());
        assert_eq!(result.text(), format!("result of task of {server}"));
        assert_eq!(client.request("tasks/cancel", task).result()["status"], "cancelled");
    }
    let list = client.request("tasks/list", json!({}));
    let ids: Vec<_> = list.result()["tasks"].as_array().unwrap().iter().map(|task| task["taskId"].clone()).collect();
    assert_eq!(ids, ["task of one", "task of two"]);
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(refusal(&client.request(method, json!({ "taskId": "nobody's" }))).0, -32602);
    }
    two.process(1).say("notifications/tasks/status", &json!({ "taskId": "task of two", "status": "completed" }));
    assert_eq!(client.incoming("notifications/tasks/status").params()["taskId"], "task of two");
}

#[test]
fn unknown_methods_go_on_where_one_server_alone_can_be_meant() {
    let (one, two) = (Fake::new(), Fake::new());
    let single = Gateway::with(&json!({ "servers": { "one": one.entry(&[]) } }));
    let answer = single.client().request("vendor/echo", json!({ "x": 1.5, "y": [] }));
    assert_eq!(*answer.result(), json!({ "said": { "x": 1.5, "y": [] } }));
    let servers = json!({ "one": one.entry(&[]), "two": two.entry(&[]) });
    let both = Gateway::with(&json!({ "servers": servers }));
    assert_eq!(refusal(&both.client().request("vendor/echo", json!({}))).0, -32601);
    assert_eq!(two.count(), 0);
}

#[test]
fn unknown_notifications_go_both_ways() {
    let fake = Fake::new();
    let gateway = Gateway::with(&json!({ "servers": { "fake": fake.entry(&[]) } }));
    let client = connected(&gateway, None, &["fake"]);
    client.notify("vendor/thing", Some(json!({ "x": 1.5 })));
    let process = fake.process(1);
    let heard = std::iter::repeat_with(|| process.event("note")).find(|note| note["method"] == "vendor/thing").unwrap();
    assert_eq!(heard["params"], json!({ "x": 1.5 }));
    process.say("vendor/news", &json!({ "y": [] }));
    assert_eq!(*client.incoming("vendor/news").params(), json!({ "y": [] }));
}
