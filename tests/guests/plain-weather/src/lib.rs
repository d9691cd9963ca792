//! Asks a service, whose address it has from a variable, by a plain function.

use wstd::http::{Body, Client, Request, body::Bytes, body::util::Empty};

wit_bindgen::generate!({ path: "wit", world: "weather-server" });

struct Plugin;

#[allow(clippy::disallowed_methods, reason = "it has no configuration but its environment")]
impl Guest for Plugin {
    fn get_weather(city: String) -> Result<String, String> {
        let service = std::env::var("WEATHER_URL").map_err(|_| "WEATHER_URL is not set".to_owned())?;
        wstd::runtime::block_on(get(&format!("{service}?city={city}"))).map_err(|error| format!("{error:?}"))
    }
}

async fn get(url: &str) -> Result<String, wstd::http::Error> {
    let request = Request::get(url).body(Body::from_http_body(Empty::<Bytes>::new()))?;
    let response = Client::new().send(request).await?;
    let mut body = response.into_body();
    Ok(body.str_contents().await?.to_owned())
}

export!(Plugin);
