//! Calling a tool in the client's place.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Op, Reply, Request},
    snapshot::Target,
    source::Kind,
};

use super::{
    catalogue::{known, server_of, tools_of},
    params::Params,
};
use crate::arguments;

/// Answers `gateway_invoke`. What the tool gives is passed on as it is.
pub(super) async fn invoke(params: &Params<'_>, request: &Request, call: &Call) -> Result<Reply, CallError> {
    let tool = params.needed("tool")?;
    let given = match params.object("arguments")? {
        Some(given) => Some(given),
        // What `call_backend` calls them.
        None => params.object("params")?,
    };
    let unknown = || CallError::UnknownTool(tool.as_str().into());
    let role = call.caller.role;
    let (snapshot, public) = match params.text("server")? {
        None => (call.find_out(&tool).await?, Arc::from(tool.as_str())),
        Some(server) => {
            let snapshot = known(call, &server).await?;
            let source = server_of(&snapshot, role, &server)?;
            let mut of_server: Vec<_> = tools_of(&snapshot, role, source).collect();
            // Its own name of the tool counts first; models write the public one too.
            of_server.sort_by_key(|(_, local)| ***local != *tool);
            let named = of_server.iter().find(|(entry, local)| ***local == *tool || *entry.public == *tool);
            let public = named.map(|(entry, _)| entry.public.clone()).ok_or_else(unknown)?;
            (snapshot, public)
        }
    };
    let (entry, _) = snapshot.find(role, Kind::Tool, &public).ok_or_else(unknown)?;
    if let Target::Local(_) = &entry.target {
        arguments::check(&public, entry.definition(), given.as_ref())?;
    }
    let Request { meta, rest, .. } = request.clone();
    call.hand_on(Request { op: Op::CallTool, target: public, arguments: given, meta, rest }).await
}
