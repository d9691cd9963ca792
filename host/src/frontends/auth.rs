//! Who may come in over HTTP, and as whom.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use gateway_core::{
    call::Caller,
    role::{RoleError, RoleId, RoleSet},
};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Who may use the gateway over HTTP, and as which role.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Fixed tokens.
    pub tokens: Vec<TokenConfig>,
    /// Tokens of an identity provider.
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

impl std::fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// Tokens of an identity provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// Who issues them.
    pub issuer: String,
    /// Whom they are for.
    pub audience: Option<String>,
    /// Where the provider's keys are. Default: as the issuer's own metadata says.
    pub jwks_url: Option<String>,
    /// The claim that names the role. Default: role.
    pub role_claim: Option<String>,
}

/// The one way in over HTTP. Further kinds of credentials are further variants.
#[derive(Debug)]
#[non_exhaustive]
pub enum Door {
    /// Everybody comes in, in this role: for loopback alone.
    Open(RoleId),
    /// Whoever has one of these tokens.
    Tokens(Box<[Token]>),
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
    /// Which of those who may come in: the digest of the token. Whatever else changes, no other token has it.
    id: [u8; 32],
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

impl Door {
    /// The door of a configuration.
    ///
    /// # Errors
    /// Where a token's role is not configured.
    pub fn of(config: &AuthConfig, roles: &RoleSet) -> Result<Self, RoleError> {
        let tokens = config.tokens.iter().filter_map(|token| Some((token.digest()?, token)));
        let tokens = tokens.map(|(digest, token)| Ok(Token { digest, role: roles.resolve(Some(&token.role))? }));
        Ok(Self::Tokens(tokens.collect::<Result<_, _>>()?))
    }

    /// A door that nobody comes in by.
    #[must_use]
    pub fn closed() -> Self {
        Self::Tokens(Box::default())
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
            Self::Open(role) => Ok(Principal { caller: Caller { role: *role }, id: [0; 32] }),
            Self::Tokens(tokens) => {
                let shown = digest(bearer(headers)?);
                // All are looked at, so that the time taken tells nothing of where one was found.
                let found = tokens.iter().fold(None, |found, token| {
                    let same = equal(&token.digest, &shown);
                    if same && found.is_none() { Some(token.role) } else { found }
                });
                let role = found.ok_or(Refusal::Unknown)?;
                Ok(Principal { caller: Caller { role }, id: shown })
            }
        }
    }

    /// Whether `principal` could come in by this door, as who it is.
    #[must_use]
    pub fn knows(&self, principal: &Principal) -> bool {
        match self {
            Self::Open(role) => principal.caller.role == *role,
            Self::Tokens(tokens) => {
                // The first one counts, as it does for whoever comes in.
                let token = tokens.iter().find(|token| equal(&token.digest, &principal.id));
                token.is_some_and(|token| token.role == principal.caller.role)
            }
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
mod tests {
    use gateway_core::role::Role;

    use super::*;

    fn door() -> Door {
        let roles = RoleSet::new(vec![Role::unfiltered("a"), Role::unfiltered("b")], None);
        let token = |role: &str, token: Option<&str>, sha256: Option<&str>| TokenConfig {
            role: role.to_owned(),
            token: token.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
        };
        // `sha256` is that of "two".
        let two = "3FC4CCFE745870E2C0D99F71F30FF0656C8DEDD41CC1D7D3D376B0DBE685E2F3";
        let tokens = vec![token("a", Some("one"), None), token("b", None, Some(two)), token("a", None, None)];
        Door::of(&AuthConfig { tokens, jwt: None }, &roles).unwrap()
    }

    async fn admitted(values: &[&str]) -> Result<usize, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let admitted = door().admit(&headers).await;
        admitted.inspect(|principal| assert!(door().knows(principal))).map(|principal| principal.caller.role.index())
    }

    #[tokio::test]
    async fn tokens_open_the_door() {
        assert_eq!(admitted(&["Bearer one"]).await, Ok(0));
        assert_eq!(admitted(&["bearer  two"]).await, Ok(1));
        assert_eq!(admitted(&[]).await, Err(Refusal::Missing));
        for (value, refusal) in [
            ("Bearer three", Refusal::Unknown),
            ("Bearer on", Refusal::Unknown),
            ("Bearer one two", Refusal::Unknown),
            ("Basic b25lOm9uZQ==", Refusal::Malformed),
            ("Bearer ", Refusal::Malformed),
            ("one", Refusal::Malformed),
        ] {
            assert_eq!(admitted(&[value]).await, Err(refusal), "{value}");
        }
        assert_eq!(admitted(&["Bearer one", "Bearer two"]).await, Err(Refusal::Malformed));
    }

    #[test]
    fn a_role_has_to_be_there() {
        let roles = RoleSet::new(vec![Role::unfiltered("a")], Some("a"));
        let token = TokenConfig { role: "b".to_owned(), token: Some("one".to_owned()), sha256: None };
        assert!(Door::of(&AuthConfig { tokens: vec![token], jwt: None }, &roles).is_err());
    }

    #[tokio::test]
    async fn whoever_came_in_is_known_for_as_long_as_the_token_is() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer one".parse().unwrap());
        let principal = door().admit(&headers).await.unwrap();
        let roles = RoleSet::new(vec![Role::unfiltered("a"), Role::unfiltered("b")], None);
        let knows = |tokens: &[(&str, &str)]| {
            let token = |(role, token): &(&str, &str)| TokenConfig {
                role: (*role).to_owned(),
                token: Some((*token).to_owned()),
                sha256: None,
            };
            let tokens = tokens.iter().map(token).collect();
            Door::of(&AuthConfig { tokens, jwt: None }, &roles).unwrap().knows(&principal)
        };
        assert!(knows(&[("b", "new"), ("a", "one")]));
        assert!(!knows(&[("a", "new")]));
        assert!(!knows(&[("b", "one")]));
    }

    #[test]
    fn digests_are_read() {
        assert_eq!(hexadecimal(&"0a".repeat(32)), Some([10; 32]));
        for wrong in ["", "0a", &"0g".repeat(32), &"0a".repeat(33), &"é".repeat(32)] {
            assert_eq!(hexadecimal(wrong), None, "{wrong}");
        }
    }
}
