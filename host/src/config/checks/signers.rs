//! Checks of `signers`, and of `signed_by` that names them.

use super::Checks;
use crate::config::{Config, Problem, nearest, problem::KeyPath};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    for (name, signer) in &config.signers {
        if let Err(error) = signer.read(name) {
            let path = KeyPath::of(["signers", name]);
            checks.push(Problem::error(path, error.to_string()).hint(error.hint()).at_value());
        }
    }
    for (plugin, entry) in config.plugins.iter() {
        let path = KeyPath::of(["plugins", plugin.as_str(), "signed_by"]);
        for (at, name) in entry.signed_by.iter().enumerate().filter(|(_, name)| !config.signers.contains_key(*name)) {
            let known: Vec<&str> = config.signers.keys().map(String::as_str).collect();
            let problem = Problem::entry(path.with(at), format!("there is no signer {name:?}"));
            checks.push(match nearest(name, &known) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")).at_value(),
                None => problem.hint(format!("write the public key in `signers.{name}`")).at_value(),
            });
        }
    }
}
