//! Sends a body without end, reads one without end, and opens more connections than it needs.

use gateway_sdk::tool;
use wstd::http::{Body, Client, Request};

/// Read what a URL gives, to the end, and say how much it was.
#[tool]
async fn drink(
    /// the URL
    url: String,
) -> Result<String, String> {
    let request = Request::get(&url).body(Body::empty()).map_err(|error| error.to_string())?;
    let mut body = Client::new().send(request).await.map_err(|error| error.to_string())?.into_body();
    Ok(body.contents().await.map_err(|error| error.to_string())?.len().to_string())
}

/// Send so many MiB to a URL, and say what it answered.
#[tool]
async fn pour(
    /// the URL
    url: String,
    /// how many MiB
    #[default(32)]
    mib: usize,
) -> Result<String, String> {
    let request = Request::post(&url).body(Body::from(vec![1; mib << 20])).map_err(|error| error.to_string())?;
    let response = Client::new().send(request).await.map_err(|error| error.to_string())?;
    Ok(response.status().as_u16().to_string())
}

gateway_sdk::export!(drink, pour);
