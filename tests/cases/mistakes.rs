//! What was wrong with each of the four gateways that this one replaces, and is not here.

use std::fs;

use gateway_tests::{Gateway, Http, HttpSession, Serving, foreign, place};
use serde_json::json;

use super::quick_starts::newcomer;

/// Each mistake of the four, and the test that shows that it is not made here.
const MISTAKES: &[(&str, &str)] = &[
    // MCP Multi-Server Gateway
    ("a model may start any command", "registering::what_is_not_allowed_is_not_registered"),
    ("what was registered is gone after a restart", "registering::what_was_acknowledged_survives_a_kill"),
    ("arguments in one string break at spaces", "quick_starts::mcp_multi_server_gateway_by_its_file"),
    ("parameters are a JSON string, and encoded twice", "meta_tools::further_names"),
    (
        "pipelines are fixed to two servers, and `custom` takes no steps",
        "quick_starts::mcp_multi_server_gateway_by_registering",
    ),
    ("tools are not shown to the model", "quick_starts::mcp_multi_server_gateway_by_its_file"),
    ("no environment and no folder for a server", "import::every_clients_own_format"),
    ("no prompts and no resources", "catalogue::prompts_have_public_names_and_resources_keep_their_uris"),
    // MCP Gateway for Python
    ("timeouts are read and not kept", "lifecycle::a_call_that_hangs_runs_into_its_limit"),
    ("the interval of checks is read and not kept", "upstream_http::a_server_that_goes_away_is_noticed_without_a_call"),
    ("one slow server stops the gateway", "concurrency::forty_calls_over_three_servers_and_three_plugins"),
    ("concurrent callers get each other's answers", "concurrency::forty_calls_over_three_servers_and_three_plugins"),
    ("a notification is taken for the answer", "lifecycle::progress_comes_in_order_under_the_callers_token"),
    ("a server is never told that the handshake is over", "lifecycle::a_server_is_greeted_in_its_own_way"),
    ("a server that logs much stands still", "mistakes::a_server_may_log_as_much_as_it_likes"),
    ("servers of the older transport cannot work", "upstream_sse::messages_are_posted_where_the_server_says"),
    (
        "a server that cannot be reached is said to run",
        "upstream_http::a_server_that_is_not_there_is_named_and_found_when_it_comes",
    ),
    ("progress before an answer is taken for it", "upstream_http::progress_comes_before_the_answer_on_its_stream"),
    ("a command and an address at once", "mistakes::of_a_command_and_an_address_one_counts"),
    ("notifications are answered", "http::notifications_and_answers_are_accepted"),
    ("no sessions, pages of others are let in", "http::pages_of_others_get_nothing"),
    ("idleness ends a server in the middle of a call", "lifecycle::idleness_ends_a_server_but_no_call"),
    ("lists are kept for ever", "lifecycle::a_server_that_changes_its_tools_is_listed_anew"),
    ("search starts every server", "search::nothing_is_started"),
    // mcp-unify
    ("a role hides tools from the list alone", "roles::a_role_lists_and_calls_exactly_its_tools"),
    ("a role that is misspelt sees everything", "roles::a_role_that_is_not_configured"),
    ("no role sees everything", "roles::no_role_where_there_is_no_default"),
    ("the documented globs match nothing", "quick_starts::mcp_unify"),
    ("two servers with a tool of the same name", "mistakes::tools_of_the_same_name_both_stay"),
    ("clients do not hear of tools that come", "lifecycle::a_placeholder_until_the_tools_are_known"),
    ("images, structure and failures are lost", "passthrough::server_everything"),
    ("a call is made twice", "upstream_http::a_dropped_answer_disturbs_no_other_call"),
    ("two first calls start two servers", "concurrency::two_first_calls_at_once_start_one_server"),
    ("servers outlive the gateway", "endings::terminated"),
    ("an empty section ends it", "mistakes::an_empty_section_is_none"),
    ("it listens to everybody without a token", "http_auth::without_auth_it_is_for_this_machine"),
    // mcp-gw
    ("secrets are told over REST", "quick_starts::mcp_gw"),
    (
        "a server that was down is never tried again",
        "upstream_http::a_server_that_is_not_there_is_named_and_found_when_it_comes",
    ),
    ("one address that hangs delays the start", "mistakes::an_address_that_hangs_delays_nobody"),
    ("a name with two underscores leads elsewhere", "mistakes::a_name_may_have_the_separator_in_it"),
    ("only the first page of a list is read", "catalogue::lists_are_whole"),
    ("sessions never end", "http_faults::a_session_ends_when_it_was_not_used_for_long"),
    ("a corrupt file is taken for none, and written over", "overlay::a_corrupt_file_is_told_of_and_kept"),
];

