//! What differs by protocol revision, as one table.

/// A revision of MCP with an `initialize` handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05.
    V2024_11_05,
    /// 2025-03-26: the one with JSON-RPC batches.
    V2025_03_26,
    /// 2025-06-18.
    V2025_06_18,
    /// 2025-11-25.
    V2025_11_25,
}

/// All of them, oldest first.
pub const REVISIONS: [Revision; 4] =
    [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18, Revision::V2025_11_25];

impl Revision {
    /// The newest one: what is offered to a server, and to a client that asks for one that is not known here.
    pub const LATEST: Self = Self::V2025_11_25;

    /// As it stands in `protocolVersion`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    /// The revision of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        REVISIONS.into_iter().find(|revision| revision.as_str() == name)
    }

    /// What a server answers to a client that asks for `name`: the same where it is known, else the newest (MCP,
    /// "Version negotiation").
    #[must_use]
    pub fn negotiate(name: &str) -> Self {
        Self::named(name).unwrap_or(Self::LATEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_revisions_are_echoed() {
        for revision in REVISIONS {
            assert_eq!(Revision::negotiate(revision.as_str()), revision);
        }
        assert_eq!(Revision::negotiate("1999-01-01"), Revision::LATEST);
        assert_eq!(Revision::negotiate("2026-07-28"), Revision::LATEST);
    }
}
