//! Reaches for any address that it is told, by `wasi:http` and by a socket of its own.

use std::net::{TcpStream, ToSocketAddrs};

use gateway_sdk::{Json, tool};
use wstd::http::body::{Bytes, util::Empty};
use wstd::http::error::ErrorCode;
use wstd::http::{Body, Client, Request};

/// Get a URL, and return status, one header and body.
#[tool]
async fn get(
    /// the URL
    url: String,
    /// a header to send, as `Name: value`
    header: Option<String>,
) -> Result<String, String> {
    let mut request = Request::get(&url);
    if let Some((name, value)) = header.as_deref().and_then(|header| header.split_once(": ")) {
        request = request.header(name, value);
    }
    // wstd writes even an `empty` body, and reports that the gateway closed it, rather than the refusal that follows.
    let empty = Body::from_http_body(Empty::<Bytes>::new());
    let request = request.body(empty).map_err(|error| error.to_string())?;
    let response = Client::new().send(request).await.map_err(|error| reason(&error))?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let text = body.str_contents().await.map_err(|error| reason(&error))?;
    Ok(format!("{status} {text}"))
}

/// Post a text to a URL, and return the status.
#[tool]
async fn post(
    /** the URL */
    url: String,
    /** the text */
    #[default("hello")]
    text: String,
) -> Result<String, String> {
    let request = Request::post(&url).body(Body::from(text)).map_err(|error| error.to_string())?;
    let response = Client::new().send(request).await.map_err(|error| reason(&error))?;
    Ok(response.status().as_u16().to_string())
}

/// Connect a socket to a host and port.
#[tool]
fn connect(
    /** such as `127.0.0.1:80` or `localhost:80` */
    address: String,
) -> Result<String, String> {
    TcpStream::connect(&address).map_err(|error| error.to_string())?;
    Ok("connected".to_owned())
}

/// Ask the resolver for the addresses of a name.
#[tool]
fn resolve(
    /** the name */
    name: String,
) -> Result<Json<Vec<String>>, String> {
    let addresses = (name.as_str(), 80).to_socket_addrs().map_err(|error| error.to_string())?;
    Ok(Json(addresses.map(|address| address.ip().to_string()).collect()))
}

/// The name of the `wasi:http` error where there is one.
fn reason(error: &wstd::http::Error) -> String {
    error.downcast_ref::<ErrorCode>().map_or_else(|| error.to_string(), |code| format!("{code:?}"))
}

gateway_sdk::export!(get, post, connect, resolve);
