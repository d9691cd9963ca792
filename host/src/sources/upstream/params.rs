//! What a request says: composed anew, so that nothing gets through that was not looked at.

use gateway_core::{
    call::Call,
    payload::{Json, Op, Request},
    source::{Client, LogLevel},
    wire::json::{Members, Object},
};

use super::{handshake::per_request, hello::Hello};

/// Members by which revision 2026-07-28 brings answers along; an older server has asked nothing.
pub(super) const ROUND: [&str; 2] = ["inputResponses", "requestState"];

/// The `params` of a request that goes out with this id, which is its progress token too, where the caller wants
/// progress.
pub(super) fn compose(request: &Request, call: &Call, id: u64, hello: &Hello) -> Option<Json> {
    let size = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_bytes().len());
    let capacity = 320 + request.target.len() + size(&request.arguments) + size(&request.meta);
    let mut params = Object::with_capacity(capacity);
    let mut empty = !head(request, &mut params);
    if let Some(meta) = meta(request, call, id, hello) {
        params.raw("_meta", meta.as_bytes());
        empty = false;
    }
    let old = hello.revision.has_initialize();
    for (name, value) in request.rest.iter().filter(|(name, _)| !old || !ROUND.contains(&&**name)) {
        params.raw(name, value.as_bytes());
        empty = false;
    }
    (!empty).then(|| params.finish())
}

/// What is asked, of what. Whether that says anything.
fn head(request: &Request, params: &mut Object) -> bool {
    match request.op {
        Op::CallTool | Op::GetPrompt => {
            params.text("name", &request.target);
            if let Some(arguments) = &request.arguments {
                params.raw("arguments", arguments.as_bytes());
            }
        }
        Op::ReadResource | Op::Subscribe | Op::Unsubscribe => drop(params.text("uri", &request.target)),
        Op::CompletePrompt => drop(params.raw("ref", reference("ref/prompt", "name", &request.target).as_bytes())),
        Op::CompleteResource => drop(params.raw("ref", reference("ref/resource", "uri", &request.target).as_bytes())),
        _ => return false,
    }
    true
}

fn reference(kind: &str, key: &str, target: &str) -> Json {
    let mut reference = Object::with_capacity(48 + target.len());
    reference.text("type", kind).text(key, target);
    reference.finish()
}

fn meta(request: &Request, call: &Call, id: u64, hello: &Hello) -> Option<Json> {
    let theirs = match &call.progress_token {
        None => request.meta.clone(),
        Some(_) => {
            let theirs = request.meta.as_ref().and_then(|meta| Members::read(meta.as_bytes()).ok()).unwrap_or_default();
            let mut meta = Object::with_capacity(32 + request.meta.as_ref().map_or(0, |meta| meta.as_bytes().len()));
            meta.raw("progressToken", id.to_string().as_bytes());
            for (name, value) in theirs.iter() {
                meta.raw(name, value.get().as_bytes());
            }
            Some(meta.finish())
        }
    };
    if hello.revision.has_initialize() {
        return theirs;
    }
    let client = call.client();
    let level = level(&**client).filter(|_| hello.logs);
    Some(per_request(theirs.as_ref(), &client.abilities().capabilities(), level))
}

/// The log messages that a server without sessions is asked for. One with sessions sends what it likes to a client that
/// never said what it wants, and such a client would miss them.
pub(super) fn level(client: &dyn Client) -> Option<LogLevel> {
    client.log_level().or_else(|| client.session().is_some().then_some(LogLevel::Info))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gateway_core::{
        call::Caller,
        error::CallError,
        payload::Reply,
        role::RoleSet,
        snapshot::Snapshot,
        source::{Dispatch, Fut},
        wire::revision::Revision,
    };
    use serde_json::{Value, json};

    use super::*;

    struct Nobody;

    impl Client for Nobody {
        fn progress(&self, _: &Json, _: &Json) {}
        fn ask(&self, _: Box<str>, _: Option<Json>) -> Fut<'_, Result<Json, Json>> {
            unreachable!("nothing is asked")
        }
    }

    impl Dispatch for Nobody {
        fn snapshot(&self) -> Arc<Snapshot> {
            unreachable!("no catalogue is wanted")
        }
        fn invoke<'a>(&'a self, _: &'a str, _: Option<Json>, _: Arc<Call>) -> Fut<'a, Result<Reply, CallError>> {
            unreachable!("nothing else is called")
        }
    }

    fn said(op: Op, target: &str, rest: &[(&str, Value)], token: Option<Json>, revision: Revision) -> Option<Value> {
        let caller = Caller { role: RoleSet::new(vec![], None).resolve(None).unwrap() };
        let call = Call::root(caller, token, Arc::new(Nobody), Arc::new(Nobody));
        let rest = rest.iter().map(|(name, value)| ((*name).into(), Json::from_value(value))).collect();
        let request = Request { op, target: target.into(), arguments: None, meta: None, rest };
        let hello = Hello::new(revision, Json::empty_object());
        compose(&request, &call, 7, &hello).map(|params| params.to().unwrap())
    }

    #[test]
    fn every_request_says_what_it_is_about() {
        let old = |op, target: &str, rest: &[(&str, Value)]| said(op, target, rest, None, Revision::LATEST);
        assert_eq!(old(Op::CallTool, "t", &[]), Some(json!({ "name": "t" })));
        assert_eq!(old(Op::GetPrompt, "p", &[]), Some(json!({ "name": "p" })));
        for op in [Op::ReadResource, Op::Subscribe, Op::Unsubscribe] {
            assert_eq!(old(op, "x:y", &[]), Some(json!({ "uri": "x:y" })));
        }
        let argument = [("argument", json!({ "name": "a", "value": "b" }))];
        let completion = old(Op::CompletePrompt, "p", &argument);
        assert_eq!(
            completion,
            Some(json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": argument[0].1 }))
        );
        let completion = old(Op::CompleteResource, "x:{y}", &[]);
        assert_eq!(completion, Some(json!({ "ref": { "type": "ref/resource", "uri": "x:{y}" } })));
        let task = [("taskId", json!("1"))];
        assert_eq!(old(Op::Other("tasks/get".into()), "", &task), Some(json!({ "taskId": "1" })));
        assert_eq!(old(Op::Other("x/y".into()), "", &[]), None);
    }

    #[test]
    fn who_wants_progress_gives_a_token_of_ours() {
        let token = Some(Json::from_value("theirs"));
        let said = said(Op::CallTool, "t", &[], token, Revision::LATEST);
        assert_eq!(said, Some(json!({ "name": "t", "_meta": { "progressToken": 7 } })));
    }

    #[test]
    fn answers_go_along_only_where_they_were_asked_for() {
        let rest = [("inputResponses", json!({ "a": {} })), ("requestState", json!("s"))];
        assert_eq!(said(Op::CallTool, "t", &rest, None, Revision::LATEST), Some(json!({ "name": "t" })));
        let new = said(Op::CallTool, "t", &rest, None, Revision::MODERN).unwrap();
        assert_eq!((&new["inputResponses"], &new["requestState"]), (&rest[0].1, &rest[1].1));
        assert_eq!(new["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(new["_meta"]["io.modelcontextprotocol/clientCapabilities"], json!({}));
    }
}
