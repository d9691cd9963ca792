use std::time::Duration;

use super::*;
use crate::{
    call::Call,
    error::CallError,
    name::{Naming, SourceName},
    payload::{Reply, Request},
    role::{Pattern, Role},
    source::{Client, Fut, Item, SourceStatus},
};

struct Fixed(SourceName, Naming, Arc<Offer>);

impl Source for Fixed {
    fn name(&self) -> &SourceName {
        &self.0
    }
    fn naming(&self) -> &Naming {
        &self.1
    }
    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.2.clone()
    }
    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        unreachable!("nothing is called here")
    }
    fn call(&self, _: Request, _: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        unreachable!("nothing is called here")
    }
    fn status(&self) -> SourceStatus {
        unreachable!("nothing is called here")
    }
    fn stop(&self, _: Duration) -> Fut<'_, ()> {
        unreachable!("nothing is called here")
    }
}

fn source(name: &str, tools: Option<&[&str]>) -> Arc<dyn Source> {
    let name = SourceName::new(name).unwrap();
    let tool = |name: &&str| Item {
        name: (*name).into(),
        definition: Json::parse(format!(r#"{{"x":1, "name": "{name}", "inputSchema":{{}}}}"#)).unwrap(),
    };
    let offer = Offer { tools: tools.map(|names| names.iter().map(tool).collect()), ..Offer::default() };
    Arc::new(Fixed(name.clone(), Naming::canonical(&name), Arc::new(offer)))
}

fn roles(globs: &[&str]) -> Arc<RoleSet> {
    let allow = globs.iter().map(|glob| Pattern::new(glob).unwrap()).collect();
    Arc::new(RoleSet::new(vec![Role { name: "r".into(), allow: Some(allow), deny: Box::new([]) }], Some("r")))
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    let role = snapshot.roles().resolve(None).unwrap();
    snapshot.visible(role, Kind::Tool).map(|(entry, _)| entry.public.to_string()).collect()
}

#[test]
fn lists_and_finds_what_the_role_sees() {
    let sources = [source("files", Some(&["read", "write"])), source("memory", None), source("web", None)];
    let snapshot = Snapshot::of(roles(&["files_r*", "memory_*"]), &sources, &Abilities::NONE, Arc::default());
    assert_eq!(names(&snapshot), ["files__read", "_memory_connect"]);
    let role = snapshot.roles().resolve(None).unwrap();
    assert!(snapshot.find(role, Kind::Tool, "files__read").is_some());
    assert!(snapshot.find(role, Kind::Tool, "files__write").is_none());
    assert!(snapshot.find(role, Kind::Tool, "_web_connect").is_none());
    let list = snapshot.list(role, Kind::Tool);
    assert!(list.as_str().starts_with(r#"{"tools":[{"x":1, "name": "files__read", "inputSchema":{}},"#), "{list}");
}

#[test]
fn an_empty_list_is_a_list() {
    let snapshot =
        Snapshot::of(roles(&["none"]), &[source("files", Some(&["read"]))], &Abilities::NONE, Arc::default());
    assert_eq!(snapshot.list(snapshot.roles().resolve(None).unwrap(), Kind::Tool).as_str(), r#"{"tools":[]}"#);
}

#[test]
fn clashes_do_not_depend_on_the_order() {
    let (a, b) = (source("a", Some(&["b__c"])), source("a__b", Some(&["c", "d"])));
    let open = Arc::new(RoleSet::new(vec![], None));
    let one = names(&Snapshot::of(open.clone(), &[a.clone(), b.clone()], &Abilities::NONE, Arc::default()));
    let mut other = names(&Snapshot::of(open, &[b, a], &Abilities::NONE, Arc::default()));
    other.rotate_right(1);
    assert_eq!(one, other);
    assert!(one.iter().all(|name| name.starts_with("a__b__c_") || name == "a__b__d"), "{one:?}");
    assert_ne!(one[0], one[1]);
}

struct Files(Arc<dyn Source>, Arc<Offer>);

impl Source for Files {
    fn name(&self) -> &SourceName {
        self.0.name()
    }
    fn naming(&self) -> &Naming {
        self.0.naming()
    }
    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.1.clone()
    }
    fn learn<'a>(&'a self, client: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        self.0.learn(client)
    }
    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        self.0.call(request, call)
    }
    fn status(&self) -> SourceStatus {
        self.0.status()
    }
    fn stop(&self, grace: Duration) -> Fut<'_, ()> {
        self.0.stop(grace)
    }
}

fn files(name: &str, resources: &[&str], templates: &[&str]) -> Arc<dyn Source> {
    let item = |key: &str, value: &str| Item {
        name: value.into(),
        definition: Json::parse(format!(r#"{{"{key}":"{value}","name":"note"}}"#)).unwrap(),
    };
    let offer = Offer {
        tools: Some(Box::new([])),
        resources: resources.iter().map(|uri| item("uri", uri)).collect(),
        templates: templates.iter().map(|uri| item("uriTemplate", uri)).collect(),
        greeting: Some(Json::parse(r#"{"capabilities":{"resources":{}}}"#).unwrap()),
        ..Offer::default()
    };
    Arc::new(Files(source(name, None), Arc::new(offer)))
}

fn readable(snapshot: &Snapshot, uri: &str) -> Vec<String> {
    let role = snapshot.roles().resolve(None).unwrap();
    snapshot.readable(role, uri).iter().map(|found| format!("{} {}", found.source.name(), found.local)).collect()
}

#[test]
fn resources_keep_their_uris_where_they_are_alone() {
    let sources = [files("a", &["x://1", "x://2"], &["t://{id}"]), files("b_c", &["x://2", "x://3"], &["t://{id}"])];
    let snapshot = Snapshot::of(roles(&["*"]), &sources, &Abilities::NONE, Arc::default());
    assert_eq!(readable(&snapshot, "x://1"), ["a x://1"]);
    assert_eq!(readable(&snapshot, "x://3"), ["b_c x://3"]);
    assert_eq!(readable(&snapshot, "a+x://2"), ["a x://2"]);
    assert_eq!(readable(&snapshot, "b.c+x://2"), ["b_c x://2"]);
    assert_eq!(readable(&snapshot, "b.c+t://7"), ["b_c t://7"]);
    assert_eq!(readable(&snapshot, "x://unlisted"), ["a x://unlisted", "b_c x://unlisted"]);
    let role = snapshot.roles().resolve(None).unwrap();
    assert_eq!(snapshot.public_uri(role, &sources[1], "x://2").as_deref(), Some("b.c+x://2"));
    assert_eq!(snapshot.public_uri(role, &sources[1], "t://9").as_deref(), Some("b.c+t://9"));
    assert_eq!(snapshot.public_uri(role, &sources[1], "x://3").as_deref(), Some("x://3"));
    assert!(snapshot.list(role, Kind::Resource).as_str().contains(r#"{"uri":"b.c+x://2","name":"note"}"#));
    let own = Snapshot::of_one(roles(&["*"]), Some(&sources[1]), &Abilities::NONE);
    assert_eq!(readable(&own, "x://2"), ["b_c x://2"]);
}

#[test]
fn resources_are_filtered_by_uri_and_by_name() {
    let sources = [files("a", &["x://1"], &["t://{id}"]), files("b", &["y://1"], &[])];
    let by_name = Snapshot::of(roles(&["a__note"]), &sources, &Abilities::NONE, Arc::default());
    assert_eq!(readable(&by_name, "x://1"), ["a x://1"]);
    assert!(readable(&by_name, "y://1").is_empty());
    assert!(readable(&by_name, "x://other").is_empty());
    let by_uri = Snapshot::of(roles(&["b__y:*"]), &sources, &Abilities::NONE, Arc::default());
    assert_eq!(readable(&by_uri, "y://1"), ["b y://1"]);
    assert_eq!(readable(&by_uri, "y://unlisted"), ["b y://unlisted"]);
    assert!(readable(&by_uri, "x://1").is_empty());
    assert!(readable(&by_uri, "t://1").is_empty());
}

#[test]
fn behind_the_meta_tools_only_what_is_pinned_is_listed() {
    let sources = [source("files", Some(&["read", "write"])), source("memory", None), source("web", None)];
    let pin = ["files_r*", "web__get"].map(|glob| Pattern::new(glob).unwrap());
    let surface = Arc::new(Surface::new(true, &pin));
    let snapshot = Snapshot::of(roles(&["*"]), &sources, &Abilities::NONE, surface);
    let role = snapshot.roles().resolve(None).unwrap();
    let listed: Vec<&str> = snapshot.listed(role, Kind::Tool).map(|entry| &*entry.public).collect();
    assert_eq!(listed, ["files__read", "_web_connect"]);
    assert!(snapshot.find(role, Kind::Tool, "files__write").is_some());
}
