//! The component's side of `gateway:plugin`: from the SDK's types to the generated ones and back.

use std::marker::PhantomData;

use bindings::exports::gateway::plugin::tool::Guest;
use bindings::gateway::plugin::types;

use serde_json::Value;

use crate::tools::{self, CallFailure, Entry, Hints, Plugin};
use crate::{Annotations, Role, Content, EmbeddedResource, Kind, Media, ResourceBody, ResourceLink, ToolResult};

pub(crate) mod host;

#[doc(hidden)]
#[allow(unsafe_code, reason = "the canonical ABI: generated code reads and writes the component's linear memory")]
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "gateway_sdk::__private::bindings",
    });
}

pub use bindings::export_component;

/// The exports of a component that has the tools of `P`.
#[derive(Debug)]
pub struct Component<P>(PhantomData<P>);

impl<P: Plugin> Guest for Component<P> {
    fn list_tools() -> Vec<types::ToolDefinition> {
        P::TOOLS.iter().map(|tool| tool.into()).collect()
    }

    fn call_tool(name: String, arguments: String) -> Result<types::ToolResult, types::ToolError> {
        match tools::call(P::TOOLS, &name, &arguments) {
            Ok(result) => Ok(result.into()),
            Err(CallFailure::UnknownTool) => Err(types::ToolError::UnknownTool(name)),
            Err(CallFailure::InvalidArguments(why)) => Err(types::ToolError::InvalidArguments(why)),
        }
    }
}

// === from the SDK ===

impl From<&Entry> for types::ToolDefinition {
    fn from(tool: &Entry) -> Self {
        let hints = tool.hints;
        Self {
            name: tool.name.to_owned(),
            title: tool.title.map(str::to_owned),
            description: Some(tool.description.to_owned()),
            input_schema: text(&tool.input_schema()),
            output_schema: (tool.output_schema)().as_ref().map(text),
            annotations: (hints != Hints::default()).then_some(types::ToolAnnotations {
                read_only: hints.read_only,
                destructive: hints.destructive,
                idempotent: hints.idempotent,
                open_world: hints.open_world,
            }),
        }
    }
}

/// `Value`'s own `to_string` would bring a second copy of the code that writes JSON.
fn text(json: &Value) -> String {
    // A `Value` has texts as keys, so nothing in it lacks a JSON form.
    serde_json::to_string(json).unwrap_or_default()
}

impl From<ToolResult> for types::ToolResult {
    fn from(result: ToolResult) -> Self {
        Self {
            content: result.content.into_iter().map(Into::into).collect(),
            structured: result.structured,
            is_error: result.is_error,
        }
    }
}

impl From<Content> for types::Content {
    fn from(Content { kind, annotations }: Content) -> Self {
        let annotations = annotations.map(Into::into);
        match kind {
            Kind::Text(text) => Self::Text(types::TextContent { text, annotations }),
            Kind::Image(media) => Self::Image(media_content(media, annotations)),
            Kind::Audio(media) => Self::Audio(media_content(media, annotations)),
            Kind::ResourceLink(ResourceLink { uri, name, title, description, mime_type, size }) => {
                Self::ResourceLink(types::ResourceLink { uri, name, title, description, mime_type, size, annotations })
            }
            Kind::EmbeddedResource(EmbeddedResource { uri, mime_type, body }) => {
                let body = match body {
                    ResourceBody::Text(text) => types::ResourceBody::Text(text),
                    ResourceBody::Blob(bytes) => types::ResourceBody::Blob(bytes),
                };
                Self::EmbeddedResource(types::EmbeddedResource { uri, mime_type, body, annotations })
            }
        }
    }
}

fn media_content(Media { data, mime_type }: Media, annotations: Option<types::Annotations>) -> types::MediaContent {
    types::MediaContent { data, mime_type, annotations }
}

impl From<Annotations> for types::Annotations {
    fn from(annotations: Annotations) -> Self {
        let audience = annotations.audience.into_iter().map(|audience| match audience {
            Role::User => types::Role::User,
            Role::Assistant => types::Role::Assistant,
        });
        Self { audience: audience.collect(), priority: annotations.priority, last_modified: annotations.last_modified }
    }
}

// === to the SDK ===

impl From<types::ToolResult> for ToolResult {
    fn from(result: types::ToolResult) -> Self {
        Self {
            content: result.content.into_iter().map(Into::into).collect(),
            structured: result.structured,
            is_error: result.is_error,
        }
    }
}

impl From<types::Content> for Content {
    fn from(content: types::Content) -> Self {
        let (kind, annotations) = match content {
            types::Content::Text(text) => (Kind::Text(text.text), text.annotations),
            types::Content::Image(types::MediaContent { data, mime_type, annotations }) => {
                (Kind::Image(Media { data, mime_type }), annotations)
            }
            types::Content::Audio(types::MediaContent { data, mime_type, annotations }) => {
                (Kind::Audio(Media { data, mime_type }), annotations)
            }
            types::Content::ResourceLink(link) => {
                let types::ResourceLink { uri, name, title, description, mime_type, size, annotations } = link;
                (Kind::ResourceLink(ResourceLink { uri, name, title, description, mime_type, size }), annotations)
            }
            types::Content::EmbeddedResource(resource) => {
                let body = match resource.body {
                    types::ResourceBody::Text(text) => ResourceBody::Text(text),
                    types::ResourceBody::Blob(bytes) => ResourceBody::Blob(bytes),
                };
                let (uri, mime_type) = (resource.uri, resource.mime_type);
                (Kind::EmbeddedResource(EmbeddedResource { uri, mime_type, body }), resource.annotations)
            }
        };
        Self { kind, annotations: annotations.map(Into::into) }
    }
}

impl From<types::Annotations> for Annotations {
    fn from(annotations: types::Annotations) -> Self {
        let audience = annotations.audience.into_iter().map(|audience| match audience {
            types::Role::User => Role::User,
            types::Role::Assistant => Role::Assistant,
        });
        Self { audience: audience.collect(), priority: annotations.priority, last_modified: annotations.last_modified }
    }
}
