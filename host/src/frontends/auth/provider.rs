//! An identity provider: whom its tokens let in, by keys that are fetched when they are needed.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tracing::{debug, warn};
use url::{Host, Url};

use super::{
    JwtConfig,
    jwt::{Jwt, Wrong},
    keys::{self, Key},
};

/// How long the provider has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is asked again, whatever tokens come, and while there is no key of it at all.
const PAUSE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// Keys that are older are fetched anew: the provider may have taken one back.
const AGE: Duration = Duration::from_secs(600);

/// Where the role stands if nothing else is said.
const ROLE: &str = "role";

/// What fetches the texts that a provider publishes. It bounds how long they may be.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The text at `url`; `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be fetched, in words.
    async fn text(&self, url: &Url) -> Result<Option<String>, String>;
}

/// An identity provider.
pub struct Provider {
    pub(super) config: JwtConfig,
    /// What tells it from others, and from itself under other settings.
    pub(super) id: [u8; 32],
    fetch: Arc<dyn Fetch>,
    keys: ArcSwap<Keys>,
    /// When it was asked last for what counts against [`PAUSE`]. Whoever asks holds it.
    asked: Mutex<Option<Instant>>,
}

/// The keys that are known.
#[derive(Default)]
struct Keys {
    keys: Vec<Key>,
    /// `None`: none were fetched yet.
    fetched: Option<Instant>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Who a token of the provider is, and which role it has.
pub(super) struct Subject<R> {
    pub(super) id: [u8; 32],
    pub(super) role: R,
}

impl Provider {
    pub(super) fn new(config: JwtConfig, fetch: Arc<dyn Fetch>) -> Self {
        let JwtConfig { issuer, audience, jwks_url, role_claim } = &config;
        let parts = [Some(issuer), audience.as_ref(), jwks_url.as_ref(), role_claim.as_ref()];
        let id = parts.into_iter().fold(Sha256::new(), |hash, part| {
            let hash = hash.chain_update([u8::from(part.is_some())]);
            add(hash, part.map_or("", String::as_str))
        });
        Self { id: id.finalize().into(), config, fetch, keys: ArcSwap::default(), asked: Mutex::default() }
    }

    /// Who brings `token`. `role` knows the roles that there are, by name.
    pub(super) async fn admit<R>(&self, token: &str, role: impl Fn(&str) -> Option<R>) -> Result<Subject<R>, Wrong> {
        let jwt = Jwt::read(token)?;
        // Before its keys are asked for, which a token of anybody else is not worth.
        let subject = jwt.subject(&self.config, SystemTime::now())?;
        self.check(&jwt).await?;
        let claim = self.config.role_claim.as_deref().unwrap_or(ROLE);
        let found = jwt.roles(claim).find_map(|name| Some((name, role(name)?)));
        let (name, role) = found.ok_or(Wrong::Role)?;
        let id = [subject, name].into_iter().fold(Sha256::new_with_prefix(self.id), add);
        Ok(Subject { id: id.finalize().into(), role })
    }

    /// Whether the provider signed it.
    async fn check(&self, jwt: &Jwt<'_>) -> Result<(), Wrong> {
        let mut known = self.keys.load_full();
        let is_old = known.fetched.is_some_and(|at| at.elapsed() > AGE);
        // One asks for younger keys; the others go on with those that there are.
        if known.fetched.is_none() || is_old && self.asked.try_lock().is_ok() {
            known = self.anew(&known).await;
        }
        match known.judge(jwt) {
            Some(verdict) => verdict,
            None => self.anew(&known).await.judge(jwt).unwrap_or(Err(Wrong::Signature)),
        }
    }

