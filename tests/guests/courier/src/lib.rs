//! Sends any request, and follows wherever it is sent.

use gateway_sdk::tool;
use wstd::http::error::ErrorCode;
use wstd::http::{Body, Client, HeaderValue, Request, Response};

/// Send a request, and return the status and the beginning of the answer.
#[tool]
async fn send(
    /// the URL
    url: String,
    #[default("GET")] method: String,
    /// a header, as `Name: value`
    header: Option<String>,
    /// bytes to send
    #[default(0)]
    bytes: usize,
    /// how often
    #[default(1)]
    times: usize,
) -> Result<String, String> {
    let mut last = String::new();
    for _ in 0..times {
        let mut request = Request::builder().method(method.as_str()).uri(&url);
        if let Some((name, value)) = header.as_deref().and_then(|header| header.split_once(": ")) {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(vec![b'x'; bytes])).map_err(|error| error.to_string())?;
        let seen = format!("{:?}", request.headers());
        let response = Client::new().send(request).await.map_err(|error| reason(&error))?;
        last = format!("{} {seen}", shown(response).await?);
    }
    Ok(last)
}

/// Get a URL, follow redirects up to five times, and return where that led and what was there.
#[tool]
async fn follow(url: String) -> Result<String, String> {
    let mut url = url;
    for _ in 0..5 {
        let request = Request::get(&url).body(Body::empty()).map_err(|error| error.to_string())?;
        let response = Client::new().send(request).await.map_err(|error| format!("{url}: {}", reason(&error)))?;
        match response.headers().get("location").map(HeaderValue::to_str) {
            Some(Ok(next)) if response.status().is_redirection() => url = next.to_owned(),
            _ => return Ok(format!("{url}: {}", shown(response).await?)),
        }
    }
    Err("too many redirects".to_owned())
}

/// The status, the length and the beginning of the body.
async fn shown(response: Response<Body>) -> Result<String, String> {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let text = body.str_contents().await.map_err(|error| reason(&error))?;
    Ok(format!("{status} {} {}", text.len(), &text[..text.len().min(1000)]))
}

/// The name of the `wasi:http` error where there is one.
fn reason(error: &wstd::http::Error) -> String {
    error.downcast_ref::<ErrorCode>().map_or_else(|| error.to_string(), |code| format!("{code:?}"))
}

gateway_sdk::export!(send, follow);
