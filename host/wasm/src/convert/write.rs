//! From WIT to MCP.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use gateway_core::payload::Json;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::bindings::types::{self, Content, ResourceBody, ToolDefinition, ToolResult};

/// MCP `CallToolResult`.
#[derive(Serialize)]
struct CallToolResult<'a> {
    content: Vec<Block<'a>>,
    #[serde(rename = "structuredContent", skip_serializing_if = "Option::is_none")]
    structured: Option<&'a RawValue>,
    #[serde(rename = "isError", skip_serializing_if = "std::ops::Not::not")]
    is_error: bool,
}

/// MCP `ContentBlock`, written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(flatten)]
        hints: Hints<'a>,
    },
    Image {
        data: String,
        mime_type: &'a str,
        #[serde(flatten)]
        hints: Hints<'a>,
    },
    Audio {
        data: String,
        mime_type: &'a str,
        #[serde(flatten)]
        hints: Hints<'a>,
    },
    ResourceLink {
        #[serde(flatten)]
        link: Link<'a>,
        #[serde(flatten)]
        hints: Hints<'a>,
    },
    Resource {
        resource: Contents<'a>,
        #[serde(flatten)]
        hints: Hints<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct Hints<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotations<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Link<'a> {
    uri: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contents<'a> {
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
}

/// MCP `Tool`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<ToolHints>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolHints {
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destructive_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotent_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_world_hint: Option<bool>,
}

/// A tool's definition as `tools/list` shows it. The schemas were checked.
pub(crate) fn definition(tool: &ToolDefinition, input: &Json, output: Option<&Json>) -> serde_json::Result<Json> {
    let hints = |hints: &types::ToolAnnotations| ToolHints {
        read_only_hint: hints.read_only,
        destructive_hint: hints.destructive,
        idempotent_hint: hints.idempotent,
        open_world_hint: hints.open_world,
    };
    Ok(Json::from_value(&Tool {
        name: &tool.name,
        title: tool.title.as_deref(),
        description: tool.description.as_deref(),
        input_schema: raw(input)?,
        output_schema: output.map(raw).transpose()?,
        annotations: tool.annotations.as_ref().map(hints),
    }))
}

/// A result as MCP writes it. `structured` was checked; `note` is one more text at the end.
pub(crate) fn result(result: &ToolResult, structured: Option<&Json>, note: Option<&str>) -> serde_json::Result<Json> {
    let mut content: Vec<Block<'_>> = result.content.iter().map(block).collect();
    if let Some(structured) = structured.filter(|_| content.is_empty()) {
        // Clients of before MCP 2025-06-18 read nothing else.
        content.push(text(structured.as_str()));
    }
    content.extend(note.map(text));
    let structured = structured.map(raw).transpose()?;
    Ok(Json::from_value(&CallToolResult { content, structured, is_error: result.is_error }))
}

/// A result that says what went wrong.
pub(crate) fn error_result(message: &str, note: Option<&str>) -> Json {
    let content = std::iter::once(message).chain(note).map(text).collect();
    Json::from_value(&CallToolResult { content, structured: None, is_error: true })
}

/// How many bytes a result has for the limit: what it says, not how it is written.
pub(crate) fn size(result: &ToolResult) -> usize {
    let structured = result.structured.as_ref().map_or(0, String::len);
    result.content.iter().map(content_size).sum::<usize>().saturating_add(structured)
}

pub(super) fn content_size(content: &Content) -> usize {
    let some = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    match content {
        Content::Text(text) => text.text.len(),
        Content::Image(media) | Content::Audio(media) => media.data.len() + media.mime_type.len(),
        Content::ResourceLink(link) => {
            link.uri.len() + link.name.len() + some(&link.title) + some(&link.description) + some(&link.mime_type)
        }
        Content::EmbeddedResource(resource) => {
            resource.uri.len() + some(&resource.mime_type) + body_size(&resource.body)
        }
    }
}

pub(super) fn body_size(body: &ResourceBody) -> usize {
    match body {
        ResourceBody::Text(text) => text.len(),
        ResourceBody::Blob(bytes) => bytes.len(),
    }
}

fn raw(json: &Json) -> serde_json::Result<&RawValue> {
    serde_json::from_slice(json.as_bytes())
}

fn text(text: &str) -> Block<'_> {
    Block::Text { text, hints: Hints { annotations: None } }
}

pub(super) fn block(content: &Content) -> Block<'_> {
    match content {
        Content::Text(content) => Block::Text { text: &content.text, hints: hints(content.annotations.as_ref()) },
        Content::Image(media) => Block::Image {
            data: BASE64.encode(&media.data),
            mime_type: &media.mime_type,
            hints: hints(media.annotations.as_ref()),
        },
        Content::Audio(media) => Block::Audio {
            data: BASE64.encode(&media.data),
            mime_type: &media.mime_type,
            hints: hints(media.annotations.as_ref()),
        },
        Content::ResourceLink(of) => Block::ResourceLink { link: link(of), hints: hints(of.annotations.as_ref()) },
        Content::EmbeddedResource(of) => {
            let resource = contents(&of.uri, of.mime_type.as_deref(), &of.body);
            Block::Resource { resource, hints: hints(of.annotations.as_ref()) }
        }
    }
}

pub(super) fn link(link: &types::ResourceLink) -> Link<'_> {
    Link {
        uri: &link.uri,
        name: &link.name,
        title: link.title.as_deref(),
        description: link.description.as_deref(),
        mime_type: link.mime_type.as_deref(),
        size: link.size,
    }
}

pub(super) fn contents<'a>(uri: &'a str, mime_type: Option<&'a str>, body: &'a ResourceBody) -> Contents<'a> {
    let (text, blob) = match body {
        ResourceBody::Text(text) => (Some(text.as_str()), None),
        ResourceBody::Blob(bytes) => (None, Some(BASE64.encode(bytes))),
    };
    Contents { uri, mime_type, text, blob }
}

pub(super) fn hints(annotations: Option<&types::Annotations>) -> Hints<'_> {
    let audience = |audience: &types::Role| match audience {
        types::Role::User => "user",
        types::Role::Assistant => "assistant",
    };
    let annotations = annotations.map(|annotations| Annotations {
        audience: annotations.audience.iter().map(audience).collect(),
        priority: annotations.priority.filter(|priority| (0.0..=1.0).contains(priority)),
        last_modified: annotations.last_modified.as_deref(),
    });
    Hints { annotations }
}

/// JSON text with its line breaks, which stand between tokens alone, turned into spaces: a message of MCP is a line.
pub(crate) fn one_line(mut text: String) -> String {
    if text.contains(['\n', '\r']) {
        text = text.replace(['\n', '\r'], " ");
    }
    text
}
