//! What is documented and not acted on in this version: one warning for each such key that asks for something.

use serde_yaml::Value;

use super::{Config, Problem, problem::KeyPath};

/// Warns of each key that asks for what is not there yet. A key with its default asks for nothing.
pub(super) fn warn(root: &Value, config: &Config, problems: &mut Vec<Problem>) {
    let asked = [
        (written(root, "meta_tools", "enable_meta_mcp"), config.meta_tools),
        ("pin", !config.pin.is_empty()),
        ("management", config.management),
        ("allow_commands", !config.allow_commands.is_empty()),
        ("allow_urls", !config.allow_urls.is_empty()),
        ("pipelines", !config.pipelines.is_empty()),
    ];
    let asked = asked.into_iter().filter(|(_, asks)| *asks);
    problems.extend(asked.map(|(key, _)| problem(KeyPath::of([key]), key)));
    if config.auth.as_ref().is_some_and(|auth| auth.jwt.is_some()) {
        problems.push(problem(KeyPath::of(["auth", "jwt"]), "jwt"));
    }
}

const NOT_YET: &str = "this version does not act on it yet";

fn problem(path: KeyPath, key: &str) -> Problem {
    let about = path.parent().unwrap_or_default();
    Problem::warning(path, format!("`{key}` has no effect: {NOT_YET}")).about(about)
}

fn written<'k>(root: &Value, key: &'k str, alias: &'k str) -> &'k str {
    if root.get(alias).is_some() { alias } else { key }
}
