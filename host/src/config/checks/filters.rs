//! Checks of `filters`.

use super::Checks;
use crate::config::{Config, Problem, problem::KeyPath};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    for (at, filter) in config.filters.iter().enumerate() {
        let path = KeyPath::of(["filters"]).with(at);
        if !config.plugins.names().any(|name| *name == filter.plugin) {
            let names: Vec<&str> = config.plugins.names().map(|name| name.as_str()).collect();
            let message = format!("there is no plugin {:?}", filter.plugin);
            let hint = match crate::config::nearest(filter.plugin.as_str(), &names) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("add it: `plugins: {{ {}: ./plugins/{} }}`", filter.plugin, filter.plugin),
            };
            checks.push(Problem::error(path.with("plugin"), message).hint(hint).at_value());
        }
        if filter.tools.is_empty() {
            let problem = Problem::warning(path.with("tools"), "the filter sees no tool: the list is empty".to_owned());
            checks.push(problem.hint("leave `tools` out for all, or write globs such as `[\"github__*\"]`"));
        }
    }
}
