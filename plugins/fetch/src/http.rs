//! GET requests, and the way through redirects. Every hop is a request of its own, which the gateway checks.

use url::Url;
use wstd::http::body::Bytes;
use wstd::http::body::util::{BodyExt, Empty};
use wstd::http::error::ErrorCode;
use wstd::http::{Body, Client, HeaderMap, Request, Response, StatusCode};

/// How many redirects to follow.
const MOST_REDIRECTS: usize = 10;

/// How much of a body to read, in bytes: with the text made of it, this fits the plugin's memory.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

const USER_AGENT: &str = concat!("mcp-gateway-fetch/", env!("CARGO_PKG_VERSION"));

/// What a server answered in the end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where the redirects led to.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    /// The media type with its parameters, in lower case; empty where the server did not say.
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Whether `body` is all of it.
    pub(crate) complete: bool,
}

/// An address as people write it.
pub(crate) fn address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let parsed = match Url::parse(text) {
        Err(url::ParseError::RelativeUrlWithoutBase) => Url::parse(&format!("https://{text}")),
        parsed => parsed,
    };
    let url = parsed.map_err(|error| format!("`{text}` is no address of the web: {error}"))?;
    check(url)
}

/// Gets what is at an address, wherever it has moved to.
pub(crate) async fn get(mut url: Url) -> Result<Answer, String> {
    for _ in 0..=MOST_REDIRECTS {
        let response = send(&url).await.map_err(|error| explain(&error, &url))?;
        match redirect(&url, response.status(), response.headers())? {
            Some(next) => url = next,
            None => return read(url, response).await,
        }
    }
    Err(format!("more than {MOST_REDIRECTS} redirects, the last to {url}"))
}

async fn send(url: &Url) -> Result<Response<Body>, wstd::http::Error> {
    let request = Request::get(url.as_str())
        .header("user-agent", USER_AGENT)
        .header("accept", "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.5")
        // There is no decompression here, and the gateway does none.
        .header("accept-encoding", "identity")
        // wstd writes even an `empty` body, and reports that the gateway closed it, rather than the refusal that follows.
        .body(Body::from_http_body(Empty::<Bytes>::new()))?;
    Client::new().send(request).await
}

/// Where a redirect leads to; `None` where the answer is none.
fn redirect(url: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, String> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get("location") else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let next = url.join(&location).map_err(|error| format!("{url} redirects to `{location}`: {error}"))?;
    check(next).map(Some).map_err(|error| format!("{url} redirects, but {error}"))
}

fn check(mut url: Url) -> Result<Url, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{url}` is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address may not carry a user name or a password".to_owned());
    }
    url.set_fragment(None);
    Ok(url)
}

async fn read(url: Url, response: Response<Body>) -> Result<Answer, String> {
    let status = response.status();
    let content_type = response.headers().get("content-type").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let content_type = content_type.map(|value| value.to_ascii_lowercase()).unwrap_or_default();
    let mut frames = response.into_body().into_boxed_body();
    let mut body = Vec::new();
    let mut complete = true;
    while let Some(frame) = frames.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", explain(&error, &url)))?;
        let data: Bytes = frame.into_data().unwrap_or_default();
        let room = LARGEST_BODY - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            complete = false;
            break;
        }
    }
    Ok(Answer { url, status, content_type, body, complete })
}

/// Why a request failed, and what to do about it.
fn explain(error: &wstd::http::Error, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let origin = url.origin().ascii_serialization();
    let Some(code) = error.downcast_ref::<ErrorCode>() else { return format!("{url} cannot be fetched: {error}") };
    match code {
        ErrorCode::HttpRequestDenied => format!(
            "the host `{host}` was not granted to this plugin\n\
             hint: add `{origin}` to the plugin's `permissions.net` in gateway.yaml"
        ),
        ErrorCode::DestinationIpProhibited => {
            format!("the host `{host}` leads to a private or local address, which the gateway does not connect to")
        }
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => format!("the host `{host}` is not known"),
        ErrorCode::DnsTimeout | ErrorCode::ConnectionTimeout => format!("the host `{host}` does not answer in time"),
        ErrorCode::ConnectionRefused => format!("the host `{host}` refuses the connection"),
        ErrorCode::TlsCertificateError => format!("the certificate of the host `{host}` is not valid"),
        other => format!("{url} cannot be fetched: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(status: u16, location: &str) -> Result<Option<Url>, String> {
        let headers = HeaderMap::from_iter([("location".parse().unwrap(), location.parse().unwrap())]);
        redirect(&address("https://example.com/a/b").unwrap(), StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn addresses_are_of_the_web() {
        assert_eq!(address(" example.com/a b#c ").unwrap().as_str(), "https://example.com/a%20b");
        assert_eq!(address("file:///etc/passwd").unwrap_err(), "`file:///etc/passwd` is neither http nor https");
        assert!(address("https://user:secret@example.com").is_err());
        assert!(address("https://").is_err());
    }

    #[test]
    fn redirects_lead_to_the_web_alone() {
        assert_eq!(moved(302, "../c").unwrap().unwrap().as_str(), "https://example.com/c");
        assert_eq!(moved(308, "//example.org").unwrap().unwrap().as_str(), "https://example.org/");
        assert_eq!(moved(200, "/c"), Ok(None));
        assert_eq!(
            moved(301, "file:///c").unwrap_err(),
            "https://example.com/a/b redirects, but `file:///c` is neither http nor https"
        );
    }

    #[test]
    fn a_denial_names_the_permission() {
        let error = wstd::http::Error::from(ErrorCode::HttpRequestDenied);
        let message = explain(&error, &address("http://example.com:8080/secret?x").unwrap());
        assert_eq!(
            message,
            "the host `example.com` was not granted to this plugin\n\
             hint: add `http://example.com:8080` to the plugin's `permissions.net` in gateway.yaml"
        );
    }
}
