//! `gateway serve`: MCP clients over HTTP.

use std::{io::ErrorKind, net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use tokio::net::{TcpListener, lookup_host};

use super::{Global, Hint, Usage, open::Begin};
use crate::config::Config;

/// Serve MCP clients over HTTP
#[derive(Debug, clap::Args)]
pub struct ServeCommand {
    /// The address to listen on; anything but loopback needs `auth` [default: `host` of the configuration]
    #[arg(long, env = "MCP_GATEWAY_HOST")]
    host: Option<String>,
    /// The port to listen on; 0: any that is free [default: `port` of the configuration]
    #[arg(short, long, env = "MCP_GATEWAY_PORT")]
    port: Option<u16>,
    /// List all tools, whatever `meta_tools` says
    #[arg(long)]
    no_meta_mcp: bool,
    /// The role that filters what clients see, where there is no `auth` [default: `default_role`]
    #[arg(long, env = "MCP_GATEWAY_ROLE")]
    role: Option<String>,
    /// Servers from a JSON file beside the configuration: such as MCP Multi-Server Gateway has them, or `mcpServers`
    #[arg(long, value_name = "FILE")]
    auto_register: Option<PathBuf>,
}

impl ServeCommand {
    /// Runs the command until a signal comes.
    ///
    /// # Errors
    /// Wrong usage or configuration; an address that cannot be listened on.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let mut begin = Begin::load(global, self.auto_register.as_deref())?;
        let all = self.no_meta_mcp;
        begin.adjust(move |loaded| loaded.config.meta_tools &= !all);
        let loaded = &begin.loaded;
        let host = self.host.clone().unwrap_or_else(|| loaded.config.host.clone());
        let port = self.port.unwrap_or(loaded.config.port);
        let addresses = addresses(&host, port).await?;
        allow(&addresses, &host, &loaded.config)?;
        let role = self.role(&loaded.config)?;
        let app = begin.build(role.as_deref(), false)?;
        let door = app.door().map_err(|error| Usage::new(error.to_string()))?;
        let listener = TcpListener::bind(&addresses[..]).await.map_err(|error| cannot_listen(error, &host, port))?;
        app.serve_http(listener, &host, door).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// The role that the gateway is put together for. With `auth` each request has that of its token, and any of them
    /// will do.
    fn role(&self, config: &Config) -> anyhow::Result<Option<String>> {
        let Some(auth) = &config.auth else { return Ok(self.role.clone()) };
        let of_token = auth.tokens.first().map(|token| token.role.clone());
        let of_any = || auth.jwt.as_ref().and_then(|_| config.roles.names().next().cloned());
        let nobody = || Usage::new("nobody could come in: `auth` has no token that can be used");
        let role = of_token.or_else(of_any);
        Ok(Some(role.ok_or_else(|| nobody().hint("`gateway check` says what is wrong with them"))?))
    }
}

async fn addresses(host: &str, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup_host((plain, port)).await;
    let found: Vec<_> = found.with_context(|| format!("cannot listen on {host}"))?.collect();
    match found.is_empty() {
        true => Err(Usage::new(format!("cannot listen on {host}: the name has no address")).into()),
        false => Ok(found),
    }
}

/// Whoever can reach the gateway can use it, unless there is `auth`.
fn allow(addresses: &[SocketAddr], host: &str, config: &Config) -> Result<(), Usage> {
    if config.auth.is_some() || addresses.iter().all(|address| address.ip().is_loopback()) {
        return Ok(());
    }
    let message = format!("cannot listen on {host}: without `auth`, whoever can reach it could use every tool");
    Err(Usage::new(message).hint(
        "add `auth: { tokens: [{ role: ROLE, token: \"${TOKEN}\" }] }` to the configuration, or listen on 127.0.0.1",
    ))
}

fn cannot_listen(error: std::io::Error, host: &str, port: u16) -> anyhow::Error {
    let kind = error.kind();
    let error = anyhow::Error::new(error).context(format!("cannot listen on {host}:{port}"));
    let hint = match kind {
        ErrorKind::AddrInUse => "another program listens there, maybe a gateway: take another port with --port",
        ErrorKind::PermissionDenied => "ports below 1024 are for the system: take another with --port",
        ErrorKind::AddrNotAvailable => "the address has to be one of this machine",
        _ => return error,
    };
    error.context(Hint(hint.to_owned()))
}
