//! What the fake server has beside tools: prompts, resources and tasks.

use std::sync::Mutex;

use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Offers {
    pub(crate) prompts: Vec<String>,
    /// Their URIs; each is called after its end.
    pub(crate) resources: Vec<String>,
    pub(crate) templates: Vec<String>,
    /// The server has tasks.
    pub(crate) tasks: bool,
    pub(crate) made: Mutex<Vec<String>>,
}

impl Offers {
    /// The capabilities beside those of tools.
    pub(crate) fn declare(&self, capabilities: &mut Value) {
        if !self.prompts.is_empty() {
            capabilities["prompts"] = json!({ "listChanged": true });
            capabilities["completions"] = json!({});
        }
        if !self.resources.is_empty() || !self.templates.is_empty() {
            capabilities["resources"] = json!({ "subscribe": true, "listChanged": true });
            capabilities["completions"] = json!({});
        }
        if self.tasks {
            capabilities["tasks"] = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
        }
    }

    /// A call that makes a task.
    pub(crate) fn make(&self, key: &str) -> Value {
        self.made.lock().unwrap().push(key.to_owned());
        json!({ "task": task(key, "working") })
    }

    /// The result or the error; `None`: there is no such method.
    pub(crate) fn answer(&self, method: &str, params: &Value) -> Option<Result<Value, Value>> {
        let listed = |member: &str, key: &str, items: &[String]| {
            let name = |item: &String| item.rsplit('/').next().unwrap_or_default().to_owned();
            let items: Vec<_> = items.iter().map(|item| json!({ key: item, "name": name(item) })).collect();
            Some(Ok(json!({ member: items })))
        };
        match method {
            "prompts/list" if !self.prompts.is_empty() => listed("prompts", "name", &self.prompts),
            "resources/list" => listed("resources", "uri", &self.resources),
            "resources/templates/list" => listed("resourceTemplates", "uriTemplate", &self.templates),
            "prompts/get" => Some(self.prompt(params)),
            "resources/read" => Some(self.read(&params["uri"])),
            "resources/subscribe" => Some(self.read(&params["uri"]).map(|_| json!({}))),
            "resources/unsubscribe" => Some(Ok(json!({}))),
            "completion/complete" => {
                let what = params["ref"]["name"].as_str().or(params["ref"]["uri"].as_str());
                Some(Ok(json!({ "completion": { "values": [format!("for {}", what.unwrap_or_default())] } })))
            }
            "tasks/list" if self.tasks => {
                let made = self.made.lock().unwrap();
                Some(Ok(json!({ "tasks": made.iter().map(|key| task(key, "working")).collect::<Vec<_>>() })))
            }
            "tasks/get" | "tasks/cancel" | "tasks/result" if self.tasks => Some(self.task(method, params)),
            "vendor/echo" => Some(Ok(json!({ "said": params }))),
            _ => None,
        }
    }

    fn prompt(&self, params: &Value) -> Result<Value, Value> {
        let name = params["name"].as_str().unwrap_or_default();
        if !self.prompts.iter().any(|prompt| prompt == name) {
            return Err(json!({ "code": -32602, "message": format!("no prompt {name} here") }));
        }
        let mut content = vec![json!({ "type": "text", "text": format!("prompt {name}") })];
        if let Some(uri) = self.resources.first() {
            content.push(json!({ "type": "resource", "resource": { "uri": uri, "text": "embedded" } }));
        }
        let messages: Vec<_> = content.into_iter().map(|part| json!({ "role": "user", "content": part })).collect();
        Ok(json!({ "messages": messages }))
    }

    fn read(&self, uri: &Value) -> Result<Value, Value> {
        let text = uri.as_str().unwrap_or_default();
        let made = |template: &String| template.split('{').next().is_some_and(|start| text.starts_with(start));
        let known = self.resources.iter().any(|known| known == text) || self.templates.iter().any(made);
        if !known || text.ends_with("/missing") {
            return Err(json!({ "code": -32002, "message": "nothing there", "data": { "uri": uri } }));
        }
        Ok(json!({ "contents": [{ "uri": uri, "text": format!("text of {text}") }] }))
    }

    fn task(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = params["taskId"].as_str().unwrap_or_default();
        if !self.made.lock().unwrap().iter().any(|made| made == id) {
            return Err(json!({ "code": -32602, "message": format!("no task {id} here") }));
        }
        Ok(match method {
            "tasks/get" => task(id, "working"),
            "tasks/cancel" => task(id, "cancelled"),
            _ => json!({ "content": [{ "type": "text", "text": format!("result of {id}") }] }),
        })
    }
}

fn task(id: &str, status: &str) -> Value {
    let at = "2026-01-01T00:00:00Z";
    json!({ "taskId": id, "status": status, "createdAt": at, "lastUpdatedAt": at, "ttl": null })
}