    /// The keys that there are now, where `seen` are not enough: fetched, unless that was tried a moment ago. Where the
    /// provider does not answer they stay as they are.
    async fn anew(&self, seen: &Arc<Keys>) -> Arc<Keys> {
        let mut asked = self.asked.lock().await;
        let now = self.keys.load_full();
        let pause = if now.fetched.is_some() { PAUSE } else { FIRST_PAUSE };
        if !Arc::ptr_eq(&now, seen) || asked.is_some_and(|at| at.elapsed() < pause) {
            return now;
        }
        *asked = Some(Instant::now());
        let fetched = timeout(PATIENCE, self.fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        match fetched {
            Ok(keys) => {
                debug!("{} keys of {} are known", keys.len(), self.config.issuer);
                // The first ones do not count: a key that is unknown among them is asked for at once.
                if now.fetched.is_none() {
                    *asked = None;
                }
                self.keys.store(Arc::new(Keys { keys, fetched: Some(Instant::now()) }));
            }
            Err(error) => warn!("the keys of {} cannot be fetched: {error}", self.config.issuer),
        }
        self.keys.load_full()
    }

    async fn fetch(&self) -> Result<Vec<Key>, String> {
        let url = self.address().await?;
        let text = self.fetch.text(&url).await?.ok_or_else(|| format!("there is nothing at {url}"))?;
        keys::read(&text).map_err(|error| format!("what is at {url} is no set of keys: {error}"))
    }

    /// Where the keys are.
    async fn address(&self) -> Result<Url, String> {
        if let Some(url) = &self.config.jwks_url {
            return safe(url).ok_or_else(|| "`jwks_url` is no https:// address".to_owned());
        }
        let mut error = "it publishes no metadata".to_owned();
        for url in well_known(&self.config.issuer) {
            match self.fetch.text(&url).await {
                Ok(Some(text)) => match self.keys_of(&text) {
                    Ok(keys) => return Ok(keys),
                    Err(wrong) => error = format!("{url}: {wrong}"),
                },
                Ok(None) => {}
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// What the metadata says of the keys, where it is that of this issuer and no other (RFC 8414, section 3.3).
    fn keys_of(&self, metadata: &str) -> Result<Url, String> {
        let metadata: Metadata = serde_json::from_str(metadata).map_err(|error| format!("no metadata: {error}"))?;
        if metadata.issuer != self.config.issuer {
            return Err(format!("it is the metadata of another issuer, {:?}", metadata.issuer));
        }
        safe(&metadata.jwks_uri).ok_or_else(|| "its `jwks_uri` is no https:// address".to_owned())
    }
}

impl Keys {
    /// Whether one of them signed it; `None`: they do not tell, since none of them is the one that is named.
    fn judge(&self, jwt: &Jwt<'_>) -> Option<Result<(), Wrong>> {
        let named = jwt.header.kid.as_deref();
        let fits = |key: &&Key| key.id.as_deref().is_none_or(|id| named.is_none_or(|named| named == id));
        let mut candidates = self.keys.iter().filter(fits).filter(|key| key.algorithm() == jwt.header.alg);
        if candidates.any(|key| key.signed(jwt.message, &jwt.signature)) {
            return Some(Ok(()));
        }
        let is_known = named.is_some() && self.keys.iter().any(|key| key.id.as_deref() == named);
        is_known.then_some(Err(Wrong::Signature))
    }
}

/// The addresses at which an issuer may say of itself where its keys are.
fn well_known(issuer: &str) -> Vec<Url> {
    let Some(issuer) = safe(issuer) else { return Vec::new() };
    let path = issuer.path().trim_end_matches('/');
    let paths = [
        format!("{path}/.well-known/openid-configuration"),
        // This one goes between host and path.
        format!("/.well-known/oauth-authorization-server{path}"),
    ];
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    paths.map(at).into()
}

/// The address, if nobody on the way can change what it answers.
pub(super) fn safe(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    (url.scheme() == "https" || url.scheme() == "http" && is_loopback).then_some(url)
}

/// A text is told from its neighbours by its length.
fn add(hash: Sha256, text: &str) -> Sha256 {
    hash.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_it_may_be() {
        let of = |issuer: &str| well_known(issuer).into_iter().map(String::from).collect::<Vec<_>>();
        let plain = [
            "https://idp.example.com/.well-known/openid-configuration",
            "https://idp.example.com/.well-known/oauth-authorization-server",
        ];
        assert_eq!(of("https://idp.example.com"), plain);
        assert_eq!(of("https://idp.example.com/"), plain);
        let path = [
            "https://idp.example.com/realms/a/.well-known/openid-configuration",
            "https://idp.example.com/.well-known/oauth-authorization-server/realms/a",
        ];
        assert_eq!(of("https://idp.example.com/realms/a"), path);
        assert!(of("http://idp.example.com").is_empty());
    }

    #[test]
    fn what_others_can_change_is_not_trusted() {
        for url in ["https://idp.example.com/keys", "http://127.0.0.1:1/keys", "http://localhost/", "http://[::1]/"] {
            assert!(safe(url).is_some(), "{url}");
        }
        for url in ["http://idp.example.com", "http://127.0.0.1.example.com", "file:///keys", "keys", ""] {
            assert!(safe(url).is_none(), "{url}");
        }
    }
}
