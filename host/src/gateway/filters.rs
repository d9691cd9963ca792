//! Plugins that see the calls of tools before they run, and what they gave.
//!
//! A call goes through its filters in the order of the configuration, and its result through the same ones from the last
//! to the first, as through layers. A filter that cannot look, or answers with something else than it may, ends the
//! call: what should be seen is never let past unseen.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    filter::{Decision, Filter, Seen, Verdict},
    name::SourceName,
    payload::{Json, Reply, ReplyKind, Request},
    role::Role,
    source::{Fut, Source},
};

/// One of them, and which calls it sees.
pub struct Filtered {
    /// The globs, held against the names of tools as those of a role are.
    tools: Role,
    filter: Arc<dyn Filter>,
}

/// All of them, in the order of the configuration.
#[derive(Default)]
pub struct Filters(Box<[Filtered]>);

/// In the place of a filter whose plugin is not there: what it should see does not pass.
pub struct Missing(SourceName);

/// The filters of one call, and what they see.
pub(super) struct Watched {
    filters: Vec<Arc<dyn Filter>>,
    seen: Seen,
}

impl Missing {
    /// For the filter of that name.
    #[must_use]
    pub fn new(name: SourceName) -> Self {
        Self(name)
    }

    fn failure(&self) -> CallError {
        let message = format!("plugin {:?} is left out of the configuration", self.0);
        Failure::new(FailureKind::Unavailable, message).hint("see `gateway check`").into()
    }
}

impl Filter for Missing {
    fn name(&self) -> &SourceName {
        &self.0
    }

    fn before<'a>(&'a self, _: Seen, _: &'a Arc<Call>) -> Fut<'a, Result<Decision, CallError>> {
        Box::pin(async { Err(self.failure()) })
    }

    fn after<'a>(&'a self, _: Seen, _: Json, _: &'a Arc<Call>) -> Fut<'a, Result<Verdict, CallError>> {
        Box::pin(async { Err(self.failure()) })
    }
}

impl Filtered {
    /// `filter` sees the calls of what `tools` shows.
    #[must_use]
    pub fn new(tools: Role, filter: Arc<dyn Filter>) -> Self {
        Self { tools, filter }
    }
}

impl FromIterator<Filtered> for Filters {
    fn from_iter<T: IntoIterator<Item = Filtered>>(filters: T) -> Self {
        Self(filters.into_iter().collect())
    }
}

impl Filters {
    /// Those that see this call; `None` where there are none.
    pub(super) fn of(&self, source: &dyn Source, request: &Request, role: &Role) -> Option<Watched> {
        // Most gateways have none, and pay nothing for that.
        if self.0.is_empty() {
            return None;
        }
        let sees = |of: &&Filtered| of.tools.decide(source.name(), source.naming(), &request.target).visible();
        let filters: Vec<_> = self.0.iter().filter(sees).map(|of| of.filter.clone()).collect();
        if filters.is_empty() {
            return None;
        }
        let seen = Seen {
            tool: source.naming().public(&request.target),
            arguments: request.arguments.clone().unwrap_or(Json::empty_object()),
            role: role.name.as_ref().into(),
        };
        Some(Watched { filters, seen })
    }
}

impl Watched {
    /// Shows them the call, which may change it or end it.
    pub(super) async fn before(&mut self, request: &mut Request, call: &Arc<Call>) -> Result<(), CallError> {
        // A result that is fetched later would pass unseen: the tool answers the call itself.
        request.rest.retain(|(name, _)| **name != *"task");
        for filter in &self.filters {
            match filter.before(self.seen.clone(), call).await.map_err(|error| blind(filter.name(), error))? {
                Decision::Proceed => {}
                Decision::Rewrite(arguments) if arguments.is_object() => {
                    self.seen.arguments = arguments.clone();
                    request.arguments = Some(arguments);
                }
                Decision::Rewrite(_) => return Err(not_an_object(filter.name(), "arguments")),
                Decision::Refuse(reason) => {
                    let message =
                        format!("tool {:?}: filter {:?} refused the call: {reason}", self.seen.tool, filter.name());
                    return Err(Failure::new(FailureKind::Denied, message).into());
                }
            }
        }
        Ok(())
    }

    /// Shows them the result, which may change it or withhold it.
    pub(super) async fn after(&self, reply: Reply, call: &Arc<Call>) -> Result<Reply, CallError> {
        let mut body = reply.body;
        match (Reply { body: body.clone() }).kind() {
            ReplyKind::Complete => {}
            // Questions to the client; the result comes with the last round.
            ReplyKind::InputRequired => return Ok(Reply { body }),
            _ => {
                let message = format!(
                    "tool {:?}: it answers with a task, whose result filter {:?} would not see",
                    self.seen.tool,
                    self.filters.first().map_or("", |filter| filter.name().as_str())
                );
                return Err(Failure::new(FailureKind::Denied, message).into());
            }
        }
        for filter in self.filters.iter().rev() {
            let verdict = filter.after(self.seen.clone(), body.clone(), call).await;
            match verdict.map_err(|error| blind(filter.name(), error))? {
                Verdict::Keep => {}
                Verdict::Replace(other) if other.is_object() => body = other,
                Verdict::Replace(_) => return Err(not_an_object(filter.name(), "result")),
                Verdict::Withhold(reason) => {
                    let message =
                        format!("tool {:?}: filter {:?} withheld the result: {reason}", self.seen.tool, filter.name());
                    return Err(Failure::new(FailureKind::Denied, message).into());
                }
            }
        }
        Ok(Reply { body })
    }
}

/// A filter that could not look.
fn blind(filter: &SourceName, error: CallError) -> CallError {
    let (kind, cause, hint) = match error {
        CallError::Failed(failure) => (failure.kind, failure.message.to_string(), failure.hint),
        other => (FailureKind::Broken, other.to_string(), None),
    };
    let failure =
        Failure::new(kind, format!("filter {filter:?} could not look at the call, which is refused: {cause}"));
    match hint {
        Some(hint) => failure.hint(hint).into(),
        None => failure.into(),
    }
}

fn not_an_object(filter: &SourceName, what: &str) -> CallError {
    let message =
        format!("filter {filter:?} gave something else than a JSON object as the {what}; the call is refused");
    Failure::new(FailureKind::Broken, message).into()
}
