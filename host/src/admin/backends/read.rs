//! What is to be registered, as it was sent. The mistakes have the words of the gateway that this one replaces.

use std::collections::BTreeMap;

use gateway_core::{manage::NewServer, name::SourceName};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{NewCommand, NewRemote, RemoteTransport};
use crate::admin::answer::Refused;

/// The server of the body of a request.
///
/// # Errors
/// What is missing or wrong.
pub(super) fn server(body: &Value) -> Result<(SourceName, NewServer), Refused> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_command = body.get("command").is_some_and(|command| !command.is_null());
    let complete = text("url").is_some() && text("transport").is_some();
    let Some(name) = text("name").filter(|_| is_command || complete) else {
        return Err(
            Refused::bad("name, url, transport are required").hint("a server by command needs name and command")
        );
    };
    let name = source_name(name)?;
    if is_command {
        let NewCommand { command, args, env, description, enabled, .. } = typed(body)?;
        let command = Some(command);
        return Ok((name, NewServer { command, args, env, description, enabled, ..NewServer::default() }));
    }
    if !["http", "sse"].iter().any(|known| text("transport") == Some(*known)) {
        return Err(Refused::bad("transport must be http or sse"));
    }
    let NewRemote { url, transport, headers, description, enabled, .. } = typed(body)?;
    let transport = match transport {
        RemoteTransport::Http => "http",
        RemoteTransport::Sse => "sse",
    };
    let (url, transport) = (Some(url), Some(transport.to_owned()));
    Ok((
        name,
        NewServer { url, transport, headers, description, enabled, env: BTreeMap::new(), ..NewServer::default() },
    ))
}

/// A name that can be registered.
///
/// # Errors
/// Why it cannot.
pub(in crate::admin) fn source_name(name: &str) -> Result<SourceName, Refused> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_legal = name.starts_with(is_plain) && name.chars().all(|c| is_plain(c) || c == '-' || c == '_');
    if !is_legal {
        return Err(Refused::bad("name must be lowercase alphanumeric/dash/underscore"));
    }
    SourceName::new(name).map_err(|error| Refused::bad(error.to_string()))
}

fn typed<T: DeserializeOwned>(body: &Value) -> Result<T, Refused> {
    serde_json::from_value(body.clone()).map_err(|error| Refused::bad(format!("the body cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_have_their_words() {
        let all = "name, url, transport are required";
        let name = "name must be lowercase alphanumeric/dash/underscore";
        for (body, said) in [
            (json!({}), all),
            (json!([]), all),
            (json!({ "name": "a", "url": "http://x" }), all),
            (json!({ "name": "a", "transport": "http" }), all),
            (json!({ "url": "http://x", "transport": "http" }), all),
            (json!({ "name": 1, "url": "http://x", "transport": "http" }), all),
            (json!({ "command": "x" }), all),
            (json!({ "name": "A", "url": "http://x", "transport": "http" }), name),
            (json!({ "name": "_a", "command": "x" }), name),
            (json!({ "name": "a.b", "url": "http://x", "transport": "http" }), name),
            (json!({ "name": "a", "url": "http://x", "transport": "stdio" }), "transport must be http or sse"),
            (json!({ "name": "a", "command": "x", "url": "http://x" }), "the body cannot be used: unknown field `url`"),
            (json!({ "name": "gateway", "command": "x" }), "the name \"gateway\" is kept for the gateway itself"),
        ] {
            let refused = format!("{:?}", server(&body).map(|_| ()).unwrap_err());
            assert!(refused.contains(&format!("{said:?}").replace("\"\n", "")[1..said.len()]), "{body}: {refused}");
        }
        let refused = server(&json!({})).map(|_| ()).unwrap_err().into_response();
        assert_eq!(refused.status(), 400);
    }

    #[test]
    fn both_kinds_are_read() {
        let remote =
            json!({ "name": "a-1", "url": "http://x", "transport": "sse", "headers": { "K": "v" }, "enabled": false });
        let (name, read) = server(&remote).unwrap();
        assert_eq!((name.as_str(), read.transport.as_deref(), read.enabled), ("a-1", Some("sse"), Some(false)));
        let command =
            json!({ "name": "b", "command": "npx", "args": ["-y"], "env": { "K": "v" }, "transport": "stdio" });
        let (_, read) = server(&command).unwrap();
        assert_eq!((read.command.as_deref(), read.args.len(), read.env.len()), (Some("npx"), 1, 1));
    }
}
