//! The dashboard at `/`: one page, served out of the binary.
//!
//! The page itself holds nothing that is anybody's: all that it shows comes from `/api`, as the role that asks may see
//! it. That is why the page is open where `auth` is set, and asks for the token itself.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    response::Response,
    routing::get,
};
use sha2::{Digest as _, Sha256};

/// Where the files of the page are; the page itself is at `/`.
pub use crate::frontends::http::guard::{PAGE, PAGE_FILES};

/// Whatever a server's name or a tool's description holds, the page runs no other script than its own, and speaks with
/// nobody but this gateway.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page: its name, what it is, and what stands in it.
type File = (&'static str, &'static str, &'static str);

macro_rules! files {
    ($($kind:ident $name:literal),* $(,)?) => {
        [$(($name, $kind, include_str!(concat!("dashboard/", $name)))),*]
    };
}

/// The page, which is the first, and its files.
const FILES: [File; 17] = files![
    HTML "index.html",
    CSS "base.css",
    CSS "parts.css",
    SVG "icon.svg",
    JS "theme.js",
    JS "main.js",
    JS "api.js",
    JS "dom.js",
    JS "format.js",
    JS "cards.js",
    JS "servers.js",
    JS "adding.js",
    JS "activity.js",
    JS "trace.js",
    JS "tools.js",
    JS "form.js",
    JS "roles.js",
];

/// A file with what names its content.
#[derive(Debug)]
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    tag: HeaderValue,
}

type Assets = Arc<[Asset]>;

/// The routes of the page and its files.
pub fn router() -> Router {
    let assets: Assets = FILES.iter().filter_map(Asset::of).collect();
    let file = format!("{PAGE_FILES}{{name}}");
    Router::new().route(PAGE, get(page)).route(&file, get(named)).with_state(assets)
}

impl Asset {
    fn of((name, kind, text): &File) -> Option<Self> {
        let digest = Sha256::digest(text);
        let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(Self { name, kind, text, tag: HeaderValue::from_str(&format!("\"{tag}\"")).ok()? })
    }

    /// The answer to a request that has these headers.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags, &self.tag));
        let (status, body) = match known {
            true => (StatusCode::NOT_MODIFIED, Body::empty()),
            false => (StatusCode::OK, Body::from(self.text)),
        };
        let mut response = plain(status, body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        response.headers_mut().insert(ETAG, self.tag.clone());
        response
    }
}

/// Whether a list of tags names this one (RFC 9110, section 13.1.2): a proxy that compresses makes it a weak one.
fn names(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(tag)) = (tags.to_str(), tag.to_str()) else { return false };
    tags.split(',').map(str::trim).any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

/// An answer with what all of them have.
fn plain(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        // Kept, and asked after each time: the answer is short where nothing has changed.
        (CACHE_CONTROL, "no-cache"),
    ];
    response.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

async fn page(State(assets): State<Assets>, headers: HeaderMap) -> Response {
    find(&assets, "index.html", &headers)
}

async fn named(State(assets): State<Assets>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    find(&assets, &name, &headers)
}

fn find(assets: &[Asset], name: &str, headers: &HeaderMap) -> Response {
    match assets.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.answer(headers),
        None => plain(StatusCode::NOT_FOUND, Body::from("there is no such file\n")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what goes wrong here has to stop the test")]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{Asset, FILES, names};
    use axum::http::HeaderValue;

    #[test]
    fn each_file_is_served_and_has_a_tag_of_its_own() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/dashboard");
        let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(there.collect::<BTreeSet<_>>(), FILES.iter().map(|(name, ..)| (*name).to_owned()).collect());
        let tags: BTreeSet<_> =
            FILES.iter().map(|file| Asset::of(file).unwrap().tag.to_str().unwrap().to_owned()).collect();
        assert_eq!(tags.len(), FILES.len());
    }

    #[test]
    fn a_list_of_tags_is_read_as_a_whole() {
        let tag = HeaderValue::from_static("\"a\"");
        for (asked, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(asked), &tag), known, "{asked}");
        }
    }
}
