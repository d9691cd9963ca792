//! Checks of `auth`.

use super::Checks;
use crate::{
    config::{Config, Problem, explain, problem::KeyPath},
    frontends::auth::{JwtConfig, TokenConfig},
};

/// A token that is shorter can be guessed.
const SHORTEST: usize = 16;

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    let Some(auth) = &config.auth else { return };
    let path = KeyPath::of(["auth"]);
    if auth.tokens.is_empty() && auth.jwt.is_none() && !checks.is_broken(&path) {
        let problem = Problem::error(path.clone(), "nobody could come in: it names no token");
        checks.push(problem.hint("write `auth: { tokens: [{ role: ROLE, token: \"${TOKEN}\" }] }`"));
    }
    if let Some(jwt) = &auth.jwt {
        provider(jwt, &path.with("jwt"), checks);
    }
    let mut seen = Vec::new();
    for (at, token) in auth.tokens.iter().enumerate() {
        let path = path.with("tokens").with(at);
        role(token, &path, checks);
        // A variable without a value was said to be missing already.
        if checks.problems.iter().any(|problem| problem.path.is_within(&path.with("token"))) {
            continue;
        }
        if let Some(problem) = wrong(token, &path) {
            checks.push(problem);
        }
        let Some(digest) = token.digest() else { continue };
        if seen.contains(&digest) {
            checks.push(Problem::error(path, "this token is there twice").hint("keep one of them, with one role"));
        }
        seen.push(digest);
    }
}

fn provider(jwt: &JwtConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    let addresses = [("issuer", Some(&jwt.issuer)), ("jwks_url", jwt.jwks_url.as_ref())];
    for (key, url) in addresses.into_iter().filter_map(|(key, url)| Some((key, url?))) {
        let path = path.with(key);
        // A variable without a value was said to be missing already.
        let is_said = checks.problems.iter().any(|problem| problem.path.is_within(&path));
        if !is_said && JwtConfig::address(url).is_none() {
            let problem = Problem::error(path, format!("`{url}` is no https:// address"));
            checks
                .push(problem.hint(format!("write `{key}: https://…`; http:// is for this machine alone")).at_value());
        }
    }
    for (key, text) in [("audience", &jwt.audience), ("role_claim", &jwt.role_claim)] {
        if text.as_deref().is_some_and(str::is_empty) {
            let problem = Problem::error(path.with(key), "it is empty, so that no token would do");
            checks.push(problem.hint("leave it out for the default").at_value());
        }
    }
    if checks.names("roles").is_empty() {
        let problem = Problem::error(path.clone(), "no role is configured that a token could name");
        checks.push(problem.hint("add those that it names: `roles: { ROLE: null }` sees everything"));
    }
}

fn role(token: &TokenConfig, path: &KeyPath, checks: &mut Checks<'_>) {
    let known = checks.names("roles");
    if known.contains(&token.role.as_str()) {
        return;
    }
    let role = &token.role;
    let hint = match (known.is_empty(), explain::nearest(role, &known)) {
        (true, _) => format!("add it: `roles: {{ {role}: null }}` sees everything"),
        (false, Some(near)) => format!("did you mean `{near}`? configured roles: {}", known.join(", ")),
        (false, None) => format!("configured roles: {}", known.join(", ")),
    };
    let problem = Problem::error(path.with("role"), format!("the role `{role}` is not configured"));
    checks.push(problem.hint(hint).at_value());
}

/// What is wrong with the token itself. It is never shown.
fn wrong(token: &TokenConfig, path: &KeyPath) -> Option<Problem> {
    match (&token.token, &token.sha256) {
        (None, None) => {
            let problem = Problem::error(path.clone(), "it needs `token` or `sha256`");
            Some(problem.hint("write `token: \"${TOKEN}\"`, or the SHA-256 of the token"))
        }
        (Some(_), Some(_)) => {
            let problem = Problem::error(path.clone(), "it has both `token` and `sha256`");
            Some(problem.hint("keep one of the two"))
        }
        (Some(text), None) if text.is_empty() => {
            let problem = Problem::error(path.with("token"), "the token is empty");
            Some(problem.hint("take one that cannot be guessed, such as 32 random characters"))
        }
        (Some(text), None) if text.len() < SHORTEST => {
            let problem =
                Problem::warning(path.with("token"), format!("the token has less than {SHORTEST} characters"));
            Some(problem.hint("take one that cannot be guessed, such as 32 random characters"))
        }
        (None, Some(_)) if token.digest().is_none() => {
            let problem = Problem::error(path.with("sha256"), "it has to be 64 hexadecimal digits");
            Some(problem.hint("`printf %s \"$TOKEN\" | sha256sum` prints them"))
        }
        _ => None,
    }
}
