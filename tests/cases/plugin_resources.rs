//! Resources, prompts and completions of plugins: seen by whose role sees them, forwarded like those of any server.

use std::process::{Command, Stdio};

use gateway_tests::{
    Client, Gateway, Http, HttpSession, Message, Serving, client::MODERN, foreign, gateway::run, guests, place,
};
use serde_json::{Value, json};

fn gateway() -> Gateway {
    Gateway::with(&json!({
        "plugins": { "library": guests::LIBRARY.source(), "calculator": guests::CALCULATOR.source() },
        "roles": { "reader": ["library_*"], "clerk": ["calculator_*"], "visitor": ["library_rules", "library_review"] },
    }))
}

#[track_caller]
fn code(message: &Message) -> i64 {
    message.error()["code"].as_i64().unwrap()
}

/// The members `key` of what a list method lists.
#[track_caller]
fn listed(list: &Message, member: &str, key: &str) -> Vec<String> {
    let items = list.result()[member].as_array().unwrap_or_else(|| panic!("no {member} in {}", list.raw));
    items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

fn everything(ask: impl Fn(&str, Value) -> Message) -> [Vec<String>; 4] {
    [
        listed(&ask("tools/list", json!({})), "tools", "name"),
        listed(&ask("prompts/list", json!({})), "prompts", "name"),
        listed(&ask("resources/list", json!({})), "resources", "uri"),
        listed(&ask("resources/templates/list", json!({})), "resourceTemplates", "uriTemplate"),
    ]
}

fn complete(reference: Value, name: &str, value: &str, context: Value) -> Value {
    json!({ "ref": reference, "argument": { "name": name, "value": value }, "context": context })
}

fn of_prompt(name: &str) -> Value {
    json!({ "type": "ref/prompt", "name": name })
}

fn of_template() -> Value {
    json!({ "type": "ref/resource", "uri": "library:///books/{title}/{page}" })
}

#[test]
pub(super) fn library() {
    let gateway = gateway();
    let client = Client::spawn(gateway.command(&["stdio"]).env("MCP_GATEWAY_ROLE", "reader"));
    let greeting = client.initialize();
    let capabilities = &greeting.result()["capabilities"];
    for kind in ["tools", "prompts", "resources", "completions"] {
        assert!(capabilities[kind].is_object(), "{kind} is missing in {capabilities}");
    }
    let read = |uri: &str| client.request("resources/read", json!({ "uri": uri }));
    // Without a list before it: the client may know the address from another day.
    let rules = json!({ "uri": "library:///rules", "mimeType": "text/plain", "text": "No talking." });
    assert_eq!(read("library:///rules").result(), &json!({ "contents": [rules] }));
    let [tools, prompts, resources, templates] = everything(|method, params| client.request(method, params));
    assert_eq!((tools, prompts), (vec![], vec!["library__review".to_owned()]));
    assert_eq!(resources, ["library:///rules", "library:///stamp"]);
    assert_eq!(templates, ["library:///books/{title}/{page}"]);
    let stamp = json!({ "uri": "library:///stamp", "mimeType": "image/png", "blob": "AAH+/w==" });
    assert_eq!(read("library:///stamp").result()["contents"], json!([stamp]));
    assert_eq!(read("library:///books/emma/5").result()["contents"][0]["text"], "page 5 of emma");
    for missing in ["library:///books/nope/5", "library:///nope", "else:///where"] {
        let missed = read(missing);
        assert_eq!((code(&missed), &missed.error()["data"]["uri"]), (-32002, &json!(missing)), "{}", missed.raw);
    }
    let torn = read("library:///books/emma/666");
    assert_eq!(code(&torn), -32603);
    let said = torn.error()["message"].as_str().unwrap();
    assert!(said.contains("plugin \"library\"") && said.ends_with("the page was torn out"), "{said}");
    prompts_are_filled(&client);
    completions_are_found(&client);
}

#[track_caller]
fn prompts_are_filled(client: &Client) {
    let get =
        |name: &str, arguments: Value| client.request("prompts/get", json!({ "name": name, "arguments": arguments }));
    let review = get("library__review", json!({ "title": "emma", "mood": "kind" }));
    let text = json!({ "type": "text", "text": "Write a kind review of emma." });
    let messages = json!([{ "role": "user", "content": text }]);
    assert_eq!(review.result(), &json!({ "description": "A review", "messages": messages }));
    for (name, arguments, said) in [
        ("library__review", json!({}), "argument \"title\" is missing"),
        ("library__review", json!({ "title": "emma", "color": "red" }), "argument \"color\" is unknown"),
        ("library__review", json!({ "title": 5 }), "argument \"title\" is no text"),
        ("library__review", json!({ "title": "nope" }), "there is no book \"nope\""),
        ("library__nope", json!({}), "Unknown prompt: library__nope"),
    ] {
        let refused = get(name, arguments);
        assert_eq!(code(&refused), -32602, "{}", refused.raw);
        assert!(refused.error()["message"].as_str().unwrap().contains(said), "{}", refused.raw);
    }
    let token =
        json!({ "name": "library__review", "arguments": { "title": "emma" }, "_meta": { "progressToken": "mine" } });
    client.request("prompts/get", token);
    assert_eq!(client.incoming("notifications/progress").params()["message"], "looking for the book");
}

#[track_caller]
fn completions_are_found(client: &Client) {
    let found = |params: Value| client.request("completion/complete", params).result()["completion"].clone();
    let review = of_prompt("library__review");
    assert_eq!(found(complete(review.clone(), "title", "m", json!({})))["values"], json!(["middlemarch", "moby-dick"]));
    assert_eq!(found(complete(review.clone(), "mood", "", json!({}))), json!({ "values": [] }), "nobody knows better");
    assert_eq!(found(complete(of_template(), "title", "eth", json!({})))["values"], json!(["ethan-frome"]));
    let emma = json!({ "arguments": { "title": "emma" } });
    assert_eq!(found(complete(of_template(), "page", "14", emma.clone()))["values"].as_array().unwrap().len(), 11);
    let many = found(complete(of_template(), "page", "", emma));
    assert_eq!(many["values"].as_array().unwrap().len(), 100);
    assert_eq!((&many["total"], &many["hasMore"]), (&json!(150), &json!(true)));
    for (params, said) in [
        (complete(of_template(), "page", "", json!({})), "say first of which book"),
        (complete(of_template(), "shelf", "", json!({})), "argument \"shelf\" is unknown"),
        (complete(review, "shelf", "", json!({})), "argument \"shelf\" is unknown"),
        (complete(of_prompt("library__nope"), "title", "", json!({})), "Unknown prompt"),
    ] {
        let refused = client.request("completion/complete", params);
        assert_eq!(code(&refused), -32602, "{}", refused.raw);
        assert!(refused.error()["message"].as_str().unwrap().contains(said), "{}", refused.raw);
    }
}

#[test]
fn a_role_sees_nothing_of_what_is_not_its_own() {
    let gateway = gateway();
    let clerk = gateway.client_as("clerk");
    let [tools, prompts, resources, templates] = everything(|method, params| clerk.request(method, params));
    assert!(tools.contains(&"calculator__add".to_owned()));
    assert!([prompts, resources, templates].concat().is_empty());
    for uri in ["library:///rules", "library:///books/emma/5", "library:///nope"] {
        let hidden = clerk.request("resources/read", json!({ "uri": uri }));
        let wanted = json!({ "code": -32002, "message": format!("Resource not found: {uri}"), "data": { "uri": uri } });
        assert_eq!(hidden.error(), &wanted);
    }
    for name in ["library__review", "library__nope"] {
        let hidden = clerk.request("prompts/get", json!({ "name": name, "arguments": { "title": "emma" } }));
        assert_eq!(hidden.error(), &json!({ "code": -32602, "message": format!("Unknown prompt: {name}") }));
        let hidden = clerk.request("completion/complete", complete(of_prompt(name), "title", "", json!({})));
        assert_eq!(hidden.error(), &json!({ "code": -32602, "message": format!("Unknown prompt: {name}") }));
    }
    clerk.request("completion/complete", complete(of_template(), "title", "", json!({}))).error();

    let visitor = gateway.client_as("visitor");
    let [_, prompts, resources, templates] = everything(|method, params| visitor.request(method, params));
    assert_eq!((prompts.len(), templates.len()), (1, 0));
    assert_eq!(resources, ["library:///rules"], "resources are known to roles by their names");
    assert_eq!(code(&visitor.request("resources/read", json!({ "uri": "library:///stamp" }))), -32002);
    assert_eq!(code(&visitor.request("resources/read", json!({ "uri": "library:///books/emma/5" }))), -32002);
}

/// The members of `_meta` by which a client of revision 2026-07-28 says who it is.
fn modern(mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    params
}

#[test]
fn over_http() {
    let gateway = Gateway::with(&json!({
        "plugins": { "library": guests::LIBRARY.source(), "calculator": guests::CALCULATOR.source() },
        "roles": { "reader": ["library_*"], "clerk": ["calculator_*"] },
        "auth": { "tokens": [{ "role": "reader", "token": "reads" }, { "role": "clerk", "token": "counts" }] },
    }));
    let serving = Serving::start(&gateway);
    let http =
        |token: &str, path: &str| Http::new(&serving.address, path).with("Authorization", &format!("Bearer {token}"));
    let reader = HttpSession::open(&http("reads", "/mcp"));
    let [tools, prompts, resources, templates] = everything(|method, params| reader.request(method, params));
    assert_eq!([tools.len(), prompts.len(), resources.len(), templates.len()], [0, 1, 2, 1]);
    let rules = json!({ "uri": "library:///rules" });
    assert_eq!(reader.request("resources/read", rules.clone()).result()["contents"][0]["text"], "No talking.");
    let review = json!({ "name": "library__review", "arguments": { "title": "emma" } });
    assert_eq!(reader.request("prompts/get", review.clone()).result()["messages"][0]["role"], "user");
    let found = reader.request("completion/complete", complete(of_template(), "title", "emm", json!({})));
    assert_eq!(found.result()["completion"]["values"], json!(["emma"]));

    let clerk = HttpSession::open(&http("counts", "/mcp"));
    let [_, prompts, resources, templates] = everything(|method, params| clerk.request(method, params));
    assert!([prompts, resources, templates].concat().is_empty());
    assert_eq!(code(&clerk.request("resources/read", rules.clone())), -32002);
    assert_eq!(code(&clerk.request("prompts/get", review.clone())), -32602);

    // Alone, under its own names.
    let alone = http("reads", "/mcp/library").post(&gateway_tests::http::hello("2025-11-25", &json!({}))).result();
    let capabilities = &alone.result()["capabilities"];
    assert!(capabilities["prompts"].is_object() && capabilities["completions"].is_object(), "{capabilities}");
    let alone = HttpSession::open(&http("reads", "/mcp/library"));
    assert_eq!(listed(&alone.request("prompts/list", json!({})), "prompts", "name"), ["review"]);

    // Without a session.
    let ask = |token: &str, method: &str, name: &str, params: Value| {
        let http = http(token, "/mcp").with("MCP-Protocol-Version", MODERN).with("Mcp-Method", method);
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": modern(params) });
        http.with("Mcp-Name", name).post(&message).message()
    };
    let read = ask("reads", "resources/read", "library:///rules", rules.clone());
    assert_eq!(read.result()["contents"][0]["text"], "No talking.");
    assert_eq!(read.result()["resultType"], "complete");
    assert_eq!(ask("reads", "prompts/get", "library__review", review).result()["description"], "A review");
    let hidden = ask("counts", "resources/read", "library:///rules", rules);
    assert_eq!((code(&hidden), &hidden.error()["data"]["uri"]), (-32602, &json!("library:///rules")));
}

#[test]
fn typescript_sdk() {
    let gateway = gateway();
    let mut client = Command::new("node");
    client.arg(foreign::folder().join("offers.mjs")).arg(place::gateway()).arg("stdio");
    for (variable, value) in gateway.command(&[]).get_envs() {
        match value {
            Some(value) => client.env(variable, value),
            None => client.env_remove(variable),
        };
    }
    client.env("MCP_GATEWAY_ROLE", "reader");
    let output = run(client.current_dir(gateway.path("")).stdin(Stdio::null()));
    let seen: Value = serde_json::from_str(output.answer()).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    assert_eq!(seen["resources"], json!(["library:///rules", "library:///stamp"]), "{seen:#}");
    assert_eq!(seen["templates"], json!(["library:///books/{title}/{page}"]));
    assert_eq!(seen["prompts"][0]["name"], "library__review");
    assert_eq!(seen["prompts"][0]["arguments"][0], json!({ "name": "title", "required": true }));
    assert_eq!(seen["text"], "No talking.");
    assert_eq!(seen["blob"], "AAH+/w==");
    assert_eq!(seen["page"], "page 7 of moby-dick");
    assert_eq!(seen["missing"], -32002);
    assert_eq!(seen["prompt"], "Write a fair review of emma.");
    assert_eq!(seen["refused"], -32602);
    assert_eq!(seen["ofPrompt"], json!(["emma", "ethan-frome"]));
    assert_eq!(seen["ofTemplate"], json!(["moby-dick"]));
}

/// Two plugins that call their resources the same are told apart, and what was read says what was asked for.
#[test]
fn the_same_address_twice_is_two_addresses() {
    let source = guests::LIBRARY.source();
    let gateway = Gateway::with(&json!({ "plugins": { "one": source, "two": source } }));
    let client = gateway.client();
    let uris = listed(&client.request("resources/list", json!({})), "resources", "uri");
    assert_eq!(uris.len(), 4, "{uris:?}");
    for uri in uris {
        let read = client.request("resources/read", json!({ "uri": uri }));
        assert_eq!(read.result()["contents"][0]["uri"], uri.as_str());
    }
    let templates = listed(&client.request("resources/templates/list", json!({})), "resourceTemplates", "uriTemplate");
    let missing = templates[0].replace("{title}", "nope").replace("{page}", "1");
    let missed = client.request("resources/read", json!({ "uri": missing }));
    assert_eq!(missed.error()["data"]["uri"], missing.as_str());
    let ours = json!({ "type": "ref/resource", "uri": templates[1] });
    let found = client.request("completion/complete", complete(ours, "title", "mob", json!({})));
    assert_eq!(found.result()["completion"]["values"], json!(["moby-dick"]));
}

#[test]
pub(super) fn bad_library() {
    let with = |habit: &str| {
        let entry = json!({ "source": guests::BAD_LIBRARY.source(), "config": habit, "limits": { "output": "1MiB" } });
        Gateway::with(&json!({ "plugins": { "guest": entry, "calculator": guests::CALCULATOR.source() } }))
    };
    for (habit, said) in [
        ("no-uri", "resource \"just a name\": its address is no URI"),
        ("no-name", "resource \"bad:///a\": it has no name"),
        ("twice", "it lists the resource \"bad:///a\" twice"),
        ("bad-template", "template \"bad:///{a\": an expression in it has no end"),
        ("same-arguments", "prompt \"p\": it has the argument \"a\" twice"),
        ("endless-list", "output limit of 1 MiB"),
    ] {
        let gateway = with(habit);
        let client = gateway.client();
        let prompts = client.request("prompts/list", json!({}));
        assert_eq!(prompts.result()["prompts"], json!([]), "{habit}");
        let status = client.call("gateway_status", json!({})).result()["structuredContent"]["plugins"]["guest"].clone();
        assert!(status["error"].as_str().is_some_and(|error| error.contains(said)), "{habit}: {status}");
        assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 1 })).text(), "2");
    }
    let read = ("resources/read", json!({ "uri": "bad:///a" }));
    let get = ("prompts/get", json!({ "name": "guest__p" }));
    let complete_prompt = ("completion/complete", complete(of_prompt("guest__p"), "a", "", json!({})));
    let reference = json!({ "type": "ref/resource", "uri": "bad:///{a}" });
    let complete_resource = ("completion/complete", complete(reference, "a", "", json!({})));
    for (habit, (method, params), said) in [
        ("another", read.clone(), "resource \"bad:///a\" was read, and \"bad:///secret\" came"),
        ("huge", read.clone(), "output limit of 1 MiB reached; raise plugins.guest.limits.output"),
        ("huge-error", read.clone(), "output limit of 1 MiB reached"),
        ("denied", read.clone(), "to plugins.guest.permissions.tools"),
        ("traps", read, "panicked: not in the mood"),
        ("forgets", get.clone(), "it lists the prompt \"p\", and does not know it when asked"),
        ("huge", get, "output limit of 1 MiB reached"),
        ("huge", complete_prompt, "output limit of 1 MiB reached"),
        ("any", complete_resource, "template \"bad:///{a}\": nobody knows"),
    ] {
        let gateway = with(habit);
        let client = gateway.client();
        let failed = client.request(method, params);
        assert_eq!(code(&failed), -32603, "{habit}: {}", failed.raw);
        assert!(failed.error()["message"].as_str().unwrap().contains(said), "{habit}: {}", failed.raw);
        assert_eq!(client.call("calculator__add", json!({ "a": 1, "b": 1 })).text(), "2");
    }
}
