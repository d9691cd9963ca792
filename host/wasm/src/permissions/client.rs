//! What a plugin may ask the client for.

use super::{Denial, Permissions};
use crate::config::ClientAsk;

impl Permissions {
    /// Whether the client may be asked this.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_client(&self, plugin: &str, ask: ClientAsk) -> Result<(), Denial> {
        let name = name(ask);
        if !self.client.contains(&ask) {
            let message = format!("plugin {plugin:?}: asking the client for {name} is not allowed");
            return Err(Denial { message, hint: format!("add {name} to plugins.{plugin}.permissions.client") });
        }
        match &self.asked {
            Some(asked) if !asked.client.contains(&ask) => {
                let what = format!("asking the client for {name}");
                Err(Denial::not_asked(plugin, &what, &format!("{name} to permissions.client")))
            }
            _ => Ok(()),
        }
    }
}

/// What is granted and not asked for.
pub(super) fn unasked<'g>(granted: &'g [ClientAsk], asked: &'g [ClientAsk]) -> impl Iterator<Item = String> + 'g {
    granted.iter().filter(|ask| !asked.contains(ask)).map(|ask| format!("client {}", name(*ask)))
}

/// As it is written in `gateway.yaml`.
fn name(ask: ClientAsk) -> &'static str {
    match ask {
        ClientAsk::Elicitation => "elicitation",
        ClientAsk::Sampling => "sampling",
        ClientAsk::Roots => "roots",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::permissions::Asked;

    #[test]
    fn the_client_is_asked_what_was_granted_and_asked_for() {
        use ClientAsk::{Elicitation, Roots, Sampling};
        let granted = |client: &[ClientAsk]| Permissions { client: client.into(), ..Permissions::default() };
        let asked = |client: &[ClientAsk], asks: &[ClientAsk]| {
            let asked = Asked { client: asks.into(), ..Asked::default() };
            Permissions { asked: Some(Arc::new(asked)), ..granted(client) }
        };
        let table = [
            (granted(&[]), Elicitation, false),
            (granted(&[Elicitation]), Elicitation, true),
            (granted(&[Elicitation]), Sampling, false),
            (asked(&[Elicitation, Roots], &[Elicitation]), Elicitation, true),
            (asked(&[Elicitation, Roots], &[Elicitation]), Roots, false),
            (asked(&[Elicitation], &[Elicitation, Roots]), Roots, false),
        ];
        for (permissions, ask, allowed) in table {
            assert_eq!(permissions.check_client("p", ask).is_ok(), allowed, "{permissions:?} {ask:?}");
        }
        let denial = granted(&[]).check_client("p", Sampling).unwrap_err();
        assert_eq!(denial.message, r#"plugin "p": asking the client for sampling is not allowed"#);
        assert_eq!(denial.hint, "add sampling to plugins.p.permissions.client");
        let denial = asked(&[Roots], &[]).check_client("p", Roots).unwrap_err();
        assert_eq!(denial.hint, "add roots to permissions.client in its plugin.yaml, and build it again");
    }
}
