//! The command line: one file for each command, each a `run`.

pub mod approve;
pub mod call;
pub mod check;
pub mod client;
pub mod completions;
pub mod doctor;
pub mod error;
pub mod health;
pub mod import;
pub mod list;
pub mod lock;
pub mod man;
pub mod open;
pub mod output;
mod pinned;
pub mod pipeline;
pub mod plugin;
pub mod progress;
pub mod roles;
pub mod running;
pub mod schema;
pub mod search;
pub mod serve;
pub mod server;
pub mod stdio;

use std::{
    io::{Write as _, stderr},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::error::{Hint, Usage};

/// One MCP endpoint for external servers and sandboxed plugins, filtered by role.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The flags that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file [default: ./gateway.yaml, ./mcp-gateway.yaml, then the user's configuration folder]
    #[arg(short, long, value_name = "FILE", global = true, env = "MCP_GATEWAY_CONFIG")]
    pub config: Option<PathBuf>,
    /// How much is logged on stderr; overrides `log_level` of the configuration
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<LogLevel>,
    /// Log more: once for debug, twice for trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with_all = ["quiet", "log_level"])]
    pub verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "log_level")]
    pub quiet: bool,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    #[value(alias = "warning")]
    Warn,
    Info,
    Debug,
    Trace,
}

impl Global {
    /// The level that the flags ask for, if they do.
    #[must_use]
    pub fn level(&self) -> Option<&'static str> {
        match (self.log_level, self.verbose, self.quiet) {
            (Some(level), ..) => Some(match level {
                LogLevel::Error => "error",
                LogLevel::Warn => "warn",
                LogLevel::Info => "info",
                LogLevel::Debug => "debug",
                LogLevel::Trace => "trace",
            }),
            (None, 0, false) => None,
            (None, 0, true) => Some("error"),
            (None, 1, _) => Some("debug"),
            (None, ..) => Some("trace"),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Stdio(stdio::StdioCommand),
    Serve(serve::ServeCommand),
    List(list::ListCommand),
    Call(call::CallCommand),
    Search(search::SearchCommand),
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    #[command(subcommand)]
    Server(server::ServerCommand),
    #[command(subcommand)]
    Pipeline(pipeline::PipelineCommand),
    #[command(subcommand)]
    Roles(roles::RolesCommand),
    Lock(lock::LockCommand),
    Approve(approve::ApproveCommand),
    Check(check::CheckCommand),
    Doctor(doctor::DoctorCommand),
    Import(import::ImportCommand),
    #[command(subcommand)]
    Client(client::ClientCommand),
    Schema(schema::SchemaCommand),
    Completions(completions::CompletionsCommand),
    Man(man::ManCommand),
    Health(health::HealthCommand),
}

impl Cli {
    /// Runs the command and gives the process's exit code: 0 done, 1 the tool or backend failed, 2 wrong usage or
    /// configuration.
    pub fn run(self) -> ExitCode {
        self.execute().unwrap_or_else(|error| {
            // Where standard error is closed too, the exit code has to say it alone.
            let _ = stderr().write_all(error::render(&error).as_bytes());
            error::exit_code(&error)
        })
    }

    fn execute(self) -> anyhow::Result<ExitCode> {
        let global = &self.global;
        match self.command {
            Command::Stdio(command) => block_on(command.run(global)),
            Command::Serve(command) => block_on_many(command.run(global)),
            Command::List(command) => block_on(command.run(global)),
            Command::Call(command) => block_on(command.run(global)),
            Command::Search(command) => block_on(command.run(global)),
            Command::Plugin(command) => block_on(command.run(global)),
            Command::Server(command) => block_on(command.run(global)),
            Command::Pipeline(command) => block_on(command.run(global)),
            Command::Roles(command) => block_on(command.run(global)),
            Command::Lock(command) => block_on(command.run(global)),
            Command::Approve(command) => block_on(command.run(global)),
            Command::Check(command) => command.run(global),
            Command::Doctor(command) => block_on(command.run(global)),
            Command::Import(command) => command.run(global),
            Command::Client(command) => command.run(global),
            Command::Schema(command) => command.run(global),
            Command::Completions(command) => command.run(global),
            Command::Man(command) => command.run(global),
            Command::Health(command) => block_on(command.run(global)),
        }
    }
}

/// One client needs one thread: measured, a call costs a third less than on a runtime of many.
fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    block_on_runtime(&mut tokio::runtime::Builder::new_current_thread(), command)
}

/// Many clients need all there are.
fn block_on_many<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    block_on_runtime(&mut tokio::runtime::Builder::new_multi_thread(), command)
}

fn block_on_runtime<T>(
    builder: &mut tokio::runtime::Builder,
    command: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = builder.enable_all().build()?;
    let result = runtime.block_on(command);
    // A thread that blocks on standard input must not keep the process.
    runtime.shutdown_background();
    result
}
