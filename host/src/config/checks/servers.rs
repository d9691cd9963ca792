//! Checks of `servers`.

use http::{HeaderName, HeaderValue};

use super::Checks;
use crate::{
    config::{
        Config, Problem,
        problem::{Key, KeyPath},
    },
    sources::upstream::config::{CommandError, ServerConfig},
};

/// What belongs to a server that is started, and to one that is reached.
const LOCAL_ONLY: [&str; 4] = ["args", "env", "cwd", "start_timeout"];
const REMOTE_ONLY: [&str; 3] = ["headers", "transport", "oauth"];

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    let section = if checks.root.get("servers").is_some() { "servers" } else { "backends" };
    for (name, server) in config.servers.iter() {
        let path = KeyPath::of([section, name.as_str()]);
        what_it_is(server, &path, checks);
        times(server, &path, checks);
        variables(server, &path, checks);
        headers(server, &path, checks);
        client(server, &path, checks);
        if server.enabled {
            usable(server, &path, checks);
        }
    }
}

/// A server is a command or a URL, and has no keys of the other kind.
fn what_it_is(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    let url = checks.written(path, "url", "http_url");
    match (&server.command, &server.url) {
        (None, None) if checks.is_broken(path) => {}
        (None, None) => {
            let problem = Problem::error(path.clone(), "there is neither `command` nor `url`");
            checks.push(problem.hint("write `command: PROGRAM` and `args: […]`, or `url: https://…`"));
        }
        (Some(_), Some(_)) => {
            let problem = Problem::error(url, "a server has `command` or `url`, not both").about(path.clone());
            checks.push(problem.hint("keep one of them, or make two servers of it"));
        }
        (Some(_), None) => foreign(&REMOTE_ONLY, "`url`", "`command`", path, checks),
        (None, Some(address)) => {
            foreign(&LOCAL_ONLY, "`command`", "`url`", path, checks);
            address_is_valid(address, url, checks);
        }
    }
    if let Err(error @ (CommandError::Empty | CommandError::Quote)) = server.command_line() {
        let hint = match error {
            CommandError::Quote => "close the quote, or write the arguments as `args: […]`",
            _ => "write the program to start, such as `command: npx`",
        };
        checks.push(Problem::error(path.with("command"), error.to_string()).hint(hint).at_value().about(path.clone()));
    }
}

fn foreign(keys: &[&str], theirs: &str, ours: &str, path: &KeyPath, checks: &mut Checks<'_>) {
    for key in keys {
        let at = path.with(*key);
        if checks.has(&at) {
            let message = format!("`{key}` belongs to a server with {theirs}, and this one has {ours}");
            checks.push(Problem::error(at, message).about(path.clone()).hint(format!("remove `{key}`")));
        }
    }
}

fn address_is_valid(address: &str, path: KeyPath, checks: &mut Checks<'_>) {
    // A variable that is not set is a problem of its own.
    if address.contains("${") {
        return;
    }
    let problem = match url::Url::parse(address) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Problem::error(path, format!("`{}` is neither http nor https", url.scheme()))
        }
        Ok(_) => return,
        Err(error) => Problem::error(path, format!("this is no address: {error}")),
    };
    checks.push(problem.hint("write it like `https://example.com/mcp`").at_value());
}

fn times(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    checks.not_zero(path.with("request_timeout"), server.request_timeout, 60);
    checks.not_zero(path.with("start_timeout"), Some(server.start_timeout), 30);
    checks.not_zero(path.with("heartbeat"), Some(server.heartbeat), 30);
}

fn variables(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    for (name, value) in server.env.iter() {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let problem = Problem::error(path.with("env").with(name), "this cannot be an environment variable");
            checks.push(problem.hint("write `NAME: value`"));
        }
    }
}

fn headers(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    for (name, value) in server.headers.iter() {
        let at = path.with("headers").with(name);
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            checks.push(Problem::error(at, "this cannot be the name of a header").hint("write `NAME: value`"));
        } else if HeaderValue::from_bytes(value.as_bytes()).is_err() {
            let problem = Problem::error(at, "this value cannot stand in a header");
            checks.push(problem.hint("write it on one line").at_value());
        }
    }
}

fn client(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    if server.oauth.client_secret.is_some() && server.oauth.client_id.is_none() {
        let at = path.with("oauth").with("client_secret");
        let problem = Problem::error(at, "a secret belongs to a client, and there is no `client_id`");
        checks.push(problem.hint("add `client_id`, or remove `client_secret`: the gateway registers itself"));
    }
}

/// What may be different on another machine or in another version makes this entry alone unusable.
fn usable(server: &ServerConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    let cwd = path.with("cwd");
    let unset = checks.problems.iter().any(|problem| problem.path == cwd);
    if let Some(folder) = server.cwd.as_deref().filter(|folder| checks.has(&cwd) && !unset && !folder.is_dir()) {
        let problem = Problem::entry(cwd, format!("there is no folder `{}`", folder.display()));
        let hint = match lookup_text(checks, path) {
            Some(text) if !text.starts_with(['/', '~']) => "relative folders start at the folder of this file",
            _ => "create it, or name another one",
        };
        checks.push(problem.hint(hint).at_value());
    }
}

fn lookup_text(checks: &Checks<'_>, server: &KeyPath) -> Option<String> {
    let value = crate::config::read::lookup(checks.root, &server.with(Key::from("cwd")))?;
    value.as_str().map(str::to_owned)
}
