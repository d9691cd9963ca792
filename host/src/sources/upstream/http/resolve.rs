//! Where names lead: for servers that were registered by a request, to public addresses alone.
//!
//! It is looked at again for each connection: a name that led elsewhere when the server was registered may lead into this
//! machine's network by now (DNS rebinding). The addresses that were looked at are those that are connected to.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use gateway_wasm::permissions::is_public;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;
use url::{Host, Url};

/// Looks up names as the system does.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    only_public: bool,
}

impl Resolver {
    pub(super) fn new(only_public: bool) -> Self {
        Self { system: GaiResolver::new(), only_public }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let only_public = self.only_public;
        let host = name.to_string();
        let found = self.system.call(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            if only_public && found.iter().any(|address| !is_public(address.ip())) {
                return Err(io::Error::other(refusal(&host)));
            }
            Ok(found.into_iter())
        })
    }
}

/// Refuses an address that is written as one, and is not public.
///
/// # Errors
/// What to say then.
pub(super) fn written_out(url: &Url) -> Result<(), String> {
    let private = match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(ip.into()),
        Some(Host::Ipv6(ip)) => !is_public(ip.into()),
        Some(Host::Domain(_)) => false,
        None => true,
    };
    if private { Err(refusal(url.host_str().unwrap_or_default())) } else { Ok(()) }
}

fn refusal(host: &str) -> String {
    format!("{host:?} leads to an address of this machine or its network, and `allow_urls` does not name it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_lead_to_public_addresses_alone() {
        let found = async |only_public: bool| {
            let mut resolver = Resolver::new(only_public);
            resolver.call("localhost".parse().unwrap()).await.map(Iterator::count)
        };
        assert!(found(false).await.unwrap() > 0);
        assert!(found(true).await.unwrap_err().to_string().contains("allow_urls"));
    }

    #[test]
    fn addresses_are_looked_at() {
        let is_refused = |url: &str| written_out(&Url::parse(url).unwrap()).is_err();
        assert!(is_refused("http://169.254.169.254/latest"));
        assert!(is_refused("http://[::ffff:127.0.0.1]/"));
        assert!(!is_refused("https://93.184.216.34/mcp"));
        assert!(!is_refused("https://example.com/mcp"));
    }
}
