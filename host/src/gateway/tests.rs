use std::sync::{Mutex, atomic::AtomicUsize};

use gateway_core::{
    call::{Call, Caller, MAX_DEPTH},
    error::{CallError, Failure, FailureKind},
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    role::{Pattern, Role, RoleId},
    source::{Fut, Item, Kind, Nobody, Offer, SourceStatus, State},
};

use super::*;

/// A server with the tools `echo` and `again`, which calls itself as deep as it may.
struct Fake {
    name: SourceName,
    naming: Naming,
    offer: Mutex<Arc<Offer>>,
    starts: AtomicUsize,
}

impl Fake {
    fn new(name: &str) -> Arc<Self> {
        let name = SourceName::new(name).unwrap();
        let naming = Naming::canonical(&name);
        Arc::new(Self { name, naming, offer: Mutex::default(), starts: AtomicUsize::new(0) })
    }
}

impl Source for Fake {
    fn name(&self) -> &SourceName {
        &self.name
    }
    fn naming(&self) -> &Naming {
        &self.naming
    }
    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.offer.lock().unwrap().clone()
    }
    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(async {
            self.starts.fetch_add(1, Ordering::Relaxed);
            let tools = ["echo", "again"].map(|name| Item {
                name: name.into(),
                definition: Json::parse(format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#)).unwrap(),
            });
            *self.offer.lock().unwrap() = Arc::new(Offer { tools: Some(tools.into()), ..Offer::default() });
            Ok(())
        })
    }
    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            match &*request.target {
                "again" => call.invoke("files__again", None, None).await,
                _ => Ok(Reply { body: request.arguments.unwrap_or(Json::empty_object()) }),
            }
        })
    }
    fn status(&self) -> SourceStatus {
        SourceStatus { kind: "server", state: State::Idle, starts: 0, calls: 0, tools: None, error: None }
    }
    fn stop(&self, _: Duration) -> Fut<'_, ()> {
        Box::pin(async {})
    }
}

fn gateway(globs: &[&str], sources: Vec<Arc<Fake>>) -> (Arc<Gateway>, RoleId) {
    let allow = globs.iter().map(|glob| Pattern::new(glob).unwrap()).collect();
    let role = Role { name: "r".into(), allow: Some(allow), deny: Box::new([]) };
    let roles = Arc::new(RoleSet::new(vec![role], Some("r")));
    let role = roles.resolve(None).unwrap();
    let sources = sources.into_iter().map(|source| source as Arc<dyn Source>).collect();
    (Arc::new(Gateway::new(World::new(roles, sources))), role)
}

async fn run(gateway: &Arc<Gateway>, role: RoleId, tool: &str) -> Result<Reply, CallError> {
    let face = gateway.face(&Abilities::NONE);
    let call = Call::root(Caller { role }, None, Arc::new(Nobody), Arc::new(face.clone()));
    let params = Params { arguments: Some(Json::parse(r#"{"x":1.50}"#).unwrap()), ..Params::default() };
    face.run(Op::CallTool, tool, params, Arc::new(call)).await
}

#[tokio::test]
async fn a_hidden_tool_is_an_unknown_tool() {
    let (gateway, role) = gateway(&["files__echo"], vec![Fake::new("files"), Fake::new("memory")]);
    assert_eq!(run(&gateway, role, "files__echo").await.unwrap().body.as_str(), r#"{"x":1.50}"#);
    for name in ["files__again", "files__missing", "memory__echo", "_memory_connect", "nonsense", ""] {
        match run(&gateway, role, name).await {
            Err(CallError::UnknownTool(unknown)) => assert_eq!(&*unknown, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_a_role_cannot_see_is_not_started() {
    let (files, memory) = (Fake::new("files"), Fake::new("memory"));
    let (gateway, role) = gateway(&["files_*"], vec![files.clone(), memory.clone()]);
    assert!(run(&gateway, role, "memory__echo").await.is_err());
    assert!(run(&gateway, role, "_memory_connect").await.is_err());
    assert!(run(&gateway, role, "files__echo").await.is_ok());
    assert_eq!((files.starts.load(Ordering::Relaxed), memory.starts.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn connecting_replaces_the_placeholder() {
    let (gateway, role) = gateway(&["*__echo"], vec![Fake::new("files")]);
    let face = gateway.face(&Abilities::NONE);
    let published = face.published();
    assert!(face.snapshot().list(role, Kind::Tool).as_str().contains("_files_connect"));
    assert!(!published.has_changed().unwrap(), "the first catalogue is no change");
    let reply = run(&gateway, role, "_files_connect").await.unwrap();
    assert!(reply.body.as_str().contains(r#""tool_names":["files__echo"]"#), "{}", reply.body);
    assert!(published.has_changed().unwrap());
    assert!(!face.snapshot().list(role, Kind::Tool).as_str().contains("_files_connect"));
}

#[tokio::test]
async fn nesting_has_an_end() {
    let (gateway, role) = gateway(&["*"], vec![Fake::new("files")]);
    match run(&gateway, role, "files__again").await {
        Err(CallError::Failed(Failure { kind: FailureKind::Limit, message, .. })) => {
            assert!(message.contains(&MAX_DEPTH.to_string()), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_is_known_to_the_role_that_made_it() {
    let roles = RoleSet::new(vec![Role::unfiltered("a"), Role::unfiltered("b")], None);
    let [a, b] = ["a", "b"].map(|name| roles.resolve(Some(name)).unwrap());
    let (errands, source) = (errands::Errands::default(), Fake::new("files") as Arc<dyn Source>);
    let reply = |text: &'static str| Reply { body: Json::parse(text).unwrap() };
    errands.learn(a, &source, false, &reply(r#"{"resultType":"task","taskId":"new"}"#));
    errands.learn(a, &source, true, &reply(r#"{"task":{"taskId":"old"}}"#));
    errands.learn(a, &source, false, &reply(r#"{"task":{"taskId":"not wanted"}}"#));
    errands.learn(a, &source, true, &reply(r#"{"content":[]}"#));
    for (role, id, known) in [(a, "new", true), (a, "old", true), (a, "not wanted", false), (b, "new", false)] {
        assert_eq!(errands.runs(role, &source, id), known, "{id}");
    }
    assert_eq!((errands.all_runners(a).len(), errands.all_runners(b).len()), (1, 0));
}
