//! Checks of `secrets` in `plugins`. Values are not shown.

use gateway_wasm::permissions::secrets::{header_problem, is_reachable, server_problem};

use super::Checks;
use crate::config::{Plugin, Problem, problem::KeyPath};

/// What cannot be used leaves its plugin out: it would go without what it was meant to have.
pub(super) fn check(plugin: &Plugin, path: &KeyPath, checks: &mut Checks<'_>) {
    for (server, headers) in &plugin.secrets {
        let at = path.with("secrets").with(server.as_str());
        if let Some(problem) = server_problem(server) {
            let problem = Problem::entry(at, problem.to_string());
            checks.push(problem.hint("write it like `https://api.example.com`, or with a path after it"));
            continue;
        }
        for (name, value) in headers {
            let at = at.with(name.as_str());
            // A variable that is not set is a problem of its own.
            if let Some(problem) = header_problem(name, value)
                && !checks.problems.iter().any(|problem| problem.path == at)
            {
                checks.push(Problem::entry(at, problem.to_string()));
            }
        }
        if !is_reachable(server, &plugin.permissions.net) {
            let problem =
                Problem::warning(at, "the plugin may not reach this server, so that the secret is never sent");
            let name = path.name(1).unwrap_or_default();
            checks.push(problem.hint(format!("add `{server}` to plugins.{name}.permissions.net")));
        }
    }
}
