//! Who may come in over HTTP, and as whom.
//!
//! * [`jwt`]: what a token of an identity provider says.
//! * [`keys`]: the keys that it may be signed with.
//! * [`provider`]: where they come from, and when.

mod jwt;
mod keys;
mod provider;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use gateway_core::{
    call::Caller,
    role::{RoleError, RoleId, RoleSet},
};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tracing::debug;
use url::Url;

pub use self::provider::{Fetch, Provider};

/// Who may use the gateway over HTTP, and as which role.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Fixed tokens.
    pub tokens: Vec<TokenConfig>,
    /// Tokens (JWT) of an identity provider.
    pub jwt: Option<JwtConfig>,
}

/// A fixed token: itself (as a variable, `${DEV_TOKEN}`) or its SHA-256.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The role of whoever has it.
    pub role: String,
    /// The token.
    pub token: Option<String>,
    /// The token's SHA-256, in hexadecimal.
    pub sha256: Option<String>,
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig").field("role", &self.role).finish_non_exhaustive()
    }
}

impl TokenConfig {
    /// The SHA-256 of the token. `None`: the entry names none that could be one.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        match (&self.token, &self.sha256) {
            (Some(token), None) if !token.is_empty() => Some(digest(token)),
            (None, Some(sha256)) => hexadecimal(sha256),
            _ => None,
        }
    }
}

/// Tokens (JWT) of an identity provider, signed by RS256, ES256 or EdDSA.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// Who issues them: `iss` has to be exactly this.
    pub issuer: String,
    /// Whom they are for: `aud` has to name it. Without it, tokens that the issuer made for others count too.
    pub audience: Option<String>,
    /// Where the provider's keys are. Default: as the issuer's own metadata says.
    pub jwks_url: Option<String>,
    /// The claim that names the role, also one within others: `realm_access.roles`. Of a list the first role counts that
    /// is configured. Default: role.
    pub role_claim: Option<String>,
}

impl JwtConfig {
    /// The address of an issuer or of keys, if it can be one: https, or http on this machine.
    #[must_use]
    pub fn address(url: &str) -> Option<Url> {
        provider::safe(url)
    }
}

/// The one way in over HTTP. Further kinds of credentials are further variants.
#[derive(Debug)]
#[non_exhaustive]
pub enum Door {
    /// Everybody comes in, in this role: for loopback alone.
    Open(RoleId),
    /// Whoever has one of the tokens that it knows.
    Guarded(Guarded),
}

/// What opens a door.
#[derive(Debug, Default)]
pub struct Guarded {
    tokens: Box<[Token]>,
    issued: Option<Issued>,
}

/// Tokens of a provider, and the roles that they can name.
#[derive(Debug)]
struct Issued {
    provider: Arc<Provider>,
    roles: HashMap<Box<str>, RoleId>,
}

/// Makes doors, each in the place of the one before: what is known of a provider stays known.
pub struct Doors {
    fetch: Arc<dyn Fetch>,
    provider: Mutex<Option<Arc<Provider>>>,
}

/// A token that opens the door. Of the token itself nothing is kept.
#[derive(Debug)]
pub struct Token {
    digest: [u8; 32],
    role: RoleId,
}

/// Who came in. A session belongs to whoever opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Who asks.
    pub caller: Caller,
    /// Which of those who may come in: the digest of the token, or of the subject and role of a provider's token.
    /// Whatever else changes, nobody else has it.
    id: [u8; 32],
    /// The provider that knows them.
    issued: Option<[u8; 32]>,
}

/// Why somebody does not come in (RFC 6750, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Without credentials.
    #[error("this gateway asks for a token: send `Authorization: Bearer …`")]
    Missing,
    /// With credentials that are not a bearer token's.
    #[error("the `Authorization` header has to be `Bearer` and one token")]
    Malformed,
    /// With a token that opens nothing.
    #[error("the token is not one of this gateway's")]
    Unknown,
}

