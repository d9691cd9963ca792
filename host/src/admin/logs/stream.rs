//! `GET /api/logs/stream`: entries as they are made.

use std::{convert::Infallible, fmt::Write as _, time::Duration};

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::Response,
};
use futures_util::stream;
use gateway_core::role::RoleId;
use tokio::{sync::watch, time::timeout};

use super::{Asked, Asker, Eye, LogEntry, LogFilter, Need, Reading, Refused};
use crate::admin::api::Api;

/// After so long without an entry a comment is sent, so that whatever is in between keeps the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream of entries.
struct Following {
    api: Api,
    role: RoleId,
    filter: LogFilter,
    news: watch::Receiver<u64>,
    /// The last line that was looked at.
    last: u64,
    greeted: bool,
}

/// Entries of the log as they are made
///
/// Each event's data is a `LogEntry`, its id that of the entry: whoever comes back with `Last-Event-ID` gets what was
/// missed, as far as it is kept. `limit` means nothing here.
#[utoipa::path(
    get, path = "/api/logs/stream", tag = "logs",
    params(LogFilter, ("Last-Event-ID" = Option<u64>, Header, description = "The last entry that was seen")),
    responses((status = OK, body = String, content_type = "text/event-stream"), Reading)
)]
pub(in super::super) async fn stream(
    asker: Asker,
    Asked(filter): Asked<LogFilter>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    asker.needs(Need::Status)?;
    let Asker { role, api, .. } = asker;
    // Looked at before the number, so that nothing falls between the two.
    let news = api.recorder.news();
    let last = match headers.get("last-event-id") {
        None => api.recorder.last(),
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.trim().parse().ok());
            id.ok_or_else(|| Refused::bad("`Last-Event-ID` is not the id of an entry"))?
        }
    };
    let following = Following { api, role, filter, news, last, greeted: false };
    let events = stream::unfold(following, async |mut following: Following| {
        let text = following.next().await?;
        Some((Ok::<_, Infallible>(text), following))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // What stands in between must not gather them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Following {
    /// The next events, or a comment; `None`: the gateway ends.
    async fn next(&mut self) -> Option<String> {
        let closing = self.api.front.closing().clone();
        loop {
            self.news.mark_unchanged();
            let text = self.missed();
            if !text.is_empty() {
                return Some(text);
            }
            if !std::mem::replace(&mut self.greeted, true) {
                return Some(": here is what happens\n\n".to_owned());
            }
            tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                changed = timeout(HEARTBEAT, self.news.changed()) => match changed {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => return Some(": nothing new\n\n".to_owned()),
                },
            }
        }
    }

    /// What happened since, as far as whoever asks may know of it now.
    fn missed(&mut self) -> String {
        let lines = self.api.recorder.after(self.last);
        let Some(newest) = lines.last() else { return String::new() };
        self.last = newest.id;
        let asker = Asker::new(&self.api, self.role);
        let mut text = String::new();
        if asker.needs(Need::Status).is_err() {
            return text;
        }
        let (eye, roles) = (Eye::of(&asker), asker.snapshot.roles());
        for line in lines.iter().filter(|line| eye.sees(line)) {
            let entry = LogEntry::of(line, roles);
            if self.filter.lets(&entry) {
                let data = serde_json::to_string(&entry).unwrap_or_default();
                let _ = write!(text, "id: {}\ndata: {data}\n\n", entry.id);
            }
        }
        text
    }
}
