//! Which kinds of answers a client takes (RFC 9110, section 12.5.1), and which kind of body it sends.

use axum::http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE},
};

/// JSON, in `Accept` and `Content-Type`.
pub const JSON: &str = "application/json";

/// Server-sent events.
pub const EVENTS: &str = "text/event-stream";

/// Whether the client takes this type, by name or by a range. Who says nothing takes everything.
#[must_use]
pub fn takes(headers: &HeaderMap, wanted: &str) -> bool {
    let range = wanted.split('/').next().unwrap_or_default();
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let entries = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let fits = |entry: &str| {
        let mut parts = entry.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let named = kind.eq_ignore_ascii_case(wanted)
            || kind == "*/*"
            || kind.strip_suffix("/*").is_some_and(|kind| kind.eq_ignore_ascii_case(range));
        named && !parts.any(is_zero)
    };
    entries.into_iter().any(fits)
}

/// Whether the client names events before JSON, so that it would rather have a stream than one answer.
#[must_use]
pub fn prefers_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kind = |entry: &str| entry.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut kinds = values.flat_map(|value| value.split(',')).map(kind);
    kinds.find(|kind| kind == EVENTS || kind == JSON).is_some_and(|kind| kind == EVENTS)
}

/// `q=0`: anything but this.
fn is_zero(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else { return false };
    let weight = weight.trim();
    name.trim().eq_ignore_ascii_case("q") && weight.starts_with('0') && weight.chars().all(|c| c == '0' || c == '.')
}

/// Whether the body is JSON.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_ranges_and_weights() {
        let takes_events = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            takes(&headers, EVENTS)
        };
        for accept in [
            "text/event-stream",
            "application/json, text/event-stream",
            "TEXT/Event-Stream;q=0.5",
            "*/*",
            "application/json, text/*",
            "text/event-stream;q=0.001",
        ] {
            assert!(takes_events(accept), "{accept}");
        }
        for accept in ["application/json", "text/event-stream;q=0", "text/event-stream ; q=0.000", "", "text/html"] {
            assert!(!takes_events(accept), "{accept}");
        }
        assert!(takes(&HeaderMap::new(), JSON));
    }

    #[test]
    fn what_is_named_first_is_preferred() {
        let prefers = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            prefers_events(&headers)
        };
        assert!(prefers("text/event-stream, application/json") && prefers("text/html, Text/Event-Stream;q=1"));
        assert!(!prefers("application/json, text/event-stream") && !prefers("*/*") && !prefers(""));
        assert!(!prefers_events(&HeaderMap::new()));
    }

    #[test]
    fn bodies() {
        let json = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            is_json(&headers)
        };
        assert!(json("application/json") && json("Application/JSON; charset=utf-8"));
        assert!(!json("text/plain") && !json("application/json-seq") && !is_json(&HeaderMap::new()));
    }
}
