//! What a client does that says with each request who it is.

use serde_json::{Value, json};

use super::Client;
use crate::Message;

/// The newest revision without a handshake.
pub const MODERN: &str = "2026-07-28";

impl Client {
    /// Sends a request of revision 2026-07-28 that says in its `_meta` who asks, and gives its id. Members of `_meta` that
    /// `params` has stay.
    #[track_caller]
    pub fn send_modern(&self, method: &str, capabilities: &Value, mut params: Value) -> i64 {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": { "name": "gateway-tests", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        for (name, value) in params["_meta"].as_object().into_iter().flatten() {
            meta[name] = value.clone();
        }
        params["_meta"] = meta;
        self.send(method, params)
    }

    /// The same by a client that can do nothing, with the answer.
    #[track_caller]
    pub fn modern(&self, method: &str, params: Value) -> Message {
        let id = self.send_modern(method, &json!({}), params);
        self.answer(id)
    }

    /// Sends it again with answers to what was asked, and gives its id.
    ///
    /// # Panics
    /// Where nothing was asked.
    #[track_caller]
    pub fn go_on(&self, asked: &Message, method: &str, capabilities: &Value, mut params: Value, answers: Value) -> i64 {
        assert_eq!(asked.result()["resultType"], "input_required", "{}", asked.raw);
        params["inputResponses"] = answers;
        params["requestState"] = asked.result()["requestState"].clone();
        self.send_modern(method, capabilities, params)
    }
}
