//! From MCP to WIT: what another tool answered, as a plugin reads it.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use gateway_core::payload::Json;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bindings::types::{self, Content, ResourceBody, ToolResult};

#[derive(Deserialize)]
struct ReadResult<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
    #[serde(borrow, rename = "structuredContent")]
    structured: Option<&'a RawValue>,
    #[serde(rename = "isError", default)]
    is_error: bool,
}

/// MCP `ContentBlock`, read.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum ReadBlock {
    Text {
        text: String,
        annotations: Option<ReadAnnotations>,
    },
    Image {
        data: String,
        mime_type: String,
        annotations: Option<ReadAnnotations>,
    },
    Audio {
        data: String,
        mime_type: String,
        annotations: Option<ReadAnnotations>,
    },
    ResourceLink {
        uri: String,
        name: String,
        title: Option<String>,
        description: Option<String>,
        mime_type: Option<String>,
        size: Option<u64>,
        annotations: Option<ReadAnnotations>,
    },
    Resource {
        resource: ReadContents,
        annotations: Option<ReadAnnotations>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadContents {
    uri: String,
    mime_type: Option<String>,
    text: Option<String>,
    blob: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadAnnotations {
    #[serde(default)]
    audience: Vec<String>,
    priority: Option<f64>,
    last_modified: Option<String>,
}

/// The result of another tool, as a plugin reads it. Content of a kind that it does not know is its JSON, as text.
pub(crate) fn nested_result(body: &Json) -> Result<ToolResult, String> {
    let result: ReadResult<'_> =
        serde_json::from_slice(body.as_bytes()).map_err(|error| format!("the result is no MCP: {error}"))?;
    let content = result.content.into_iter().map(|block| {
        let known = serde_json::from_str::<ReadBlock>(block.get()).ok().and_then(read_block);
        let unknown = || Content::Text(types::TextContent { text: block.get().to_owned(), annotations: None });
        known.unwrap_or_else(unknown)
    });
    Ok(ToolResult {
        content: content.collect(),
        structured: result.structured.map(|structured| structured.get().to_owned()),
        is_error: result.is_error,
    })
}

/// `None` where the base64 is none, or a resource has no contents.
fn read_block(block: ReadBlock) -> Option<Content> {
    let media = |data: String, mime_type, annotations| {
        let annotations = read_annotations(annotations);
        BASE64.decode(data).ok().map(|data| types::MediaContent { data, mime_type, annotations })
    };
    Some(match block {
        ReadBlock::Text { text, annotations } => {
            Content::Text(types::TextContent { text, annotations: read_annotations(annotations) })
        }
        ReadBlock::Image { data, mime_type, annotations } => Content::Image(media(data, mime_type, annotations)?),
        ReadBlock::Audio { data, mime_type, annotations } => Content::Audio(media(data, mime_type, annotations)?),
        ReadBlock::ResourceLink { uri, name, title, description, mime_type, size, annotations } => {
            let annotations = read_annotations(annotations);
            Content::ResourceLink(types::ResourceLink { uri, name, title, description, mime_type, size, annotations })
        }
        ReadBlock::Resource { resource, annotations } => {
            let body = match (resource.text, resource.blob) {
                (Some(text), _) => ResourceBody::Text(text),
                (None, Some(blob)) => ResourceBody::Blob(BASE64.decode(blob).ok()?),
                (None, None) => return None,
            };
            let (uri, mime_type, annotations) = (resource.uri, resource.mime_type, read_annotations(annotations));
            Content::EmbeddedResource(types::EmbeddedResource { uri, mime_type, body, annotations })
        }
    })
}

fn read_annotations(annotations: Option<ReadAnnotations>) -> Option<types::Annotations> {
    let audience = |audience: &String| match audience.as_str() {
        "user" => Some(types::Role::User),
        "assistant" => Some(types::Role::Assistant),
        _ => None,
    };
    annotations.map(|annotations| types::Annotations {
        audience: annotations.audience.iter().filter_map(audience).collect(),
        priority: annotations.priority,
        last_modified: annotations.last_modified,
    })
}
