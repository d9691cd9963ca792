//! Whether a server that somebody wants to register makes sense.

use gateway_core::manage::{NewServer, Refused, RefusedKind};
use http::{HeaderName, HeaderValue};
use url::Url;

use crate::sources::upstream::config::{ServerConfig, Transport};

/// `new`, if it makes sense: one command with its arguments apart, or one address, with what belongs to it.
pub(super) fn checked(mut new: NewServer) -> Result<NewServer, Refused> {
    match (&new.command, &new.url) {
        (None, None) => {
            return Err(invalid("there is neither `command` nor `url`").hint("give one of the two"));
        }
        (Some(_), Some(_)) => {
            return Err(invalid("a server has `command` or `url`, not both").hint("give one of the two"));
        }
        (Some(command), None) => {
            if new.args.is_empty() {
                // As in the configuration: a whole command line is split as a shell would split it.
                let whole = ServerConfig { command: Some(command.clone()), ..ServerConfig::default() };
                let (program, args) = whole.command_line().map_err(|error| invalid(error.to_string()))?;
                (new.command, new.args) = (Some(program), args);
            }
            command_makes_sense(&new)?;
        }
        (None, Some(url)) => {
            let url = Url::parse(url).map_err(|error| invalid(format!("`url` is no address: {error}")))?;
            url_makes_sense(&url, &new)?;
            new.url = Some(url.into());
        }
    }
    Ok(new)
}

fn command_makes_sense(new: &NewServer) -> Result<(), Refused> {
    let command = new.command.as_deref().unwrap_or_default();
    if command.trim().is_empty() {
        return Err(invalid("`command` is empty"));
    }
    if std::iter::once(command).chain(new.args.iter().map(String::as_str)).any(|word| word.contains('\0')) {
        return Err(invalid("a NUL character cannot stand in a command line"));
    }
    if let Some((name, _)) =
        new.env.iter().find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
    {
        return Err(invalid(format!("{name:?} cannot be an environment variable")));
    }
    if !new.headers.is_empty() || new.transport.as_deref().is_some_and(|transport| transport != "stdio") {
        return Err(invalid("`headers` and `transport` belong to a server with `url`, and this one has `command`"));
    }
    Ok(())
}

fn url_makes_sense(url: &Url, new: &NewServer) -> Result<(), Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("`url`: `{}` is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("`url` has a user or a password in it").hint("give them as an `Authorization` header"));
    }
    if !new.args.is_empty() || !new.env.is_empty() {
        return Err(invalid("`args` and `env` belong to a server with `command`, and this one has `url`"));
    }
    if let Some(transport) = new.transport.as_deref().filter(|name| Transport::named(name).is_none()) {
        return Err(invalid(format!("`transport` is `http` or `sse`, not {transport:?}")));
    }
    for (name, value) in &new.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_bytes(value.as_bytes()).is_err() {
            return Err(invalid(format!("{name:?} cannot be a header")));
        }
    }
    Ok(())
}

/// Refused since it makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> Refused {
    Refused::new(RefusedKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(json: &str) -> Result<NewServer, String> {
        checked(serde_json::from_str(json).unwrap()).map_err(|refused| refused.message)
    }

    #[test]
    fn what_makes_sense() {
        let split = new(r#"{"command": "npx -y 'a b'"}"#).unwrap();
        assert_eq!((split.command.as_deref(), &split.args[..]), (Some("npx"), &["-y".into(), "a b".into()][..]));
        let whole = new(r#"{"command": "/opt/my server", "args": ["x y"]}"#).unwrap();
        assert_eq!((whole.command.as_deref(), &whole.args[..]), (Some("/opt/my server"), &["x y".into()][..]));
        let url = new(r#"{"url": "HTTPS://Example.com/a/../mcp", "transport": "sse"}"#).unwrap();
        assert_eq!(url.url.as_deref(), Some("https://example.com/mcp"));
    }

    #[test]
    fn what_makes_none() {
        for (json, message) in [
            ("{}", "neither"),
            (r#"{"command": "x", "url": "https://a.example"}"#, "not both"),
            (r#"{"command": " "}"#, "is empty"),
            (r#"{"command": "x 'y"}"#, "quote"),
            (r#"{"command": "x", "args": ["a\u0000b"]}"#, "NUL"),
            (r#"{"command": "x", "env": {"A=B": "c"}}"#, "variable"),
            (r#"{"command": "x", "headers": {"A": "c"}}"#, "belong"),
            (r#"{"url": "ftp://a.example"}"#, "neither http nor https"),
            (r#"{"url": "https://user:word@a.example"}"#, "user or a password"),
            (r#"{"url": "https://a.example", "args": ["x"]}"#, "belong"),
            (r#"{"url": "https://a.example", "transport": "stdio"}"#, "`http` or `sse`"),
            (r#"{"url": "https://a.example", "headers": {"A": "b\nc"}}"#, "header"),
            (r#"{"url": "nothing"}"#, "no address"),
        ] {
            let error = new(json).unwrap_err();
            assert!(error.contains(message), "{json}: {error}");
        }
    }
}
