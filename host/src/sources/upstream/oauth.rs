//! OAuth 2.1 towards remote servers: tokens that a person got by `gateway server login`, kept in a file, and renewed
//! when they run out. Nothing here asks a person: without tokens, a server that wants some is not used.

mod flow;
mod store;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use gateway_core::name::SourceName;
use http::HeaderValue;
use rmcp::transport::auth::{AuthError, AuthorizationManager};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tracing::{debug, warn};
use url::{Host, Url};

pub use self::flow::{LoginError, log_in};
use self::store::Store;

/// How long before its end a token is renewed, if it lives that long.
const AHEAD: Duration = Duration::from_secs(60);

/// Hexadecimal digits of the address in a file's name.
const HASH_DIGITS: usize = 16;

/// Who gets tokens for one server.
pub struct Login {
    name: SourceName,
    url: Url,
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
    /// For the server `name` at `url`, with its tokens in `folder`. Reads nothing yet.
    #[must_use]
    pub fn new(name: SourceName, url: Url, folder: &Path) -> Self {
        let store = Store::new(file(&name, &url, folder));
        Self { name, url, store, current: ArcSwapOption::empty(), looked: Mutex::new(false) }
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

    async fn read(&self) {
        let token = self.store.text().await.and_then(|text| Token::read(&text));
        self.current.store(token.map(Arc::new));
    }

    async fn renew(&self) {
        let renewed = async {
            let mut manager = manager(&self.url).await?;
            manager.set_credential_store(self.store.clone());
            if manager.initialize_from_store().await? {
                manager.refresh_token().await?;
            }
            Ok::<_, AuthError>(())
        };
        match renewed.await {
            Ok(()) => debug!(server = %self.name, "its token was renewed"),
            Err(error) => warn!(server = %self.name, "its token could not be renewed: {error}"),
        }
        self.read().await;
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

/// What speaks to authorization servers. What they name may be at a private address only where the server itself is on
/// this machine.
async fn manager(url: &Url) -> Result<AuthorizationManager, AuthError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails where the embedding program has chosen one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match is_local {
        true => AuthorizationManager::new_allowing_private_addresses(url.as_str()).await,
        false => AuthorizationManager::new(url.as_str()).await,
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

    #[test]
    fn tokens_belong_to_an_address() {
        let (name, folder) = (SourceName::new("a").unwrap(), Path::new("/state"));
        let file = |url: &str| super::file(&name, &Url::parse(url).unwrap(), folder);
        assert_ne!(file("https://a.example/mcp"), file("https://b.example/mcp"));
        assert!(file("https://a.example/mcp").starts_with("/state/oauth"));
    }
}
