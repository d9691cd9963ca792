//! The first words with a server: `initialize`, and which tools it has.

use std::collections::HashSet;

use bytes::Bytes;
use gateway_core::{
    payload::Json,
    source::Item,
    wire::{
        json::{Members, Object},
        message::METHOD_NOT_FOUND,
        peer::{Peer, RequestError},
        revision::Revision,
    },
};
use serde_json::value::RawValue;

/// How many pages of `tools/list` are read: a server that gives a new cursor for ever is not followed.
const MAX_PAGES: usize = 200;

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    /// It did not answer as it should.
    #[error("{method}: {cause}")]
    Request { method: &'static str, cause: RequestError },
    /// It speaks a revision that is not known here.
    #[error("it speaks MCP {0:?}, which is not known here")]
    Revision(String),
    /// Its answer to `initialize` is none.
    #[error("its answer to `initialize` has no `protocolVersion`: {0:.200}")]
    NoRevision(String),
}

/// Says hello. `capabilities` is what the server is told that it can ask. Whether it says that it has tools.
///
/// # Errors
/// See [`HandshakeError`].
pub(super) async fn introduce(peer: &Peer, capabilities: &Json) -> Result<bool, HandshakeError> {
    const METHOD: &str = "initialize";
    let answer = peer.request(METHOD, |_| Some(introduction(capabilities)), None).await;
    let answer = answer.map_err(|cause| HandshakeError::Request { method: METHOD, cause })?;
    let members = Members::read(answer.as_bytes()).unwrap_or_default();
    match members.text("protocolVersion") {
        Some(revision) if Revision::named(&revision).is_some() => {}
        Some(revision) => return Err(HandshakeError::Revision(revision.into_owned())),
        None => return Err(HandshakeError::NoRevision(answer.to_string())),
    }
    peer.notify("notifications/initialized", None);
    let theirs = members.get("capabilities").and_then(|raw| Members::read(raw.get().as_bytes()).ok());
    Ok(theirs.is_some_and(|theirs| theirs.get("tools").is_some()))
}

fn introduction(capabilities: &Json) -> Json {
    let mut info = Object::with_capacity(64);
    info.text("name", "mcp-gateway").text("version", env!("CARGO_PKG_VERSION"));
    let mut params = Object::with_capacity(256);
    params
        .text("protocolVersion", Revision::LATEST.as_str())
        .raw("capabilities", capabilities.as_bytes())
        .raw("clientInfo", info.finish().as_bytes());
    params.finish()
}

/// All tools of the server, page by page. A server that does not know the method has none; one that never `claimed` to
/// have tools is asked all the same, since many forget to say so, and may refuse in any way.
///
/// # Errors
/// [`HandshakeError::Request`].
pub(super) async fn tools(peer: &Peer, claimed: bool) -> Result<Vec<Item>, HandshakeError> {
    const METHOD: &str = "tools/list";
    let (mut tools, mut seen) = (Vec::new(), HashSet::new());
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let params = cursor.as_ref().map(|cursor| {
            let mut params = Object::with_capacity(cursor.len() + 16);
            params.text("cursor", cursor);
            params.finish()
        });
        let page = match peer.request(METHOD, |_| params, None).await {
            Ok(page) => page,
            Err(RequestError::Answer(error)) if !claimed || code(&error) == Some(METHOD_NOT_FOUND) => break,
            Err(cause) => return Err(HandshakeError::Request { method: METHOD, cause }),
        };
        let (more, next) = read_page(&page);
        tools.extend(more);
        match next.filter(|next| !next.is_empty() && seen.insert(next.clone())) {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(tools)
}

fn code(error: &Json) -> Option<i32> {
    Members::read(error.as_bytes()).ok()?.get("code")?.get().parse().ok()
}

/// The tools of a page, each as it stands there, and the cursor of the next one. What is no tool is left out.
pub(super) fn read_page(page: &Json) -> (Vec<Item>, Option<String>) {
    // A copy of its own: tools are kept for long, and would keep the frame with everything else that came in it.
    let frame = Bytes::copy_from_slice(page.as_bytes());
    let Ok(members) = Members::read(&frame) else { return (Vec::new(), None) };
    let listed = members.get("tools").and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok());
    let tool = |raw: &RawValue| {
        let name = Members::read(raw.get().as_bytes()).ok()?.text("name").filter(|name| !name.is_empty())?;
        Some(Item { name: (&*name).into(), definition: Json::part(&frame, raw) })
    };
    let tools = listed.unwrap_or_default().into_iter().filter_map(tool).collect();
    (tools, members.text("nextCursor").map(std::borrow::Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_stay_as_they_are() {
        let page = r#"{"tools":[{"name":"a", "x":1.0,"inputSchema":{"b":1,"a":2}}, {"noname":1}, 7],"nextCursor":"n"}"#;
        let (tools, next) = read_page(&Json::parse(page).unwrap());
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
            assert!(read_page(&Json::parse(page).unwrap()).0.is_empty());
        }
    }
}
