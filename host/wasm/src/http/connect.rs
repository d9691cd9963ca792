//! Connections: the name is resolved here and its addresses are checked here, so that what is connected to is what was
//! checked.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use url::Host;

use super::body::Outbound;
use crate::permissions::{Permissions, Target};

/// The client of one plugin. Clones share its connections.
pub(crate) type HttpClient = Client<HttpsConnector<Door>, Outbound>;

/// How long one address may take to answer, of several.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 4;

/// The settings of TLS, which all plugins share: reading the system's certificates takes long.
#[derive(Debug, Default)]
pub(crate) struct Tls(OnceLock<ClientConfig>);

/// Lets connections through to where a plugin may go: to the addresses that it was granted, whatever it asks for, since it
/// is shared by the calls of one component and of the next one.
#[derive(Debug, Clone)]
pub(crate) struct Door(Arc<Permissions>);

/// The host has no address that may be reached; this is one that may not.
#[derive(Debug, thiserror::Error)]
#[error("the address {0} is private")]
pub(super) struct Prohibited(pub(super) IpAddr);

/// The host has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct NotFound;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Tls {
    fn config(&self) -> &ClientConfig {
        self.0.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            // Whoever comes first decides; nobody here depends on which it is.
            let _ = CryptoProvider::install_default((*provider).clone());
            let trusting = |provider| {
                ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .and_then(BuilderVerifierExt::with_platform_verifier)
            };
            match trusting(provider) {
                Ok(config) => config.with_no_client_auth(),
                Err(error) => {
                    // Plain HTTP does not suffer from it.
                    tracing::warn!("plugins cannot use https, since this system trusts no certificate: {error}");
                    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
                }
            }
        })
    }
}

/// A client that goes where `permissions` allow. Blocks when it is the first.
pub(super) fn client(tls: &Tls, permissions: &Permissions) -> HttpClient {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls.config().clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(Door(Arc::new(permissions.clone())));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        // The request names its host already.
        .set_host(false)
        .build(connector)
}

impl Door {
    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let target = Target::of(&uri).ok_or(NotFound)?;
        let addresses = self.allowed(&target, resolve(&target).await?)?;
        let mut last = None;
        for address in addresses {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests should not wait for each other; a system that refuses this is only slower.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(error)) => last = Some(error),
                Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(last.map_or_else(|| NotFound.into(), Into::into))
    }

    /// Those of the addresses that may be reached.
    fn allowed(&self, target: &Target, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, BoxError> {
        let refused = addresses.iter().find(|address| !self.0.allows_address(target, address.ip())).copied();
        let allowed: Vec<SocketAddr> =
            addresses.into_iter().filter(|address| self.0.allows_address(target, address.ip())).collect();
        match (allowed.is_empty(), refused) {
            (true, Some(refused)) => Err(Prohibited(refused.ip()).into()),
            (true, None) => Err(NotFound.into()),
            (false, _) => Ok(allowed),
        }
    }
}

async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, BoxError> {
    match &target.host {
        Host::Ipv4(ip) => Ok(vec![SocketAddr::from((*ip, target.port))]),
        Host::Ipv6(ip) => Ok(vec![SocketAddr::from((*ip, target.port))]),
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name.as_str(), target.port)).await;
            Ok(found.map_err(|_| NotFound)?.collect())
        }
    }
}

impl tower_service::Service<Uri> for Door {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_addresses_are_tried() {
        let net = ["https://a.example", "https://10.0.0.5"].map(|entry| entry.parse().unwrap());
        let door = Door(Arc::new(Permissions { net: net.into(), ..Permissions::default() }));
        let target = Target::of(&"https://a.example/".parse().unwrap()).unwrap();
        let addresses = |ips: &[&str]| ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 443)).collect();
        let allowed = |ips: &[&str]| door.allowed(&target, addresses(ips)).map(|found| found.len());
        assert_eq!(allowed(&["1.1.1.1", "127.0.0.1", "10.0.0.5"]).unwrap(), 2);
        let error = allowed(&["127.0.0.1", "169.254.169.254"]).unwrap_err();
        assert_eq!(error.to_string(), "the address 127.0.0.1 is private");
        assert!(allowed(&[]).unwrap_err().is::<NotFound>());
    }
}
