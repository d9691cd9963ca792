//! What does not go by a name of the catalogue: URIs, tasks, and what no revision of MCP knows.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::{CallError, Failure, FailureKind},
    name::SourceName,
    payload::{Json, Op, Reply, Request},
    role::{Role, RoleId},
    snapshot::{Readable, Snapshot},
    source::{Client, Kind, Source},
};
use serde_json::{Value, json};

use super::{Face, Params, request};
use crate::results;

/// There is no such thing, as servers of any revision say it.
const NOT_FOUND: [i64; 2] = [-32002, -32602];

/// How many pages of a server's tasks are read.
const MAX_PAGES: usize = 100;

impl Face {
    /// What goes by a URI. Where a server is not known to list it, those that could have it are asked in turn.
    pub(super) async fn located(&self, op: Op, uri: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let role = call.caller.role;
        let snapshot = match (self.scope(), self.is_scoped()) {
            // A client may know a URI from an earlier session.
            (Some(source), _) if source.offer(&self.picture.abilities).tools.is_none() => {
                self.gateway.learn(&source, call.client()).await?;
                self.refresh()
            }
            (_, true) => self.snapshot(),
            (_, false) => self.knowing(role, uri, call.client()).await,
        };
        let mut refused = None;
        for Readable { source, local, listed } in snapshot.readable(role, uri) {
            let params =
                Params { arguments: params.arguments.clone(), meta: params.meta.clone(), rest: params.rest.clone() };
            match self.ask_of(source, request(op.clone(), local, params), call.clone()).await {
                Ok(reply) => return Ok(self.public(&snapshot, role, source, reply)),
                // What is hidden and what does not exist are told apart nowhere, by no server's own words either.
                Err(CallError::Backend(error))
                    if !listed && hides(snapshot.roles().get(role)) && is_not_found(&error) => {}
                // Another template may have made it.
                Err(CallError::UnknownResource(_)) => {}
                Err(error @ (CallError::Backend(_) | CallError::UnknownMethod(_))) => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.unwrap_or_else(|| CallError::UnknownResource(uri.into())))
    }

    /// The catalogue, in which plugins are known: one of them may have a resource that nobody is known to list.
    async fn knowing(&self, role: RoleId, uri: &str, client: &Arc<dyn Client>) -> Arc<Snapshot> {
        let snapshot = self.snapshot();
        if snapshot.find(role, Kind::Resource, uri).is_some() {
            return snapshot;
        }
        Box::pin(self.gateway.learn_at_once(client)).await;
        self.refresh()
    }

    /// Asks the source, unless it is there no more.
    async fn ask_of(&self, source: &Arc<dyn Source>, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        let Some(during) = self.gateway.enter(source, call.client()) else {
            let message = format!("{:?} was removed while it was to be asked", source.name());
            return Err(Failure::new(FailureKind::Unavailable, message).into());
        };
        let recording = self.gateway.begin(source, &request.target.clone(), &request, &call);
        let result = self.ask(source, request, call, during).await;
        self.gateway.end(recording, &result);
        result
    }

    /// The reply with the URIs that the client knows, where two servers have the same.
    pub(super) fn public(&self, snapshot: &Snapshot, role: RoleId, source: &Arc<dyn Source>, reply: Reply) -> Reply {
        if !snapshot.renames(source) {
            return reply;
        }
        results::renamed(reply, |local| snapshot.public_uri(role, source, local))
    }

    /// What is asked of a task: by whoever runs it, if this role made it.
    pub(super) async fn errand(&self, op: Op, id: &str, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let role = call.caller.role;
        let runners = match (self.scope(), self.is_scoped()) {
            (Some(source), _) if self.snapshot().sees_source(role, &source) => vec![source],
            (_, true) => Vec::new(),
            (_, false) => self.gateway.errands.runners(role, id),
        };
        let mut refused = None;
        for source in runners {
            let params = Params { arguments: None, meta: params.meta.clone(), rest: params.rest.clone() };
            match self.ask_of(&source, request(op.clone(), "".into(), params), call.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        // MCP 2025-11-25, "Tasks", protocol errors.
        Err(refused.unwrap_or_else(|| CallError::InvalidParams(format!("Task not found: {id}").into())))
    }

    /// The tasks that this role made, wherever they run.
    ///
    /// # Errors
    /// Where the single source that is seen refuses.
    pub async fn errands(&self, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let role = call.caller.role;
        let method = || Op::Other("tasks/list".into());
        if let Some(source) = self.scope().filter(|source| self.snapshot().sees_source(role, source)) {
            return self.ask_of(&source, request(method(), "".into(), params), call).await;
        }
        let mut tasks = Vec::new();
        for source in self.gateway.errands.all_runners(role) {
            let mut cursor = None;
            for _ in 0..MAX_PAGES {
                let rest = cursor.take().map(|cursor| ("cursor".into(), Json::from_value::<Value>(&cursor)));
                let params = Params { rest: rest.into_iter().collect(), ..Params::default() };
                // A server that does not list its tasks keeps nobody from seeing those of the others.
                let Ok(reply) = self.ask_of(&source, request(method(), "".into(), params), call.clone()).await else {
                    break;
                };
                let Ok(mut page) = reply.body.to::<Value>() else { break };
                if let Some(Value::Array(listed)) = page.get_mut("tasks").map(Value::take) {
                    let own = |task: &Value| {
                        task["taskId"].as_str().is_some_and(|id| self.gateway.errands.runs(role, &source, id))
                    };
                    tasks.extend(listed.into_iter().filter(own));
                }
                match page.get_mut("nextCursor").map(Value::take) {
                    Some(next @ Value::String(_)) => cursor = Some(next),
                    _ => break,
                }
            }
        }
        Ok(Reply { body: Json::from_value(&json!({ "tasks": tasks })) })
    }

    /// A client tells something that belongs to no request. That its roots have changed is meant for every server behind
    /// it; anything else for the one server that there is.
    pub fn tell(&self, role: RoleId, client: &Arc<dyn Client>, method: &str, params: Option<&Json>) {
        let snapshot = self.snapshot();
        let mut meant: Vec<_> = self.meant(&snapshot, role).collect();
        if method != "notifications/roots/list_changed" && meant.len() > 1 {
            meant.clear();
        }
        meant.iter().for_each(|source| source.tell(client, method, params));
    }

    /// The servers that a client of this role may mean.
    fn meant<'a>(&'a self, snapshot: &'a Snapshot, role: RoleId) -> impl Iterator<Item = &'a Arc<dyn Source>> {
        let alone = self.is_scoped();
        snapshot
            .sources()
            .iter()
            .filter(move |source| (alone || is_server(source)) && snapshot.sees_source(role, source))
    }

    /// What no revision of MCP knows. Only where there is a single server is it clear who is meant.
    pub(super) async fn unknown_method(&self, op: Op, params: Params, call: Arc<Call>) -> Result<Reply, CallError> {
        let snapshot = self.snapshot();
        let mut meant = self.meant(&snapshot, call.caller.role);
        match (meant.next(), meant.next()) {
            (Some(source), None) => self.ask_of(source, request(op, "".into(), params), call).await,
            _ => Err(CallError::UnknownMethod(op.method().into())),
        }
    }
}

/// Whether it is somebody else's server: plugins and the gateway's own tools know no other methods.
pub(super) fn is_server(source: &Arc<dyn Source>) -> bool {
    !source.learns_at_once() && *source.name() != SourceName::gateway()
}

/// Whether there is anything that the role may not see.
fn hides(role: &Role) -> bool {
    role.allow.is_some() || !role.deny.is_empty()
}

fn is_not_found(error: &Json) -> bool {
    error.to::<Value>().is_ok_and(|error| error["code"].as_i64().is_some_and(|code| NOT_FOUND.contains(&code)))
}
