//! What the tests of the gateway need besides what the suite does.

use rmcp::{
    ErrorData,
    model::{CallToolResult, ErrorCode},
};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    call::{Call, Outcome, Stop, text},
    tools::unknown,
};

/// The calls of `slow`, over all sessions.
#[derive(Default)]
pub(crate) struct Slow {
    running: watch::Sender<usize>,
    cancelled: watch::Sender<usize>,
}

pub(crate) async fn answer(call: &Call<'_>) -> Outcome {
    let slow = &call.fixture.shared.slow;
    let result = match call.request.name.as_ref() {
        "echo" => text(call.argument::<String>("text")?),
        "steps" => {
            let count = call.argument("count")?;
            for step in 1..=count {
                call.progress(step, count, &format!("step {step}")).await;
            }
            text(format!("{count} steps"))
        }
        "slow" => {
            slow.running.send_modify(|running| *running += 1);
            call.context.ct.cancelled().await;
            slow.running.send_modify(|running| *running -= 1);
            slow.cancelled.send_modify(|cancelled| *cancelled += 1);
            return Err(Stop::Failed("cancelled".to_owned()));
        }
        "running" => at_least(&slow.running, call).await?,
        "cancelled" => at_least(&slow.cancelled, call).await?,
        "log" => {
            call.log(call.argument("level")?, &call.argument::<String>("message")?).await;
            text("logged")
        }
        "big" => {
            let bytes = call.argument("bytes")?;
            let mut big = "0123456789abcdef".repeat(usize::div_ceil(bytes, 16));
            big.truncate(bytes);
            text(big)
        }
        "refuse" => {
            let error = ErrorData::new(ErrorCode(call.argument("code")?), call.argument::<String>("message")?, None);
            return Err(error.into());
        }
        "who" => CallToolResult::structured(json!({
            "revision": call.context.protocol_version(),
            "client": call.context.client_info(),
            "capabilities": call.context.client_capabilities(),
        })),
        name => return Err(unknown(name).into()),
    };
    Ok(result.into())
}

/// Waits until there are so many, and says how many there are.
async fn at_least(count: &watch::Sender<usize>, call: &Call<'_>) -> Result<CallToolResult, Stop> {
    let wanted = call.argument("at_least")?;
    let mut count = count.subscribe();
    let reached = count.wait_for(|count| *count >= wanted).await.map(|count| *count);
    Ok(text(reached.unwrap_or_default().to_string()))
}
