//! Whether a plugin may keep something from call to call.

use super::{Denial, Permissions};

impl Permissions {
    /// Whether it may keep values.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_storage(&self, plugin: &str) -> Result<(), Denial> {
        if !self.storage {
            let message = format!("plugin {plugin:?}: keeping values in a store is not allowed");
            return Err(Denial { message, hint: format!("set plugins.{plugin}.limits.storage, such as to 1MiB") });
        }
        match &self.asked {
            Some(asked) if !asked.storage => {
                Err(Denial::not_asked(plugin, "keeping values in a store", "storage to limits"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::permissions::Asked;

    #[test]
    fn only_what_was_granted_is_kept() {
        let permissions = |storage: bool, asked: Option<bool>| Permissions {
            storage,
            asked: asked.map(|storage| Arc::new(Asked { storage, ..Asked::default() })),
            ..Permissions::default()
        };
        let table = [
            (permissions(false, None), false),
            (permissions(true, None), true),
            (permissions(true, Some(true)), true),
            (permissions(true, Some(false)), false),
            (permissions(false, Some(true)), false),
        ];
        for (permissions, expected) in table {
            assert_eq!(permissions.check_storage("p").is_ok(), expected, "{permissions:?}");
        }
        let denial = permissions(false, None).check_storage("p").unwrap_err();
        assert_eq!(denial.hint, "set plugins.p.limits.storage, such as to 1MiB");
        let denial = permissions(true, Some(false)).check_storage("p").unwrap_err();
        assert_eq!(denial.hint, "add storage to limits in its plugin.yaml, and build it again");
    }
}
