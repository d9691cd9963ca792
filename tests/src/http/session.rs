//! A session over Streamable HTTP.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::{Answer, Http};
use crate::{Message, client::LATEST};

/// A session over Streamable HTTP.
#[derive(Debug)]
pub struct HttpSession {
    /// Requests of this session.
    pub http: Http,
    /// Its id.
    pub id: String,
    next: AtomicI64,
}

impl HttpSession {
    /// Opens one of the newest revision with sessions.
    #[track_caller]
    #[must_use]
    pub fn open(http: &Http) -> Self {
        Self::open_as(http, LATEST, json!({}))
    }

    /// Opens one of a revision, with abilities.
    #[track_caller]
    #[must_use]
    pub fn open_as(http: &Http, version: &str, capabilities: impl Into<Value>) -> Self {
        let mut answer = http.post(&hello(version, &capabilities.into()));
        let id = answer.header("mcp-session-id").unwrap_or_default().to_owned();
        assert!(answer.status == 200, "{}", answer.text());
        assert_eq!(answer.result().result()["protocolVersion"], version);
        let http = http.with("Mcp-Session-Id", &id).with("MCP-Protocol-Version", version);
        let session = Self { http, id, next: AtomicI64::new(100) };
        session.notify("notifications/initialized", json!({}));
        session
    }

    /// Posts a request, and gives its id.
    #[track_caller]
    pub fn send(&self, method: &str, params: impl Into<Value>) -> (i64, Answer) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        (id, self.http.post(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params.into() })))
    }

    /// Posts a request, and gives its answer.
    #[track_caller]
    pub fn request(&self, method: &str, params: impl Into<Value>) -> Message {
        self.send(method, params).1.result()
    }

    /// Calls a tool, and gives the answer as it comes.
    #[track_caller]
    pub fn call(&self, tool: &str, arguments: impl Into<Value>) -> Answer {
        self.send("tools/call", json!({ "name": tool, "arguments": arguments.into() })).1
    }

    /// Posts a notification.
    #[track_caller]
    pub fn notify(&self, method: &str, params: impl Into<Value>) {
        let mut answer = self.http.post(&json!({ "jsonrpc": "2.0", "method": method, "params": params.into() }));
        assert_eq!((answer.status, answer.text()), (202, String::new()));
    }

    /// Answers what the server asked.
    #[track_caller]
    pub fn respond(&self, request: &Message, result: impl Into<Value>) {
        let mut answer = self.http.post(&json!({ "jsonrpc": "2.0", "id": request.id(), "result": result.into() }));
        assert_eq!((answer.status, answer.text()), (202, String::new()));
    }

    /// Listens to what belongs to no request.
    #[track_caller]
    #[must_use]
    pub fn listen(&self) -> Answer {
        let answer = self.http.get();
        assert_eq!(answer.status, 200);
        answer
    }

    /// Goes on after an event.
    #[track_caller]
    #[must_use]
    pub fn resume(&self, last: &str) -> Answer {
        self.http.with("Last-Event-ID", last).get()
    }

    /// Ends it.
    #[track_caller]
    pub fn end(&self) -> u16 {
        self.http.send("DELETE", "").status
    }
}

/// The first message of a session.
#[must_use]
pub fn hello(version: &str, capabilities: &Value) -> Value {
    let client = json!({ "name": "gateway-tests", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}
