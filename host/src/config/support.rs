//! What is documented and not acted on in this version: one warning for each such key that asks for something.

use serde_yaml::Value;

use super::{
    Config, Problem,
    plugin::{LATER, LATER_LIMITS},
    problem::KeyPath,
};

/// Warns of each key that asks for what is not there yet. A key with its default asks for nothing.
pub(super) fn warn(root: &Value, config: &Config, problems: &mut Vec<Problem>) {
    let asked = [
        (written(root, "meta_tools", "enable_meta_mcp"), config.meta_tools),
        ("pin", !config.pin.is_empty()),
        ("management", config.management),
        ("allow_commands", !config.allow_commands.is_empty()),
        ("allow_urls", !config.allow_urls.is_empty()),
        ("watch", root.get("watch") == Some(&Value::Bool(true))),
        ("pipelines", !config.pipelines.is_empty()),
    ];
    let asked = asked.into_iter().filter(|(_, asks)| *asks);
    problems.extend(asked.map(|(key, _)| problem(KeyPath::of([key]), key)));
    if config.auth.as_ref().is_some_and(|auth| auth.jwt.is_some()) {
        problems.push(problem(KeyPath::of(["auth", "jwt"]), "jwt"));
    }
    plugins(root, problems);
}

const NOT_YET: &str = "this version does not act on it yet";

fn problem(path: KeyPath, key: &str) -> Problem {
    let about = path.parent().unwrap_or_default();
    Problem::warning(path, format!("`{key}` has no effect: {NOT_YET}")).about(about)
}

fn written<'k>(root: &Value, key: &'k str, alias: &'k str) -> &'k str {
    if root.get(alias).is_some() { alias } else { key }
}

fn plugins(root: &Value, problems: &mut Vec<Problem>) {
    let plugins = root.get("plugins").and_then(Value::as_mapping);
    for (name, plugin) in plugins.into_iter().flatten() {
        let path = KeyPath::of(["plugins", name.as_str().unwrap_or_default()]);
        let limits = path.with("limits");
        let places = LATER.map(|key| (&path, key, plugin.get(key)));
        let below = plugin.get("limits");
        let limits = LATER_LIMITS.map(|key| (&limits, key, below.and_then(|below| below.get(key))));
        for (outer, key, value) in places.into_iter().chain(limits) {
            // What is written as it is without it asks for nothing.
            if value.is_some_and(|value| value.as_str() != Some("fresh")) {
                problems.push(problem(outer.with(key), key));
            }
        }
    }
}
