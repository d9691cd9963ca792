//! Tools of the tasks extension: they answer at once with a task where the client knows tasks.

use std::time::Duration;

use rmcp::{
    ErrorData,
    model::*,
    task_manager::{TaskContext, TaskExit, TaskOptions},
};
use serde_json::Value;

use crate::call::{Call, Outcome, form, text};

pub(crate) const TOOLS: [&str; 7] = [
    "greet",
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];
/// Those that are nothing but tasks.
const TASKS_ONLY: [&str; 4] = ["failing_job", "confirm_delete", "multi_input", "test_tool_with_task"];

pub(crate) async fn answer(call: &Call<'_>) -> Outcome {
    let name = call.request.name.as_ref();
    if name == "greet" {
        let who: Option<String> = call.optional("name")?;
        return Ok(text(format!("Hello, {}!", who.as_deref().unwrap_or("nobody"))).into());
    }
    let knows_tasks = call.capabilities().supports_tasks();
    if TASKS_ONLY.contains(&name) && !knows_tasks {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(needed).into());
    }
    let work = match name {
        "slow_compute" => Work::Wait(call.optional("seconds")?.unwrap_or(1.0)),
        "failing_job" => Work::Fail,
        "protocol_error_job" => Work::Refuse,
        "confirm_delete" => Work::Confirm(call.optional("filename")?.unwrap_or_else(|| "it".to_owned())),
        "multi_input" => Work::AskTwice,
        _ => {
            let answer = call.ask("user_name", form("What is your name?", "name")).await?;
            Work::Greet(answer["content"]["name"].as_str().unwrap_or("nobody").to_owned())
        }
    };
    if knows_tasks {
        let task = call.fixture.shared.tasks.spawn(TaskOptions::default(), |task| Box::pin(work.in_task(task)));
        return Ok(CreateTaskResult::new(task).into());
    }
    Ok(work.alone().await?.into())
}

enum Work {
    Wait(f64),
    Fail,
    Refuse,
    Confirm(String),
    AskTwice,
    Greet(String),
}

impl Work {
    /// Works, and asks nobody.
    async fn alone(self) -> Result<CallToolResult, ErrorData> {
        match self {
            Self::Wait(seconds) => {
                // The work itself: the suite says how long it is to take.
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                Ok(text(format!("computed for {seconds} s")))
            }
            Self::Fail => Ok(CallToolResult::error(vec![ContentBlock::text("this job fails, as it should")])),
            Self::Refuse => Err(ErrorData::internal_error("this job is refused, as it should be", None)),
            Self::Greet(name) => Ok(text(format!("Hello, {name}! (from a task)"))),
            Self::Confirm(_) | Self::AskTwice => unreachable!("a task alone can ask in its middle"),
        }
    }

    async fn in_task(self, task: TaskContext) -> Result<CallToolResult, TaskExit> {
        match self {
            Self::Confirm(name) => {
                let answer = task.request_input("confirm", form(format!("Delete {name}?"), "confirm")).await?;
                Ok(text(format!("{name} is deleted: {}", content(&answer, "confirm"))))
            }
            Self::AskTwice => {
                let ask = |key: &'static str| task.request_input(key, form(format!("What is {key}?"), "value"));
                let (first, second) = tokio::join!(ask("input-a"), ask("input-b"));
                let (first, second) = (first?, second?);
                Ok(text(format!("a is {}, b is {}", content(&first, "value"), content(&second, "value"))))
            }
            work => tokio::select! {
                () = task.cancelled() => Err(TaskExit::Cancelled),
                result = work.alone() => result.map_err(TaskExit::Error),
            },
        }
    }
}

fn content<'a>(answer: &'a Value, name: &str) -> &'a Value {
    &answer["content"][name]
}
