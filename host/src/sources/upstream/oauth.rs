//! OAuth 2.1 towards remote servers: tokens that a person got by `gateway server login`, kept in a file, and renewed
//! when they run out. Nothing here asks a person: without tokens, a server that wants some is not used.

mod challenge;
mod flow;
mod store;

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use gateway_core::name::SourceName;
use http::{HeaderMap, HeaderValue};
use rmcp::transport::auth::{AuthError, AuthorizationManager, CredentialStore as _, OAuthClientConfig};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tracing::{debug, warn};
use url::{Host, Url};

pub use self::flow::{LoginError, log_in};
use self::store::Store;
use super::{config::OAuthConfig, remote::Remote};

/// How long before its end a token is renewed, if it lives that long.
const AHEAD: Duration = Duration::from_secs(60);

/// Hexadecimal digits of the address in a file's name.
const HASH_DIGITS: usize = 16;

/// Who gets tokens for one server.
pub struct Login {
    name: SourceName,
    url: Url,
    client: OAuthConfig,
    store: Store,
    current: ArcSwapOption<Token>,
    /// Held while tokens are read or renewed, once for all who wait. Whether they were looked for.
    looked: Mutex<bool>,
}

/// A token as it is sent.
#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    /// When it should be renewed; `None`: when it is refused.
    renew_at: Option<SystemTime>,
    renewable: bool,
}

/// What is read of a file of tokens.
#[derive(Deserialize)]
struct Kept {
    token_response: Option<KeptToken>,
    token_received_at: Option<u64>,
}

#[derive(Deserialize)]
struct KeptToken {
    access_token: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
}

impl Login {
    /// For the server `name` at `remote`, with its tokens in `folder`. Reads nothing yet.
    #[must_use]
    pub fn new(name: SourceName, remote: &Remote, folder: &Path) -> Self {
        let (url, client) = (remote.url.clone(), remote.oauth.clone());
        let store = Store::new(file(&name, &url, folder));
        Self { name, url, client, store, current: ArcSwapOption::empty(), looked: Mutex::new(false) }
    }

    /// What to send as `Authorization`, where somebody logged in.
    pub(super) async fn token(&self) -> Option<HeaderValue> {
        let current = self.current.load_full();
        if let Some(token) = current.as_ref().filter(|token| token.is_fresh()) {
            return Some(token.header.clone());
        }
        let mut looked = self.looked.lock().await;
        if !std::mem::replace(&mut *looked, true) || current.is_some() {
            self.read().await;
        }
        let token = self.current.load_full()?;
        if !token.is_fresh() && token.renewable {
            // Until it is refused, an old token is better than none.
            self.renew().await;
        }
        self.current.load().as_ref().map(|token| token.header.clone())
    }

    /// What to send in place of a token that was `refused`; `None` where there is nothing better.
    pub(super) async fn renewed(&self, refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        let mut looked = self.looked.lock().await;
        *looked = true;
        let better = |token: &Arc<Token>| Some(&token.header) != refused;
        // Somebody else may have been here since, or another gateway, or a person.
        if !self.current.load().as_ref().is_some_and(better) {
            self.read().await;
        }
        if !self.current.load().as_ref().is_some_and(better) {
            if !self.current.load().as_ref().is_some_and(|token| token.renewable) {
                return None;
            }
            self.renew().await;
        }
        self.current.load().as_ref().filter(|token| better(token)).map(|token| token.header.clone())
    }

    /// Notes what the server says that the token does not allow, so that the next login asks for it.
    pub(super) async fn refused(&self, headers: &HeaderMap) {
        let Some(scopes) = challenge::lacking(headers, &self.url) else { return };
        if let Err(error) = self.store.note(scopes).await {
            warn!(server = %self.name, "what its token lacks could not be noted: {error}");
        }
    }

    async fn read(&self) {
        let token = self.store.text().await.and_then(|text| Token::read(&text));
        self.current.store(token.map(Arc::new));
    }

    async fn renew(&self) {
        match self.refresh().await {
            Ok(()) => debug!(server = %self.name, "its token was renewed"),
            Err(error) => warn!(server = %self.name, "its token could not be renewed: {error}"),
        }
        self.read().await;
    }

