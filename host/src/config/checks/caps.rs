//! Checks of `plugin_limits`: which of a plugin's own limits they cut.

use gateway_wasm::limits::cuts;

use super::Checks;
use crate::config::{Config, Problem, problem::KeyPath};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    for (name, plugin) in config.plugins.iter() {
        for cut in cuts(&plugin.limits, &config.plugin_limits) {
            let (key, own, cap) = (cut.key, cut.own, cut.cap);
            let path = KeyPath::of(["plugins", name.as_str(), "limits", key]);
            let message = format!("{key} is cut from {own} to {cap}: plugin_limits.{key} allows no more");
            let hint = format!("write `{key}: {cap}` here, or raise plugin_limits.{key}");
            checks.push(Problem::warning(path, message).hint(hint).at_value());
        }
    }
}
