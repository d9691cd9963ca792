//! What is documented and not acted on in this version: one warning for each such key that asks for something.

use super::{Config, Problem, problem::KeyPath};

/// Warns of each key that asks for what is not there yet. A key with its default asks for nothing.
pub(super) fn warn(config: &Config, problems: &mut Vec<Problem>) {
    if config.auth.as_ref().is_some_and(|auth| auth.jwt.is_some()) {
        problems.push(problem(KeyPath::of(["auth", "jwt"]), "jwt"));
    }
}

const NOT_YET: &str = "this version does not act on it yet";

fn problem(path: KeyPath, key: &str) -> Problem {
    let about = path.parent().unwrap_or_default();
    Problem::warning(path, format!("`{key}` has no effect: {NOT_YET}")).about(about)
}
