//! `gateway health`: whether a gateway answers, for containers and scripts that have no other client.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header::HOST, uri::Scheme};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{Global, Usage, output};
use crate::config::{Config, find};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Ask a gateway that runs whether it is alive
///
/// Exit code 0: it answers; 1: it does not. The default is the gateway that `gateway serve` would start here.
#[derive(Debug, clap::Args)]
pub struct HealthCommand {
    /// Its address; without a path, `/livez` is asked [default: as the configuration says]
    #[arg(value_name = "URL")]
    url: Option<Uri>,
    /// The port, where no URL is given
    #[arg(short, long, env = "MCP_GATEWAY_PORT", hide_env = true)]
    port: Option<u16>,
}

impl HealthCommand {
    /// Runs the command: 0 it answers, 1 it does not.
    ///
    /// # Errors
    /// A URL that cannot be asked; a gateway that does not answer.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let url = match self.url {
            Some(url) => url,
            None => usual(global, self.port)?,
        };
        if url.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP) {
            let hint = "ask the gateway itself, without the proxy before it: http://127.0.0.1:39400";
            return Err(Usage::new(format!("{url}: only http:// can be asked")).hint(hint).into());
        }
        let asked = timeout(PATIENCE, ask(&url)).await;
        let status = asked.with_context(|| format!("{url}: no answer within {} s", PATIENCE.as_secs()))??;
        if !status.is_success() {
            bail!("{url}: the answer is {status}");
        }
        output::print("ok\n")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the gateway of this configuration listens. One that cannot be read is not looked at: a gateway that runs goes on
/// with what it had.
fn usual(global: &Global, port: Option<u16>) -> anyhow::Result<Uri> {
    let loaded = find(global.config.as_deref()).ok().and_then(|file| Config::load(&file).ok());
    let config = loaded.map(|loaded| loaded.config).unwrap_or_default();
    let host = match config.host.parse::<IpAddr>() {
        // Listens on all addresses, so on this one too.
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => config.host,
    };
    Ok(format!("http://{host}:{}", port.unwrap_or(config.port)).parse()?)
}

async fn ask(url: &Uri) -> anyhow::Result<StatusCode> {
    let host = url.authority().with_context(|| format!("{url}: no host in it"))?;
    let address = (host.host().trim_matches(['[', ']']), host.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.with_context(|| format!("{url}: nothing listens there"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = match url.path_and_query().map_or("/", |path| path.as_str()) {
        "/" => "/livez",
        path => path,
    };
    let request = Request::get(path).header(HOST, host.as_str()).body(Empty::<Bytes>::new())?;
    // The connection moves for as long as the answer is awaited.
    let response = tokio::select! {
        response = sender.send_request(request) => response,
        ended = connection => match ended {
            Ok(()) => bail!("{url}: the connection ended before the answer"),
            Err(error) => Err(error),
        },
    };
    Ok(response.with_context(|| format!("{url}: no answer that makes sense"))?.status())
}
