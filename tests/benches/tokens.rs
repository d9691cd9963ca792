//! How many tokens the meta-tools save: `cargo bench -p gateway-tests --bench tokens`, after `./tests/run --setup`.
//!
//! The servers are real ones, with their own definitions; the tokeniser is that of GPT-4o and its successors
//! (o200k_base). Counted is what a model reads and writes: the list of tools, and for the meta-tools also what a search
//! and a call of the tool that was found cost beyond calling the same tool directly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "what goes wrong has to stop it, and its answer is printed"
)]

use gateway_tests::{Client, Gateway, foreign};
use serde_json::{Value, json};
use tiktoken_rs::{CoreBPE, o200k_base};

const SERVERS: [&str; 4] = ["everything", "filesystem", "memory", "time"];

/// What is looked for, and the call that it leads to.
fn tasks(folder: &str) -> [(&'static str, &'static str, &'static str, Value); 3] {
    [
        ("current time in a timezone", "time", "get_current_time", json!({ "timezone": "Asia/Tokyo" })),
        ("list the files of a folder", "filesystem", "list_directory", json!({ "path": folder })),
        ("search the knowledge graph", "memory", "search_nodes", json!({ "query": "gateway" })),
    ]
}

struct Bench {
    tokens: CoreBPE,
}

impl Bench {
    fn count(&self, text: &str) -> usize {
        self.tokens.encode_with_special_tokens(text).len()
    }

    /// What a model reads of the list, as the client has it from the gateway.
    fn list(&self, client: &Client) -> (usize, usize) {
        let definitions = client.tools().definitions();
        (definitions.len(), definitions.iter().map(|(_, definition)| self.count(definition)).sum())
    }

    /// What calling a tool costs: its name and arguments, and the text that comes back.
    fn call(&self, client: &Client, tool: &str, arguments: &Value) -> (usize, String) {
        let answer = client.call(tool, arguments.clone()).text();
        (self.count(tool) + self.count(&arguments.to_string()) + self.count(&answer), answer)
    }
}

fn main() {
    let bench = Bench { tokens: o200k_base().expect("the tokeniser comes with its words") };
    let gateway = Gateway::new("");
    let files = gateway.write("files/note.txt", "").parent().unwrap().canonicalize().unwrap();
    let folder = files.to_str().unwrap();
    let connect = |meta_tools: bool| {
        let config = json!({ "meta_tools": meta_tools, "servers": {
            "everything": foreign::entry(&foreign::node_server("everything", &["stdio"])),
            "filesystem": foreign::entry(&foreign::node_server("filesystem", &[folder])),
            "memory": foreign::entry(&foreign::node_server("memory", &[])),
            "time": foreign::entry(&foreign::python_server("mcp_server_time", &[])),
        } });
        gateway.write("gateway.yaml", &config.to_string());
        let client = gateway.client();
        for server in SERVERS {
            client.call("gateway_list_tools", json!({ "server": server })).text();
        }
        client
    };
    let (direct, meta) = (connect(false), connect(true));
    let ((all, all_tokens), (few, few_tokens)) = (bench.list(&direct), bench.list(&meta));
    println!("| | tools listed | tokens of the list |\n|---|---|---|");
    println!("| everything listed | {all} | {all_tokens} |");
    println!("| `meta_tools: true` | {few} | {few_tokens} |\n");
    println!("| task | directly | search | invoke | more | saved in all |\n|---|---|---|---|---|---|");
    for (query, server, tool, arguments) in tasks(folder) {
        let (directly, answer) = bench.call(&direct, &format!("{server}__{tool}"), &arguments);
        let search = json!({ "query": query, "limit": 3, "schemas": true });
        let (searching, found) = bench.call(&meta, "gateway_search_tools", &search);
        assert!(found.contains(&format!("\"{tool}\"")), "{query} does not find {tool}: {found}");
        let wrapped = json!({ "server": server, "tool": tool, "arguments": arguments });
        let (invoking, again) = bench.call(&meta, "gateway_invoke", &wrapped);
        assert!(!answer.is_empty() && !again.is_empty());
        let more = (searching + invoking).saturating_sub(directly);
        let (before, after) = (all_tokens + directly, few_tokens + searching + invoking);
        let saved =
            100.0 - 100.0 * f64::from(u32::try_from(after).unwrap()) / f64::from(u32::try_from(before).unwrap());
        println!("| {query} | {directly} | {searching} | {invoking} | {more} | {before} → {after} ({saved:.0} %) |");
    }
    meta.finish();
    direct.finish();
}
