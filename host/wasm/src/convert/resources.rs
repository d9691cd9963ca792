//! Resources: their definitions, and what was read of them.

use gateway_core::payload::Json;
use serde::Serialize;

use super::write::{Contents, Hints, Link, body_size, contents, hints, link};
use crate::bindings::types::{ResourceContents, ResourceLink, ResourceTemplate};

/// MCP `Resource`.
#[derive(Serialize)]
struct Resource<'a> {
    #[serde(flatten)]
    link: Link<'a>,
    #[serde(flatten)]
    hints: Hints<'a>,
}

/// MCP `ResourceTemplate`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Template<'a> {
    uri_template: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(flatten)]
    hints: Hints<'a>,
}

/// MCP `ReadResourceResult`.
#[derive(Serialize)]
struct ReadResourceResult<'a> {
    contents: Vec<Contents<'a>>,
}

/// A resource as `resources/list` shows it.
pub(crate) fn resource_definition(resource: &ResourceLink) -> Json {
    Json::from_value(&Resource { link: link(resource), hints: hints(resource.annotations.as_ref()) })
}

/// A template as `resources/templates/list` shows it.
pub(crate) fn template_definition(template: &ResourceTemplate) -> Json {
    Json::from_value(&Template {
        uri_template: &template.uri_template,
        name: &template.name,
        title: template.title.as_deref(),
        description: template.description.as_deref(),
        mime_type: template.mime_type.as_deref(),
        hints: hints(template.annotations.as_ref()),
    })
}

/// What was read.
pub(crate) fn read_result(read: &[ResourceContents]) -> Json {
    let all = read.iter().map(|of| contents(&of.uri, of.mime_type.as_deref(), &of.body));
    Json::from_value(&ReadResourceResult { contents: all.collect() })
}

/// How many bytes it has for the limit.
pub(crate) fn contents_size(read: &[ResourceContents]) -> usize {
    let size =
        |of: &ResourceContents| of.uri.len() + of.mime_type.as_ref().map_or(0, String::len) + body_size(&of.body);
    read.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bindings::types::{Annotations, ResourceBody, Role};

    #[test]
    fn definitions_are_those_of_mcp() {
        let annotations = Annotations { audience: vec![Role::User], priority: Some(1.0), last_modified: None };
        let resource = ResourceLink {
            uri: "notes:///today".to_owned(),
            name: "today".to_owned(),
            title: None,
            description: Some("What is on".to_owned()),
            mime_type: Some("text/plain".to_owned()),
            size: Some(3),
            annotations: Some(annotations),
        };
        let written: Value = resource_definition(&resource).to().unwrap();
        assert_eq!(
            written,
            json!({ "uri": "notes:///today", "name": "today", "description": "What is on", "mimeType": "text/plain",
                    "size": 3, "annotations": { "audience": ["user"], "priority": 1.0 } })
        );
        let template = ResourceTemplate {
            uri_template: "notes:///{day}".to_owned(),
            name: "a day".to_owned(),
            title: Some("A day".to_owned()),
            description: None,
            mime_type: None,
            annotations: None,
        };
        assert_eq!(
            template_definition(&template).as_str(),
            r#"{"uriTemplate":"notes:///{day}","name":"a day","title":"A day"}"#
        );
    }

    #[test]
    fn bytes_are_base64() {
        let read = [
            ResourceContents { uri: "x:1".to_owned(), mime_type: None, body: ResourceBody::Text("hi".to_owned()) },
            ResourceContents { uri: "x:2".to_owned(), mime_type: None, body: ResourceBody::Blob(vec![0, 1, 255]) },
        ];
        let written = r#"{"contents":[{"uri":"x:1","text":"hi"},{"uri":"x:2","blob":"AAH/"}]}"#;
        assert_eq!(read_result(&read).as_str(), written);
        assert_eq!(contents_size(&read), 11);
    }
}