#[test]
fn a_name_may_have_the_separator_in_it() {
    let everything = foreign::entry(&foreign::node_server("everything", &["stdio"]));
    let gateway = Gateway::with(&json!({ "servers": { "a__b": everything, "a": { "command": "/bin/false" } } }));
    let client = gateway.client();
    assert!(client.call("a__b__echo", json!({ "message": "hello" })).text().contains("hello"));
}

#[test]
fn tools_of_the_same_name_both_stay() {
    let everything = foreign::entry(&foreign::node_server("everything", &["stdio"]));
    let mut own = everything;
    own["prefix"] = json!("none");
    let gateway = Gateway::with(&json!({ "servers": { "a-b": own, "a_b": own } }));
    let client = gateway.client();
    for placeholder in ["_a-b_connect", "_a_b_connect"] {
        assert!(client.tools().tool_names().contains(&placeholder.to_owned()));
        client.call(placeholder, json!({})).text();
        client.incoming("notifications/tools/list_changed");
    }
    let tools = client.tools().tool_names();
    let echoes: Vec<_> = tools.iter().filter(|tool| tool.starts_with("echo_")).collect();
    assert_eq!(echoes.len(), 2, "{tools:?}");
    for echo in echoes {
        assert!(client.call(echo, json!({ "message": "hello" })).text().contains("hello"), "{echo}");
    }
}

#[test]
fn an_empty_section_is_none() {
    let gateway = Gateway::new("servers:\nplugins:\nroles:\n");
    assert_eq!(gateway.run(&["check"]).code, 0);
    assert_eq!(gateway.client().tools().tool_names(), ["gateway_status"]);
    // Nor where another gateway's is read.
    let other = newcomer("old.yaml", "backends:\n");
    other.run(&["import", "old.yaml"]).answer();
}

#[test]
fn of_a_command_and_an_address_one_counts() {
    let gateway = newcomer("old.yaml", "backends:\n  both: { command: x, http_url: \"http://127.0.0.1:1/mcp\" }\n");
    let imported = gateway.run(&["import", "old.yaml"]);
    assert!(imported.answer().contains("backends.both.url: it has a command as well"), "{imported:#?}");
    assert_eq!(gateway.run(&["check"]).code, 0);
    gateway.write("gateway.yaml", "servers: { both: { command: x, url: \"http://127.0.0.1:1/mcp\" } }\n");
    assert!(gateway.run(&["check"]).stderr.contains("not both"));
}

#[test]
fn an_address_that_hangs_delays_nobody() {
    // Takes connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = json!({ "url": format!("http://{}/mcp", silent.local_addr().unwrap()) });
    let everything = foreign::entry(&foreign::node_server("everything", &["stdio"]));
    let gateway = Gateway::with(&json!({
        "discovery": "eager", "servers": { "hangs": hangs, "everything": everything },
    }));
    let serving = Serving::start(&gateway);
    let session = HttpSession::open(&Http::new(&serving.address, "/mcp"));
    assert!(session.call("everything__echo", json!({ "message": "hello" })).result().text().contains("hello"));
}

/// More than a pipe holds, on standard error.
#[test]
fn a_server_may_log_as_much_as_it_likes() {
    let [node, server, how] = &foreign::node_server("everything", &["stdio"])[..] else { panic!("three words") };
    let gateway = Gateway::new("");
    let loud = format!("console.error('x'.repeat(1 << 20)); import({:?});", format!("file://{server}"));
    let loud = gateway.write("loud.mjs", &loud).display().to_string();
    gateway
        .write("gateway.yaml", &json!({ "servers": { "loud": { "command": node, "args": [loud, how] } } }).to_string());
    assert!(gateway.client().call("loud__echo", json!({ "message": "hello" })).text().contains("hello"));
}

/// The table is of tests that there are.
#[test]
fn every_mistake_has_its_test() {
    for (mistake, test) in MISTAKES {
        let (module, name) = test.split_once("::").unwrap();
        let file = place::repository().join(format!("tests/cases/{module}.rs"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(text.contains(&format!("#[test]\nfn {name}()")), "{mistake}: there is no test {test}");
    }
}