impl Doors {
    /// Doors whose providers' keys come from `fetch`.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, provider: Mutex::default() }
    }

    /// The door of a configuration.
    ///
    /// # Errors
    /// Where a token's role is not configured.
    pub fn door(&self, config: &AuthConfig, roles: &RoleSet) -> Result<Door, RoleError> {
        let tokens = config.tokens.iter().filter_map(|token| Some((token.digest()?, token)));
        let tokens = tokens.map(|(digest, token)| Ok(Token { digest, role: roles.resolve(Some(&token.role))? }));
        let tokens = tokens.collect::<Result<_, _>>()?;
        let issued = config.jwt.as_ref().map(|config| {
            let roles = roles.iter().map(|(id, role)| (role.name.clone(), id)).collect();
            Issued { provider: self.provider(config), roles }
        });
        Ok(Door::Guarded(Guarded { tokens, issued }))
    }

    fn provider(&self, config: &JwtConfig) -> Arc<Provider> {
        let mut kept = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(same) if same.config == *config => same.clone(),
            _ => kept.insert(Arc::new(Provider::new(config.clone(), self.fetch.clone()))).clone(),
        }
    }
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Door {
    /// A door that nobody comes in by.
    #[must_use]
    pub fn closed() -> Self {
        Self::Guarded(Guarded::default())
    }

    /// Whether one has to show something to come in.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        !matches!(self, Self::Open(_))
    }

    /// Who brings these headers.
    ///
    /// # Errors
    /// Nobody who may come in.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        match self {
            Self::Open(role) => Ok(Principal { caller: Caller { role: *role }, id: [0; 32], issued: None }),
            Self::Guarded(guarded) => guarded.admit(bearer(headers)?).await.ok_or(Refusal::Unknown),
        }
    }

    /// Whether `principal` could come in by this door, as who it is.
    #[must_use]
    pub fn knows(&self, principal: &Principal) -> bool {
        match self {
            Self::Open(role) => principal.caller.role == *role,
            Self::Guarded(guarded) => guarded.knows(principal),
        }
    }
}

impl Guarded {
    async fn admit(&self, token: &str) -> Option<Principal> {
        let shown = digest(token);
        // All are looked at, so that the time taken tells nothing of where one was found.
        let found = self.tokens.iter().fold(None, |found, token| {
            let same = equal(&token.digest, &shown);
            if same && found.is_none() { Some(token.role) } else { found }
        });
        if let Some(role) = found {
            return Some(Principal { caller: Caller { role }, id: shown, issued: None });
        }
        let Issued { provider, roles } = self.issued.as_ref().filter(|_| jwt::is_meant(token))?;
        let admitted = provider.admit(token, |name| roles.get(name).copied()).await;
        let subject = admitted.inspect_err(|wrong| debug!("a JWT is refused: {wrong}")).ok()?;
        Some(Principal { caller: Caller { role: subject.role }, id: subject.id, issued: Some(provider.id) })
    }

    fn knows(&self, principal: &Principal) -> bool {
        let role = principal.caller.role;
        match (&principal.issued, &self.issued) {
            (None, _) => {
                // The first one counts, as it does for whoever comes in.
                let token = self.tokens.iter().find(|token| equal(&token.digest, &principal.id));
                token.is_some_and(|token| token.role == role)
            }
            (Some(id), Some(Issued { provider, roles })) => {
                provider.id == *id && roles.values().any(|known| *known == role)
            }
            (Some(_), None) => false,
        }
    }
}

impl Refusal {
    /// `WWW-Authenticate`, as the one who is refused has to get it.
    #[must_use]
    pub fn challenge(self) -> &'static str {
        match self {
            // Without credentials no error is named (RFC 6750, section 3.1).
            Self::Missing => r#"Bearer realm="mcp-gateway""#,
            Self::Malformed => r#"Bearer realm="mcp-gateway", error="invalid_request""#,
            Self::Unknown => r#"Bearer realm="mcp-gateway", error="invalid_token""#,
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let value = value.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Malformed)?;
    let token = token.trim_matches(' ');
    match scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        true => Ok(token),
        false => Err(Refusal::Malformed),
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Takes the same time whatever differs.
fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