    async fn refresh(&self) -> Result<(), AuthError> {
        let mut manager = manager(&self.url).await?;
        let extras = self.store.extras().await;
        let found = manager.resolve_metadata_from_challenge(extras.challenge.as_deref()).await?;
        manager.set_metadata(found.metadata);
        manager.set_credential_store(self.store.clone());
        // Forgets what another authorization server handed out: its secret is not shown to this one.
        if !manager.initialize_from_store().await? {
            return Ok(());
        }
        let Some(kept) = self.store.load().await? else { return Ok(()) };
        let secret = match self.client.client_id.as_ref() == Some(&kept.client_id) {
            true => self.client.client_secret.clone(),
            false => extras.client_secret,
        };
        if let Some(secret) = secret {
            let client = OAuthClientConfig::new(kept.client_id, self.url.as_str()).with_client_secret(secret);
            manager.configure_client(client)?;
        }
        manager.refresh_token().await.map(drop)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Token {
    fn read(text: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(text).ok()?;
        let token = kept.token_response?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.access_token)).ok()?;
        header.set_sensitive(true);
        let lives = token.expires_in.map(Duration::from_secs);
        let renew_at = kept.token_received_at.zip(lives).map(|(received, lives)| {
            let used = lives - AHEAD.min(lives / 4);
            UNIX_EPOCH + Duration::from_secs(received) + used
        });
        Some(Self { header, renew_at, renewable: token.refresh_token.is_some() })
    }

    fn is_fresh(&self) -> bool {
        self.renew_at.is_none_or(|at| SystemTime::now() < at)
    }
}

/// Forgets the tokens of a server. Whether there were any.
///
/// # Errors
/// Where they cannot be removed.
pub fn log_out(name: &SourceName, url: &Url, folder: &Path) -> std::io::Result<bool> {
    match std::fs::remove_file(file(name, url, folder)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the tokens are. Named by the address too: tokens of one server are not shown to another that takes its name.
fn file(name: &SourceName, url: &Url, folder: &Path) -> PathBuf {
    let digest = Sha256::digest(url.as_str());
    let mut hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hash.truncate(HASH_DIGITS);
    folder.join("oauth").join(format!("{name}-{hash}.json"))
}

/// What speaks to authorization servers. What they name may be at a private address only where the server itself is at
/// one: who wrote that into the configuration trusts what is there, and a public server is not to point into a network
/// that it cannot reach itself.
async fn manager(url: &Url) -> Result<AuthorizationManager, AuthError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails where the embedding program has chosen one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    match is_internal(url).await {
        true => AuthorizationManager::new_allowing_private_addresses(url.as_str()).await,
        false => AuthorizationManager::new(url.as_str()).await,
    }
}

/// Whether every address of the server's host is of this machine or of a private network.
async fn is_internal(url: &Url) -> bool {
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Domain(name)) => match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            // Perhaps a proxy knows it. It counts as public.
            Err(_) => Vec::new(),
        },
        Some(Host::Ipv4(ip)) => vec![ip.into()],
        Some(Host::Ipv6(ip)) => vec![ip.into()],
        None => Vec::new(),
    };
    !addresses.is_empty() && addresses.into_iter().all(is_private)
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        // The last are those of carriers, which overlay networks use.
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let token = |received: u64, rest: &str| {
            let text = format!(
                r#"{{"client_id":"c","token_received_at":{received},"token_response":{{"access_token":"t"{rest}}}}}"#
            );
            Token::read(text.as_bytes()).unwrap()
        };
        for (received, rest, fresh) in [
            (now, r#","expires_in":3600"#, true),
            (now - 3500, r#","expires_in":3600"#, true),
            (now - 3550, r#","expires_in":3600"#, false),
            (now - 14, r#","expires_in":20"#, true),
            (now - 16, r#","expires_in":20"#, false),
            (now - 99999, "", true),
        ] {
            assert_eq!(token(received, rest).is_fresh(), fresh, "{rest}");
        }
        assert!(token(now, r#","refresh_token":"r""#).renewable);
        assert!(!token(now, "").renewable);
        assert!(Token::read(b"{}").is_none() && Token::read(b"").is_none());
        assert_eq!(token(now, "").header, "Bearer t");
    }

    #[tokio::test]
    async fn internal_servers_are_those_at_private_addresses() {
        for (url, internal) in [
            ("https://10.1.2.3/mcp", true),
            ("https://192.168.0.9/mcp", true),
            ("https://100.64.0.1/mcp", true),
            ("https://[fd00::1]/mcp", true),
            ("http://localhost:1/mcp", true),
            ("http://[::1]/mcp", true),
            ("https://[::ffff:10.0.0.1]/mcp", true),
            ("https://93.184.215.14/mcp", false),
            ("https://169.254.169.254/mcp", false),
            ("https://[2606:2800:21f::1]/mcp", false),
            ("https://nowhere.invalid/mcp", false),
        ] {
            assert_eq!(is_internal(&Url::parse(url).unwrap()).await, internal, "{url}");
        }
    }

    #[test]
    fn tokens_belong_to_an_address() {
        let (name, folder) = (SourceName::new("a").unwrap(), Path::new("/state"));
        let file = |url: &str| super::file(&name, &Url::parse(url).unwrap(), folder);
        assert_ne!(file("https://a.example/mcp"), file("https://b.example/mcp"));
        assert!(file("https://a.example/mcp").starts_with("/state/oauth"));
    }
}
