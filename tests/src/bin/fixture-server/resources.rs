//! The resources.

use std::sync::atomic::Ordering::Relaxed;

use rmcp::{ErrorData, model::*};
use serde_json::json;

use crate::{contents, fixture::Shared};

/// The resources as they are offered now.
pub(crate) fn offered(shared: &Shared) -> Vec<Resource> {
    let mut resources: Vec<Resource> = contents::get("/resources");
    if shared.changes.one_resource_more.load(Relaxed) {
        resources.push(Resource::new("test://one-more", "one-more").with_mime_type("text/plain"));
    }
    resources
}

pub(crate) fn read(shared: &Shared, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = |kind: &str, text: String| ResourceContents::TextResourceContents {
        uri: uri.to_owned(),
        mime_type: Some(kind.to_owned()),
        text,
        meta: None,
    };
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, id) {
        ("test://static-text", _) => text("text/plain", "This is the content of the static text resource.".to_owned()),
        ("test://watched-resource", _) => text("text/plain", format!("touched {} times", shared.changes.touches(uri))),
        ("test://one-more", _) => text("text/plain", "was not there before".to_owned()),
        ("test://static-binary", _) => ResourceContents::BlobResourceContents {
            uri: uri.to_owned(),
            mime_type: Some("image/png".to_owned()),
            blob: contents::get("/image"),
            meta: None,
        },
        (_, Some(id)) => {
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            text("application/json", data.to_string())
        }
        _ => {
            let message = format!("Resource not found: {uri}");
            return Err(ErrorData::resource_not_found(message, Some(json!({ "uri": uri }))));
        }
    };
    Ok(ReadResourceResult::new(vec![content]))
}
