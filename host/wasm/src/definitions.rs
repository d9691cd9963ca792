//! What a plugin offers: checked when it is listed, and held against what is asked of it.

mod prompts;
mod resources;
mod schema;
mod template;
mod tools;

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    payload::Json,
    source::{Item, Kind, Offer},
    wire::json::Members,
};
use serde_json::value::RawValue;

pub(crate) use self::{
    prompts::Prompt,
    resources::Template,
    schema::{mistakes, validator},
    tools::Definition,
};
use crate::bindings::types::{PromptDefinition, ResourceLink, ResourceTemplate, ToolDefinition};

/// What a plugin listed.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) tools: Vec<ToolDefinition>,
    pub(crate) prompts: Vec<PromptDefinition>,
    pub(crate) resources: Vec<ResourceLink>,
    pub(crate) templates: Vec<ResourceTemplate>,
}

/// What one plugin offers.
#[derive(Debug)]
pub(crate) struct Definitions {
    tools: Box<[Definition]>,
    prompts: Box<[Prompt]>,
    templates: Box<[Template]>,
    offer: Arc<Offer>,
}

impl Definitions {
    /// Checks what a plugin listed.
    pub(crate) fn listed(plugin: &SourceName, listing: &Listing) -> Result<Self, Failure> {
        let broken = |what: String| Failure::new(FailureKind::Broken, format!("plugin {plugin:?}: {what}"));
        let tools = each("tool", &listing.tools, |tool| &tool.name, Definition::listed).map_err(broken)?;
        let prompts = each("prompt", &listing.prompts, |prompt| &prompt.name, Prompt::listed).map_err(broken)?;
        let resources = each("resource", &listing.resources, |resource| &resource.uri, resources::listed);
        let templates = each("template", &listing.templates, |template| &template.uri_template, Template::listed);
        Ok(Self::new(tools, prompts, resources.map_err(broken)?, templates.map_err(broken)?))
    }

    /// What [`Definitions::json`] gave once; `None` where it is something else.
    pub(crate) fn remembered(json: &Json) -> Option<Self> {
        let members = Members::read(json.as_bytes()).ok()?;
        let all = |kind: Kind| -> Option<Vec<Json>> {
            let list = members.part(json.bytes(), kind.member())?;
            let items: Vec<&RawValue> = serde_json::from_slice(list.as_bytes()).ok()?;
            Some(items.into_iter().map(|item| Json::part(list.bytes(), item)).collect())
        };
        fn read<T>(jsons: Vec<Json>, read: impl FnMut(Json) -> Option<T>) -> Option<Vec<T>> {
            jsons.into_iter().map(read).collect()
        }
        Some(Self::new(
            read(all(Kind::Tool)?, Definition::remembered)?,
            read(all(Kind::Prompt)?, Prompt::read)?,
            read(all(Kind::Resource)?, resources::remembered)?,
            read(all(Kind::Template)?, Template::read)?,
        ))
    }

    fn new(tools: Vec<Definition>, prompts: Vec<Prompt>, resources: Vec<Item>, templates: Vec<Template>) -> Self {
        let item = |name: &Arc<str>, json: &Json| Item { name: name.clone(), definition: json.clone() };
        let offer = Offer {
            tools: Some(tools.iter().map(|tool| item(&tool.name, &tool.json)).collect()),
            prompts: prompts.iter().map(|prompt| item(&prompt.name, &prompt.json)).collect(),
            resources: resources.into(),
            templates: templates.iter().map(|template| item(&template.uri, &template.json)).collect(),
            greeting: None,
        };
        Self { tools: tools.into(), prompts: prompts.into(), templates: templates.into(), offer: Arc::new(offer) }
    }

    pub(crate) fn offer(&self) -> &Arc<Offer> {
        &self.offer
    }

    /// The definitions of its tools as `tools/list` shows them.
    pub(crate) fn jsons(&self) -> Vec<Json> {
        self.tools.iter().map(|tool| tool.json.clone()).collect()
    }

    /// All definitions, to be remembered: an object of the lists that MCP's methods give.
    pub(crate) fn json(&self) -> Json {
        let mut text = Vec::with_capacity(4096);
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            text.extend_from_slice(if at == 0 { b"{" } else { b"],\n" });
            text.extend_from_slice(format!("{:?}:[", kind.member()).as_bytes());
            for (at, item) in self.offer.items(kind).iter().enumerate() {
                text.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
                text.extend_from_slice(item.definition.as_bytes());
            }
        }
        text.extend_from_slice(b"]}");
        // It is composed of JSON.
        Json::parse(Bytes::from(text)).unwrap_or(Json::empty_object())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Definition> {
        self.tools.iter().find(|tool| &*tool.name == name)
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| &*prompt.name == name)
    }

    pub(crate) fn template(&self, uri: &str) -> Option<&Template> {
        self.templates.iter().find(|template| &*template.uri == uri)
    }
}

/// Checks all of a kind, none of which may be there twice.
fn each<L, T>(
    kind: &str,
    listed: &[L],
    name: impl Fn(&L) -> &String,
    check: impl Fn(&L) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let mut names = HashSet::new();
    let check = |one: &L| {
        let name = name(one);
        if name.trim().is_empty() {
            return Err(format!("it lists a {kind} without a name"));
        }
        check(one).map_err(|problem| format!("{kind} {name:?}: {problem}"))
    };
    let mut checked = Vec::with_capacity(listed.len());
    for one in listed {
        if !names.insert(name(one).as_str()) {
            return Err(format!("it lists the {kind} {:?} twice", name(one)));
        }
        checked.push(check(one)?);
    }
    Ok(checked)
}
