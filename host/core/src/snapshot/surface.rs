//! What lists show of what a role may use.

use crate::role::{Pattern, Role};

/// How much of what a role may use its list of tools shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surface {
    meta_tools: bool,
    /// As a role, since its globs are held against names as those of roles are.
    pinned: Role,
}

impl Surface {
    /// With `meta_tools`, lists show only the gateway's own tools, through which the rest is reached, and those that a
    /// glob of `pin` names.
    #[must_use]
    pub fn new(meta_tools: bool, pin: &[Pattern]) -> Self {
        Self { meta_tools, pinned: Role { allow: Some(pin.into()), ..Role::blind("pin") } }
    }

    /// Whether the rest is reached through the gateway's own tools.
    #[must_use]
    pub fn has_meta_tools(&self) -> bool {
        self.meta_tools
    }

    /// What is listed all the same.
    pub(super) fn pinned(&self) -> &Role {
        &self.pinned
    }
}

impl Default for Surface {
    fn default() -> Self {
        Self::new(false, &[])
    }
}
