//! `gateway call`: one call from the shell.

use std::{
    io::{Read as _, stdin},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use gateway_core::{
    call::{Call, Caller},
    error::CallError,
    payload::{Json, Op, Reply},
    role::RoleId,
    snapshot::Snapshot,
    source::{Client, Fut, Kind},
    wire::message::{METHOD_NOT_FOUND, error_object},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Global, Usage,
    open::{Logging, observer, open},
    output,
    progress::Progress,
};
use crate::{app::App, gateway::Params};

/// Call one tool and print its result
#[derive(Debug, clap::Args)]
pub struct CallCommand {
    /// The tool, as `gateway list` shows it
    tool: String,
    /// Arguments: a value is read as the tool's schema says, else as JSON, else as text
    #[arg(value_name = "KEY=VALUE", conflicts_with = "args")]
    pairs: Vec<String>,
    /// All arguments as one JSON object; `-` reads it from standard input
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The role to call as [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Print the raw MCP result
    #[arg(long)]
    json: bool,
}

impl CallCommand {
    /// Runs the command: 0 done, 1 the tool failed, 2 no such tool for this role.
    ///
    /// # Errors
    /// Wrong usage or configuration.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let progress = Arc::new(Progress::start(&format!("calling {}", self.tool)));
        let app = open(global, self.role.as_deref(), Logging::Quiet, Some(&observer(&progress)))?;
        let result = self.call(&app, &progress).await;
        progress.finish();
        app.stop().await;
        self.show(result?)
    }

    async fn call(&self, app: &App, progress: &Arc<Progress>) -> anyhow::Result<Result<Reply, CallError>> {
        // Learns the plugins' schemas, by which values are read.
        let client: Arc<dyn Client> = Arc::new(Shell(progress.clone()));
        let face = app.gateway().face(client.abilities());
        let snapshot = face.list(&client).await?;
        let arguments = self.arguments(&snapshot, app.role())?;
        let token = Some(Json::from_value("shell"));
        let call = Call::root(Caller { role: app.role() }, token, client, Arc::new(face.clone()));
        let params = Params { arguments: Some(arguments), ..Params::default() };
        Ok(face.run(Op::CallTool, &self.tool, params, Arc::new(call)).await)
    }

    fn arguments(&self, snapshot: &Snapshot, role: RoleId) -> anyhow::Result<Json> {
        if let Some(text) = &self.args {
            let mut from_stdin = String::new();
            if text == "-" {
                stdin().read_to_string(&mut from_stdin).context("standard input cannot be read")?;
            }
            let text = if text == "-" { from_stdin } else { text.clone() };
            let arguments = Json::parse(text).map_err(|error| Usage::new(format!("--args: no valid JSON: {error}")))?;
            return match arguments.is_object() {
                true => Ok(arguments),
                false => Err(Usage::new("--args: the arguments of a tool are a JSON object").into()),
            };
        }
        let types = Types::of(snapshot, role, &self.tool);
        let mut arguments = Map::new();
        for pair in &self.pairs {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Usage::new(format!("argument {pair:?}: no `=` in it")).hint("write KEY=VALUE, or --args '{…}'")
            })?;
            arguments.insert(key.to_owned(), types.read(key, value));
        }
        Ok(Json::from_value(&arguments))
    }

    fn show(&self, result: Result<Reply, CallError>) -> anyhow::Result<ExitCode> {
        let reply = match result {
            Ok(reply) => reply,
            Err(CallError::UnknownTool(name)) => {
                let hint = "`gateway list` shows the tools of a role";
                return Err(Usage::new(format!("unknown tool: {name}")).hint(hint).into());
            }
            Err(CallError::Failed(failure)) => {
                let error = anyhow::anyhow!("{}", failure.message);
                return Err(match failure.hint {
                    Some(hint) => error.context(super::Hint(hint.into())),
                    None => error,
                });
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            output::print_json(&reply.body.to::<Value>()?)?;
        } else {
            output::print(&readable(&reply))?;
        }
        Ok(if reply.is_error() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

/// What the tool's schema says of its arguments.
struct Types(Map<String, Value>);

impl Types {
    fn of(snapshot: &Snapshot, role: RoleId, tool: &str) -> Self {
        let schema = snapshot.find(role, Kind::Tool, tool).and_then(|(entry, _)| entry.definition().to::<Value>().ok());
        let properties = schema.and_then(|schema| schema.pointer("/inputSchema/properties")?.as_object().cloned());
        Self(properties.unwrap_or_default())
    }

    /// A text where the schema wants one, else JSON, else a text: `a=1` is a number, `path=1` may be a text.
    fn read(&self, key: &str, value: &str) -> Value {
        let wanted = self.0.get(key).and_then(|schema| schema.get("type"));
        if wanted.is_some_and(|wanted| wanted == "string") {
            return Value::String(value.to_owned());
        }
        serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))
    }
}

/// The result for a person: texts as they are, the rest by kind.
fn readable(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct CallResult {
        #[serde(default)]
        content: Vec<Value>,
        #[serde(rename = "structuredContent")]
        structured: Option<Value>,
    }
    let Ok(result) = reply.body.to::<CallResult>() else { return format!("{}\n", reply.body) };
    let text = |block: &Value, key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines: Vec<String> = Vec::new();
    for block in &result.content {
        lines.push(match text(block, "type").as_str() {
            "text" => text(block, "text"),
            kind @ ("image" | "audio") => {
                format!("[{kind}: {}, {} characters of base64]", text(block, "mimeType"), text(block, "data").len())
            }
            "resource_link" => format!("[resource: {}]", text(block, "uri")),
            _ => block.to_string(),
        });
    }
    if lines.is_empty()
        && let Some(structured) = result.structured
    {
        lines.push(structured.to_string());
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The shell as a client: shows how far a call is, and cannot be asked.
struct Shell(Arc<Progress>);

impl Client for Shell {
    fn progress(&self, _token: &Json, params: &Json) {
        #[derive(Deserialize)]
        struct Step {
            message: Option<String>,
        }
        if let Ok(Step { message: Some(message) }) = params.to() {
            self.0.say(&message);
        }
    }

    fn ask(&self, method: Box<str>, _params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        let error = error_object(METHOD_NOT_FOUND, &format!("the command line cannot answer {method}"));
        Box::pin(async { Err(error) })
    }
}
