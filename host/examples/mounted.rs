//! A server of one's own, with axum, that speaks MCP beside what it does anyway.
//!
//! ```console
//! $ cargo run --package gateway-host --example mounted
//! http://127.0.0.1:8080
//! $ claude mcp add --transport http shop http://127.0.0.1:8080/mcp
//! ```

use std::{
    error::Error,
    io::{Write as _, stdout},
};

use gateway_host::{
    Gateway, Tool,
    axum::{self, Router, routing::get},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::{
        ctrl_c,
        unix::{SignalKind, signal},
    },
};

/// Look up the price of an article.
#[derive(Deserialize, JsonSchema)]
struct Article {
    /// Its number.
    number: u32,
}

#[derive(Serialize, JsonSchema)]
struct Price {
    cents: u32,
}

async fn price(article: Article) -> Result<Price, String> {
    match article.number {
        1 => Ok(Price { cents: 250 }),
        number => Err(format!("there is no article {number}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let gateway = Gateway::builder().register_tool(Tool::new("price", price).read_only()).build().await?;
    let router = Router::new().route("/", get(async || "a shop\n")).merge(gateway.router()?);

    let listener = TcpListener::bind(address).await?;
    writeln!(stdout(), "http://{}", listener.local_addr()?)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = ctrl_c() => {}
        }
        gateway.stop().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(end).await?;
    Ok(())
}
