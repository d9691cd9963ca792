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

/// What [`Definitions::json`] wrote.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remembered<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(borrow)]
    prompts: Vec<&'a RawValue>,
    #[serde(borrow)]
    resources: Vec<&'a RawValue>,
    #[serde(borrow)]
    resource_templates: Vec<&'a RawValue>,
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
        let Remembered { tools, prompts, resources, resource_templates } =
            serde_json::from_slice(json.as_bytes()).ok()?;
        let part = |raw: &RawValue| Json::part(json.bytes(), raw);
        let tools: Option<_> = tools.into_iter().map(|tool| Definition::remembered(part(tool))).collect();
        let prompts: Option<_> = prompts.into_iter().map(|prompt| Prompt::read(part(prompt))).collect();
        let resources: Option<_> = resources.into_iter().map(|of| resources::remembered(part(of))).collect();
        let templates: Option<_> = resource_templates.into_iter().map(|of| Template::read(part(of))).collect();
        Some(Self::new(tools?, prompts?, resources?, templates?))
    }

    fn new(tools: Vec<Definition>, prompts: Vec<Prompt>, resources: Vec<Item>, templates: Vec<Template>) -> Self {
        let item = |name: &Arc<str>, json: &Json| Item { name: name.clone(), definition: json.clone() };
        let offer = Offer {
            tools: Some(tools.iter().map(|tool| item(&tool.name, &tool.json)).collect()),
            prompts: prompts.iter().map(|prompt| item(&prompt.name, &prompt.json)).collect(),
            resources: resources.into(),
            templates: templates.iter().map(|template| item(&template.uri, &template.json)).collect(),
            greeting: None,
            aliases: Box::default(),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definitions(listing: &Listing) -> Result<Definitions, String> {
        Definitions::listed(&SourceName::new("p").unwrap(), listing).map_err(|failure| failure.to_string())
    }

    fn resource(uri: &str) -> ResourceLink {
        ResourceLink {
            uri: uri.to_owned(),
            name: "a".to_owned(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            annotations: None,
        }
    }

    fn template(uri: &str) -> ResourceTemplate {
        ResourceTemplate {
            uri_template: uri.to_owned(),
            name: "t".to_owned(),
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
        }
    }

    #[test]
    fn all_kinds_are_remembered() {
        let prompt =
            PromptDefinition { name: "greet".to_owned(), title: None, description: None, arguments: Vec::new() };
        let listing = Listing {
            prompts: vec![prompt],
            resources: vec![resource("x:/a"), resource("x:/b")],
            templates: vec![template("x:/{id}")],
            ..Listing::default()
        };
        let first = definitions(&listing).unwrap();
        let again = Definitions::remembered(&first.json()).unwrap();
        assert_eq!(again.json(), first.json());
        for found in [first, again] {
            assert!(found.prompt("greet").is_some() && found.prompt("x").is_none());
            assert!(found.template("x:/{id}").is_some_and(|template| template.takes("id") && !template.takes("x")));
            let counts = Kind::ALL.map(|kind| found.offer().items(kind).len());
            assert_eq!(counts, [0, 1, 2, 1]);
            assert!(found.offer().tools.is_some(), "known to have none");
        }
        let written: Value = definitions(&Listing::default()).unwrap().json().to().unwrap();
        assert_eq!(written, json!({ "tools": [], "prompts": [], "resources": [], "resourceTemplates": [] }));
        for other in ["[]", "{}", r#"{"tools":[],"prompts":[{}],"resources":[],"resourceTemplates":[]}"#] {
            assert!(Definitions::remembered(&Json::parse(other).unwrap()).is_none(), "{other}");
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        let twice = Listing { resources: vec![resource("x:/a"), resource("x:/a")], ..Listing::default() };
        assert_eq!(definitions(&twice).unwrap_err(), r#"plugin "p": it lists the resource "x:/a" twice"#);
        let bad = Listing { templates: vec![template("x:/a")], ..Listing::default() };
        assert!(definitions(&bad).unwrap_err().contains(r#"template "x:/a": it has no variable"#));
    }
}
