//! From the SDK's types to the generated ones and back.

use super::bindings::tool::gateway::plugin::types;
use crate::{Annotations, Content, EmbeddedResource, Kind, Media, ResourceBody, ResourceLink, Role, ToolResult};

// === from the SDK ===

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
                Self::EmbeddedResource(types::EmbeddedResource { uri, mime_type, body: body.into(), annotations })
            }
        }
    }
}

fn media_content(Media { data, mime_type }: Media, annotations: Option<types::Annotations>) -> types::MediaContent {
    types::MediaContent { data, mime_type, annotations }
}

impl From<Annotations> for types::Annotations {
    fn from(annotations: Annotations) -> Self {
        let audience = annotations.audience.into_iter().map(Into::into);
        Self { audience: audience.collect(), priority: annotations.priority, last_modified: annotations.last_modified }
    }
}

impl From<Role> for types::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
        }
    }
}

impl From<ResourceBody> for types::ResourceBody {
    fn from(body: ResourceBody) -> Self {
        match body {
            ResourceBody::Text(text) => Self::Text(text),
            ResourceBody::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

impl From<EmbeddedResource> for types::ResourceContents {
    fn from(EmbeddedResource { uri, mime_type, body }: EmbeddedResource) -> Self {
        Self { uri, mime_type, body: body.into() }
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
