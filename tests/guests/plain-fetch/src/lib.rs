//! Fetches pages by a function at the root of the world.

use wstd::http::{Body, Client, Request, body::Bytes, body::util::Empty};

wit_bindgen::generate!({ path: "wit", world: "fetch" });

struct Plugin;

impl Guest for Plugin {
    fn fetch(url: String) -> Result<String, String> {
        wstd::runtime::block_on(get(&url)).map_err(|error| format!("{url}: {error:?}"))
    }
}

async fn get(url: &str) -> Result<String, wstd::http::Error> {
    let request = Request::get(url).body(Body::from_http_body(Empty::<Bytes>::new()))?;
    let response = Client::new().send(request).await?;
    let mut body = response.into_body();
    Ok(body.str_contents().await?.to_owned())
}

export!(Plugin);
