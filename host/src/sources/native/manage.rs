//! Registering and removing servers.

use std::sync::Weak;

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    manage::{By, Manage, NewServer, Refused, RefusedKind},
    name::{Naming, SourceName},
    payload::Json,
};
use serde_json::json;

use super::params::Params;
use crate::results;

/// Answers `gateway_register_server`.
pub(super) async fn register(manage: &Weak<dyn Manage>, params: &Params<'_>, call: &Call) -> Result<Json, CallError> {
    let name = params.needed("name")?;
    let server = server(params)?;
    let name = SourceName::new(&name)
        .map_err(|error| Refused::new(RefusedKind::Invalid, format!("server {name:?}: {error}")))
        .map_err(failure)?;
    if !may_touch(call, name.as_str()) {
        let message =
            format!("server {:?} cannot be registered: the role may not use a server of that name", name.as_str());
        return Err(Failure::new(FailureKind::Denied, message).hint("take a name that the role's globs allow").into());
    }
    let manage = manage.upgrade().ok_or_else(leaving)?;
    let status = manage.register(name.clone(), server, By::Request).await.map_err(failure)?;
    let hint = "it starts when it is first used; gateway_list_tools shows its tools";
    Ok(results::structured(&json!({ "registered": name, "state": status.state, "hint": hint })))
}

/// Answers `gateway_remove_server`.
pub(super) async fn remove(manage: &Weak<dyn Manage>, params: &Params<'_>, call: &Call) -> Result<Json, CallError> {
    let name = params.needed("name")?;
    if !may_touch(call, &name) {
        let message = format!("there is no server or plugin {name:?}");
        return Err(failure(Refused::new(RefusedKind::Unknown, message)));
    }
    let manage = manage.upgrade().ok_or_else(leaving)?;
    manage.remove(&name).await.map_err(failure)?;
    Ok(results::structured(&json!({ "removed": name })))
}

/// Whether the role may know of the server of that name, or could if there was one.
fn may_touch(call: &Call, name: &str) -> bool {
    let (snapshot, role) = (call.snapshot(), call.caller.role);
    if let Some(source) = snapshot.sources().iter().find(|source| source.name().as_str() == name) {
        return snapshot.sees_source(role, source);
    }
    let role = snapshot.roles().get(role);
    let could = |name: SourceName| role.decide_placeholder(&name, &Naming::canonical(&name)).visible();
    role.sees_all() || SourceName::new(name).is_ok_and(could)
}

fn server(params: &Params<'_>) -> Result<NewServer, CallError> {
    let mut words = args(params)?;
    let mut command = params.text("command")?;
    // One string, as in the configuration.
    if let Some(whole) = command.as_ref().filter(|whole| params.raw("args").is_none() && whole.contains(' ')) {
        let mut split = split("command", whole)?.into_iter();
        (command, words) = (split.next(), split.collect());
    }
    let url = match params.text("url")? {
        Some(url) => Some(url),
        None => params.text("http_url")?,
    };
    Ok(NewServer {
        command,
        args: words,
        env: params.texts("env")?,
        url,
        transport: params.text("transport")?,
        headers: params.texts("headers")?,
        description: params.text("description")?,
        enabled: None,
    })
}

/// A list, or one string that is split as a shell would.
fn args(params: &Params<'_>) -> Result<Vec<String>, CallError> {
    match params.get::<Args>("args", "a list of strings, or one string")? {
        None => Ok(Vec::new()),
        Some(Args::List(list)) => Ok(list),
        Some(Args::Line(line)) => split("args", &line),
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Args {
    List(Vec<String>),
    Line(String),
}

fn split(name: &str, line: &str) -> Result<Vec<String>, CallError> {
    let unfinished = |_| {
        let message = format!("'{name}' cannot be split into words: a quote is not closed");
        Failure::new(FailureKind::Arguments, message).hint("close it, or give `args` as a list")
    };
    Ok(shell_words::split(line).map_err(unfinished)?)
}

fn failure(refused: Refused) -> CallError {
    let kind = match refused.kind {
        RefusedKind::Denied => FailureKind::Denied,
        RefusedKind::Storage => FailureKind::Unavailable,
        _ => FailureKind::Arguments,
    };
    let failure = Failure::new(kind, refused.message);
    match refused.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
    .into()
}

fn leaving() -> CallError {
    Failure::new(FailureKind::Unavailable, "the gateway cannot be changed: it is ending").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<NewServer, CallError> {
        let arguments = Json::parse(arguments.to_owned()).unwrap();
        server(&Params::read(Some(&arguments)).unwrap())
    }

    #[test]
    fn arguments_come_as_a_list_or_as_one_string() {
        for (arguments, command, words) in [
            (r#"{"command":"x","args":["a b","c"]}"#, "x", vec!["a b", "c"]),
            (r#"{"command":"x","args":"--db '/tmp/my files/a.db' c"}"#, "x", vec!["--db", "/tmp/my files/a.db", "c"]),
            (r#"{"command":"x","args":""}"#, "x", vec![]),
            (r#"{"command":"npx -y 'a b'"}"#, "npx", vec!["-y", "a b"]),
            (r#"{"command":"a program","args":[]}"#, "a program", vec![]),
        ] {
            let server = read(arguments).unwrap();
            assert_eq!(
                (server.command.as_deref(), server.args),
                (Some(command), words.iter().map(|word| (*word).to_owned()).collect()),
                "{arguments}"
            );
        }
        assert!(matches!(
            read(r#"{"command":"x","args":"'a"}"#),
            Err(CallError::Failed(Failure { hint: Some(_), .. }))
        ));
        assert!(matches!(read(r#"{"command":"x","args":[1]}"#), Err(CallError::InvalidParams(_))));
    }

    #[test]
    fn variables_and_addresses() {
        let server =
            read(r#"{"http_url":"https://a.example","env":{"PORT":80,"K":"v"},"headers":"{\"A\":\"b\"}"}"#).unwrap();
        assert_eq!(server.url.as_deref(), Some("https://a.example"));
        let pairs: Vec<_> =
            server.env.iter().chain(&server.headers).map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(pairs, ["K=v", "PORT=80", "A=b"]);
        assert!(matches!(read(r#"{"url":"https://a.example","env":{"K":["v"]}}"#), Err(CallError::InvalidParams(_))));
    }
}
