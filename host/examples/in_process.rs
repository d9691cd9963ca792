//! Calling tools from a program, as different callers: no client, no protocol.
//!
//! ```console
//! $ cargo run --package gateway-host --example in_process
//! ```

use std::{
    error::Error,
    io::{Write as _, stdout},
};

use gateway_host::{Gateway, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

const CONFIG: &str = "
roles:
  staff: [shop_*]
  guest: { allow: [shop_*], deny: [shop__refund] }
";

#[derive(Deserialize, JsonSchema)]
struct Refund {
    /// The number of the order.
    order: u32,
}

async fn refund(refund: Refund) -> Result<String, String> {
    Ok(format!("order {} is refunded", refund.order))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let tool = Tool::new("refund", refund).description("Give the money of an order back").destructive(true);
    let gateway = Gateway::builder().config_text(CONFIG)?.register_tool(tool).tools_as("shop").build().await?;
    for role in ["staff", "guest"] {
        let caller = gateway.caller(role)?;
        let said = match gateway.call(caller, "shop__refund", json!({ "order": 7 })).await {
            Ok(outcome) => outcome.text(),
            Err(error) => error.to_string(),
        };
        writeln!(stdout(), "{role}: {} tools; {said}", gateway.tools(caller).await?.len())?;
    }
    gateway.stop().await;
    Ok(())
}
