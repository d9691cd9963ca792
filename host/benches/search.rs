//! What a search costs among 10,000 tools: `cargo bench -p gateway-host --bench search`.
//!
//! From the catalogue to the answer as it is written, the role's view of it included.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what goes wrong has to stop it, and its answer is printed"
)]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{
    call::Call,
    error::CallError,
    name::{Naming, SourceName},
    payload::{Json, Reply, Request},
    role::{Pattern, Role, RoleSet},
    snapshot::Snapshot,
    source::{Abilities, Client, Fut, Item, Offer, Source, SourceStatus, State},
};
use gateway_host::sources::native::search::{LIMIT, ToolIndex, Wanted};
use serde_json::json;

/// Searches of one measurement.
const ROUNDS: usize = 200;

const SERVERS: [&str; 10] =
    ["github", "gitlab", "slack", "notion", "stripe", "jira", "linear", "drive", "postgres", "aws"];
const VERBS: [&str; 20] = [
    "get", "list", "create", "delete", "update", "search", "move", "copy", "send", "read", "write", "convert",
    "export", "import", "sync", "archive", "merge", "split", "validate", "publish",
];
const NOUNS: [&str; 50] = [
    "file",
    "issue",
    "pull_request",
    "message",
    "channel",
    "user",
    "invoice",
    "customer",
    "page",
    "database",
    "table",
    "record",
    "event",
    "calendar",
    "contact",
    "image",
    "video",
    "document",
    "folder",
    "branch",
    "commit",
    "workflow",
    "deployment",
    "secret",
    "bucket",
    "queue",
    "topic",
    "metric",
    "alert",
    "dashboard",
    "report",
    "ticket",
    "sprint",
    "board",
    "comment",
    "label",
    "release",
    "package",
    "container",
    "cluster",
    "node",
    "volume",
    "network",
    "policy",
    "role",
    "token",
    "session",
    "webhook",
    "payment",
    "refund",
];
const QUERIES: [&str; 8] = [
    "create issue",
    "send a message to a channel",
    "github__create_issue",
    "delet pul reqest",
    "wbhook",
    "list all the objects that were created after a date, filtered by owner and status",
    "returns the fields",
    "xylophone zzzzzzzz",
];

fn main() {
    let sources: Vec<Arc<dyn Source>> = SERVERS.iter().map(|server| source(server)).collect();
    let roles = vec![
        Role::unfiltered("all"),
        Role { allow: Some([glob("git*"), glob("*__read_*")].into()), ..Role::blind("some") },
    ];
    let roles = Arc::new(RoleSet::new(roles, Some("all")));
    let snapshot = Snapshot::of(roles.clone(), &sources, &Abilities::NONE, Arc::default());
    let started = Instant::now();
    let index = ToolIndex::new(&snapshot);
    println!("{} tools, indexed in {:.0?}\n", SERVERS.len() * VERBS.len() * NOUNS.len(), started.elapsed());
    println!("| query | role | matches | median | slowest |\n|---|---|---|---|---|");
    for query in QUERIES {
        for (role, id) in [("all", roles.resolve(Some("all"))), ("some", roles.resolve(Some("some")))] {
            let id = id.expect("the role is there");
            let wanted = Wanted { query: query.to_owned(), limit: LIMIT, schemas: true, server: None };
            let search = || {
                let started = Instant::now();
                let found = index.search(&snapshot, id, &wanted);
                black_box(Json::from_value(&found));
                (started.elapsed(), found.total)
            };
            let (_, total) = search();
            let mut times: Vec<Duration> = (0..ROUNDS).map(|_| search().0).collect();
            times.sort_unstable();
            println!("| {query} | {role} | {total} | {:.0?} | {:.0?} |", times[ROUNDS / 2], times[ROUNDS - 1]);
        }
    }
}

fn glob(text: &str) -> Pattern {
    Pattern::new(text).expect("the glob can be read")
}

fn source(server: &str) -> Arc<dyn Source> {
    let tool = |verb: &str, noun: &str| {
        let (name, thing) = (format!("{verb}_{noun}"), noun.replace('_', " "));
        let text = json!({ "type": "string" });
        let definition = json!({
            "name": name,
            "description": format!("{verb} one or more {thing}s in {server}, optionally filtered by owner, status or \
                date. Returns each {thing} with its identifiers, timestamps and the fields that were requested. Fails \
                where the {thing} does not exist or the token does not allow it."),
            "inputSchema": { "type": "object", "required": ["id"], "properties": {
                "id": text, "owner": text, "status": text, "limit": { "type": "integer" }, "cursor": text,
                "fields": { "type": "array", "items": text }, "created_after": text, "created_before": text } },
        });
        Item { name: name.into(), definition: Json::from_value(&definition) }
    };
    let tools = VERBS.iter().flat_map(|verb| NOUNS.iter().map(move |noun| tool(verb, noun))).collect();
    let name = SourceName::new(server).expect("the name is one");
    Arc::new(Fixed(name.clone(), Naming::canonical(&name), Arc::new(Offer { tools: Some(tools), ..Offer::default() })))
}

/// Offers, and runs nothing.
struct Fixed(SourceName, Naming, Arc<Offer>);

impl Source for Fixed {
    fn name(&self) -> &SourceName {
        &self.0
    }

    fn naming(&self) -> &Naming {
        &self.1
    }

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.2.clone()
    }

    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }

    fn call(&self, request: Request, _: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move { Err(CallError::UnknownTool((&*request.target).into())) })
    }

    fn status(&self) -> SourceStatus {
        SourceStatus { kind: "server", state: State::Idle, starts: 0, calls: 0, tools: None, error: None }
    }

    fn stop(&self, _: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}
