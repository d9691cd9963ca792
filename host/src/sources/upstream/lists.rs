//! What a server offers, as its lists say.

use std::collections::HashSet;

use bytes::Bytes;
use gateway_core::{
    payload::Json,
    source::{Item, Kind},
    wire::{
        json::{Members, Object},
        message::METHOD_NOT_FOUND,
        peer::{Peer, RequestError},
    },
};
use serde_json::value::RawValue;
use tracing::debug;

use super::{
    handshake::{HandshakeError, code, per_request},
    hello::Hello,
};

/// How many pages of a list are read: a server that gives a new cursor for ever is not followed.
const MAX_PAGES: usize = 200;

/// All that the server has of a kind. Tools are asked for even where it did not say that it has any, since many forget
/// to; what it then answers otherwise means that it has none.
///
/// # Errors
/// [`HandshakeError::Request`].
pub(super) async fn read(peer: &Peer, hello: &Hello, kind: Kind) -> Result<Vec<Item>, HandshakeError> {
    let declared = hello.declares(kind.capability());
    if !declared && kind != Kind::Tool {
        return Ok(Vec::new());
    }
    let method = kind.list_method();
    let (mut items, mut seen) = (Vec::new(), HashSet::new());
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let page = match peer.request(method, |_| params(hello, cursor.as_deref()), None).await {
            Ok(page) => page,
            Err(RequestError::Answer(error)) if is_none(kind, declared, &error) => {
                debug!("{method}: {error}");
                break;
            }
            Err(cause) => return Err(HandshakeError::Request { method, cause }),
        };
        let (more, next) = page_of(&page, kind);
        items.extend(more);
        match next.filter(|next| !next.is_empty() && seen.insert(next.clone())) {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(items)
}

/// Whether an error means that there is nothing of the kind. Only tools are worth failing for.
fn is_none(kind: Kind, declared: bool, error: &Json) -> bool {
    kind != Kind::Tool || !declared || code(error) == Some(METHOD_NOT_FOUND)
}

fn params(hello: &Hello, cursor: Option<&str>) -> Option<Json> {
    if cursor.is_none() && hello.revision.has_initialize() {
        return None;
    }
    let mut params = Object::with_capacity(256);
    if let Some(cursor) = cursor {
        params.text("cursor", cursor);
    }
    if !hello.revision.has_initialize() {
        params.raw("_meta", per_request(None, &Json::empty_object(), None).as_bytes());
    }
    Some(params.finish())
}

/// What a page holds of a kind, each as it stands there, and the cursor of the next one. What is none is left out.
pub(super) fn page_of(page: &Json, kind: Kind) -> (Vec<Item>, Option<String>) {
    // A copy of its own: definitions are kept for long, and would keep the frame with everything else that came in it.
    let frame = Bytes::copy_from_slice(page.as_bytes());
    let Ok(members) = Members::read(&frame) else { return (Vec::new(), None) };
    let listed = members.get(kind.member()).and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
    let item = |raw: &RawValue| {
        let name = Members::read(raw.get().as_bytes()).ok()?.text(kind.key()).filter(|name| !name.is_empty())?;
        Some(Item { name: (&*name).into(), definition: Json::part(&frame, raw) })
    };
    let items = listed.unwrap_or_default().into_iter().filter_map(item).collect();
    (items, members.text("nextCursor").map(std::borrow::Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_stay_as_they_are() {
        let page = r#"{"tools":[{"name":"a", "x":1.0,"inputSchema":{"b":1,"a":2}}, {"noname":1}, 7],"nextCursor":"n"}"#;
        let (tools, next) = page_of(&Json::parse(page).unwrap(), Kind::Tool);
        assert_eq!(next.as_deref(), Some("n"));
        let [tool] = &tools[..] else { panic!() };
        assert_eq!(
            (&*tool.name, tool.definition.as_str()),
            ("a", r#"{"name":"a", "x":1.0,"inputSchema":{"b":1,"a":2}}"#)
        );
    }

    #[test]
    fn an_empty_answer_is_an_empty_page() {
        for page in ["{}", "[]", r#"{"tools":null}"#] {
            for kind in Kind::ALL {
                assert!(page_of(&Json::parse(page).unwrap(), kind).0.is_empty());
            }
        }
    }

    #[test]
    fn each_kind_has_its_own_key() {
        let page =
            r#"{"resources":[{"uri":"a:b","name":"n"}],"resourceTemplates":[{"uriTemplate":"a:{b}","name":"n"}]}"#;
        let page = Json::parse(page).unwrap();
        assert_eq!(&*page_of(&page, Kind::Resource).0[0].name, "a:b");
        assert_eq!(&*page_of(&page, Kind::Template).0[0].name, "a:{b}");
    }
}
