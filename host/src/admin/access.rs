//! Who asks, and what they may see and do.
//!
//! Changing anything needs a role that may use the gateway's own tools for it, by its globs on their names, whether or
//! not those tools are offered (`management`); reading logs, calls, sessions and metrics one that may use
//! `gateway_status`. Whatever is shown is what the role may know of: the rest is answered like what does not exist.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use gateway_core::{
    call::Caller,
    name::{Naming, SourceName},
    role::{Role, RoleId},
    snapshot::Snapshot,
    source::{Abilities, Client, Nobody, Source},
};

use super::{answer::Refused, api::Api, overview::Rights};
use crate::telemetry::record::{Called, Line, What};

/// The gateway's own tools, by which it is decided what a role may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `gateway_register_server`.
    Register,
    /// `gateway_remove_server`.
    Remove,
    /// `gateway_status`.
    Status,
}

/// Whoever asks, and what there is for them.
pub struct Asker {
    /// Their role.
    pub role: RoleId,
    /// The catalogue as it is now.
    pub snapshot: Arc<Snapshot>,
    /// The gateway.
    pub api: Api,
}

impl Need {
    const fn tool(self) -> &'static str {
        match self {
            Self::Register => "register_server",
            Self::Remove => "remove_server",
            Self::Status => "status",
        }
    }

    /// Whether the role may.
    #[must_use]
    pub fn is_met(self, role: &Role) -> bool {
        let gateway = SourceName::gateway();
        role.decide(&gateway, &Naming::canonical(&gateway), self.tool()).visible()
    }
}

impl Asker {
    pub(super) fn new(api: &Api, role: RoleId) -> Self {
        let face = api.control.gateway().face(&Abilities::NONE);
        Self { role, snapshot: face.refresh(), api: api.clone() }
    }

    /// The same, once plugins that nobody has asked yet have said what they offer. Servers are not started for it.
    pub async fn learned(mut self) -> Self {
        let (face, nobody): (_, Arc<dyn Client>) =
            (self.api.control.gateway().face(&Abilities::NONE), Arc::new(Nobody));
        if let Ok(snapshot) = face.list(&nobody).await {
            self.snapshot = snapshot;
        }
        self
    }

    /// Their role.
    #[must_use]
    pub fn globs(&self) -> &Role {
        self.snapshot.roles().get(self.role)
    }

    /// What they may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        let role = self.globs();
        let [register, remove, status] = [Need::Register, Need::Remove, Need::Status].map(|need| need.is_met(role));
        Rights { register, remove, status, act_as: register && remove }
    }

    /// Refuses where they may not.
    ///
    /// # Errors
    /// Which globs would let them.
    pub fn needs(&self, need: Need) -> Result<(), Refused> {
        let role = self.globs();
        if need.is_met(role) {
            return Ok(());
        }
        let tool = need.tool();
        let error = format!("role {:?} may not do this: it may not use gateway_{tool}", role.name);
        Err(Refused::new(StatusCode::FORBIDDEN, error).hint(format!("allow gateway_{tool} in roles.{}", role.name)))
    }

    /// The role that they want to act as, within what they may use themselves.
    ///
    /// # Errors
    /// Where they may not, or there is no such role.
    pub fn acting_as(&self, named: Option<&str>) -> Result<RoleId, Refused> {
        let Some(named) = named else { return Ok(self.role) };
        if *self.globs().name == *named {
            return Ok(self.role);
        }
        self.needs(Need::Register)?;
        self.needs(Need::Remove)?;
        let role = self.snapshot.roles().resolve(Some(named));
        role.map_err(|error| Refused::unknown(error.to_string()))
    }

    /// Whether they may know of the source.
    #[must_use]
    pub fn sees(&self, source: &Arc<dyn Source>) -> bool {
        self.snapshot.sees_source(self.role, source)
    }

    /// The source of that name, if they may know of it.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.snapshot.sources().iter().find(|source| source.name().as_str() == name && self.sees(source))
    }

    /// Whether they may know of a server or plugin of that name which is not there at the moment: it is disabled,
    /// cannot be used, or was removed.
    #[must_use]
    pub fn could_see(&self, name: &SourceName) -> bool {
        match self.snapshot.sources().iter().find(|source| source.name() == name) {
            Some(source) => self.sees(source),
            None => self.globs().decide_placeholder(name, &Naming::canonical(name)).visible(),
        }
    }

    /// Whether they may know of everything that there is, and so of what names nothing in particular, or anything.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        let role = self.globs();
        // A name that nobody chose: who may see a server of it may see any.
        let any =
            SourceName::new("0").is_ok_and(|name| role.decide_placeholder(&name, &Naming::canonical(&name)).visible());
        let sees = |source: &Arc<dyn Source>| role.decide_placeholder(source.name(), source.naming()).visible();
        any && self.snapshot.sources().iter().all(sees)
    }
}

/// What of the log whoever asks may know of.
pub struct Eye<'a> {
    asker: &'a Asker,
    all: bool,
}

impl<'a> Eye<'a> {
    /// That of whoever asks.
    #[must_use]
    pub fn of(asker: &'a Asker) -> Self {
        Self { asker, all: asker.sees_all() }
    }

    /// Whether they may know of it. What names nothing in particular may name anything.
    #[must_use]
    pub fn sees(&self, line: &Line) -> bool {
        match &line.what {
            What::Began(called) | What::Ended(called, ..) => self.sees_call(called),
            What::Said(said) => match said.source.as_deref().map(SourceName::new) {
                Some(Ok(source)) => self.all || self.asker.could_see(&source),
                _ => self.all,
            },
        }
    }

    /// Whether they may use what was called.
    #[must_use]
    pub fn sees_call(&self, called: &Called) -> bool {
        let (role, source) = (self.asker.globs(), &called.source);
        let there = self.asker.snapshot.sources().iter().find(|there| there.name() == source);
        let canonical = Naming::canonical(source);
        let naming = there.map_or(&canonical, |there| there.naming());
        match called.local.is_empty() {
            true => role.decide_placeholder(source, naming).visible(),
            false => role.decide(source, naming, &called.local).visible(),
        }
    }
}

impl std::fmt::Debug for Eye<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Eye").field("all", &self.all).finish_non_exhaustive()
    }
}

impl FromRequestParts<Api> for Asker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refused> {
        // The guard in front of everything says who it is; without one, nobody comes in.
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or_else(|| Refused::new(StatusCode::UNAUTHORIZED, "nobody has said who asks"))?;
        Ok(Self::new(api, caller.role))
    }
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").field("role", &self.globs().name).finish_non_exhaustive()
    }
}
