//! What a server said of itself when it was greeted.

use gateway_core::{
    payload::Json,
    source::Kind,
    wire::{json::Members, revision::Revision},
};

/// What a server said of itself.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    /// What it speaks from now on.
    pub(super) revision: Revision,
    /// Its `InitializeResult` or `DiscoverResult`.
    pub(super) greeting: Json,
    /// It declares that it logs: asked with every call.
    pub(super) logs: bool,
}

impl Hello {
    pub(super) fn new(revision: Revision, greeting: Json) -> Self {
        let hello = Self { revision, greeting, logs: false };
        let logs = hello.declares("logging");
        Self { logs, ..hello }
    }

    /// Whether it declares this capability.
    pub(super) fn declares(&self, capability: &str) -> bool {
        self.capability(capability, |_| true)
    }

    /// Whether it tells when its list of these changes.
    pub(super) fn tells_of(&self, kind: Kind) -> bool {
        self.capability(kind.capability(), |members| is_true(members, "listChanged"))
    }

    /// Whether it tells of updates of single resources.
    pub(super) fn takes_subscriptions(&self) -> bool {
        self.capability(Kind::Resource.capability(), |members| is_true(members, "subscribe"))
    }

    /// Who it is: another version may speak another revision.
    pub(super) fn server_info(greeting: &Json) -> Option<Json> {
        let members = Members::read(greeting.as_bytes()).ok()?;
        members.part(greeting.bytes(), "serverInfo")
    }

    fn capability(&self, name: &str, holds: impl FnOnce(&Members<'_>) -> bool) -> bool {
        let members = Members::read(self.greeting.as_bytes()).unwrap_or_default();
        let capabilities = members.get("capabilities").and_then(|raw| Members::read(raw.get().as_bytes()).ok());
        let Some(declared) = capabilities.as_ref().and_then(|capabilities| capabilities.get(name)) else {
            return false;
        };
        holds(&Members::read(declared.get().as_bytes()).unwrap_or_default())
    }
}

fn is_true(members: &Members<'_>, name: &str) -> bool {
    members.get(name).is_some_and(|value| value.get() == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_as_they_were_declared() {
        let greeting =
            r#"{"capabilities":{"tools":{},"resources":{"subscribe":true,"listChanged":false},"logging":null}}"#;
        let hello = Hello::new(Revision::LATEST, Json::parse(greeting).unwrap());
        assert!(hello.declares("tools") && hello.declares("logging") && !hello.declares("prompts"));
        assert!(!hello.tells_of(Kind::Tool) && !hello.tells_of(Kind::Template) && !hello.tells_of(Kind::Prompt));
        assert!(hello.takes_subscriptions());
    }
}
