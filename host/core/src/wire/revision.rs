//! What differs by protocol revision, as one table.

/// A revision of MCP.
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
    /// 2026-07-28: without handshake and sessions, every request says who asks; servers ask by `input_required`.
    V2026_07_28,
}

/// All of them, oldest first.
pub const REVISIONS: [Revision; 5] =
    [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28];

impl Revision {
    /// The newest one with a handshake: what is offered by `initialize`, and what a client is answered that asks by it
    /// for one that is not known here.
    pub const LATEST: Self = Self::V2025_11_25;

    /// The newest one without a handshake.
    pub const MODERN: Self = Self::V2026_07_28;

    /// As it stands in `protocolVersion`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        REVISIONS.into_iter().find(|revision| revision.as_str() == name)
    }

    /// What a server answers to an `initialize` for `name`: the same where it is known and has one, else the newest
    /// (MCP, "Version negotiation").
    #[must_use]
    pub fn negotiate(name: &str) -> Self {
        Self::named(name).filter(|revision| revision.has_initialize()).unwrap_or(Self::LATEST)
    }

    /// Whether it begins with `initialize`, and what was said there holds for all that follows. Otherwise each request
    /// says in its `_meta` who asks, in what revision, and what can be asked back.
    #[must_use]
    pub fn has_initialize(self) -> bool {
        self < Self::V2026_07_28
    }

    /// Whether the other side remembers who speaks to it: a session, by its id or by its connection.
    #[must_use]
    pub fn has_sessions(self) -> bool {
        self.has_initialize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_revisions_are_echoed() {
        for revision in REVISIONS.into_iter().filter(|revision| revision.has_initialize()) {
            assert_eq!(Revision::negotiate(revision.as_str()), revision);
        }
        assert_eq!(Revision::negotiate("1999-01-01"), Revision::LATEST);
        assert_eq!(Revision::negotiate("2026-07-28"), Revision::LATEST);
    }

    #[test]
    fn the_newest_has_no_handshake() {
        assert!(Revision::LATEST.has_initialize());
        assert!(!Revision::MODERN.has_initialize());
        assert_eq!(Revision::named("2026-07-28"), Some(Revision::MODERN));
    }
}
