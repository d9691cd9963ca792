//! Tokens of an identity provider (JWT, RFC 7519): what one says, and whether that is enough to come in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{JwtConfig, keys::Algorithm};

/// How far the clocks of the provider and of this machine may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// A token, before anybody knows whether the provider signed it.
pub(super) struct Jwt<'a> {
    pub(super) header: Header,
    claims: Map<String, Value>,
    /// What is signed.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: Algorithm,
    pub(super) kid: Option<String>,
    /// What a reader has to understand, and this one does not (RFC 7515, section 4.1.11).
    crit: Option<Value>,
}

/// Why a token of a provider opens nothing. For the log alone: whoever sent it is told no more than of any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it is no JWT that is signed by RS256, ES256 or EdDSA")]
    Malformed,
    #[error("its `iss` is not the issuer of `auth.jwt`")]
    Issuer,
    #[error("its `aud` does not name the audience of `auth.jwt`")]
    Audience,
    #[error("it has expired, or has no `exp`")]
    Expired,
    #[error("it is not valid yet")]
    Early,
    #[error("it has no `sub`")]
    Subject,
    #[error("none of the provider's keys signed it")]
    Signature,
    #[error("the claim for the role is missing, or names no configured role")]
    Role,
}

/// Whether a token looks like one of a provider.
pub(super) fn is_meant(token: &str) -> bool {
    token.split('.').count() == 3
}

impl<'a> Jwt<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, Wrong> {
        let (message, signature) = token.rsplit_once('.').ok_or(Wrong::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Wrong::Malformed)?;
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Wrong::Malformed);
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Wrong::Malformed)?;
        let claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| Wrong::Malformed)?;
        match header.crit {
            None => Ok(Self { header, claims, message: message.as_bytes(), signature: decoded(signature)? }),
            Some(_) => Err(Wrong::Malformed),
        }
    }

    /// Holds what it says against what is configured, at the time `now`, and gives its subject.
    pub(super) fn subject(&self, config: &JwtConfig, now: SystemTime) -> Result<&str, Wrong> {
        if self.text("iss") != Some(&config.issuer) {
            return Err(Wrong::Issuer);
        }
        if let Some(audience) = config.audience.as_deref()
            && !texts(self.claims.get("aud")).any(|named| named == audience)
        {
            return Err(Wrong::Audience);
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = LEEWAY.as_secs_f64();
        if !self.claims.get("exp").and_then(Value::as_f64).is_some_and(|end| now < end + leeway) {
            return Err(Wrong::Expired);
        }
        match self.claims.get("nbf") {
            Some(begin) if !begin.as_f64().is_some_and(|begin| begin - leeway <= now) => return Err(Wrong::Early),
            _ => {}
        }
        self.text("sub").filter(|subject| !subject.is_empty()).ok_or(Wrong::Subject)
    }

    /// The roles that a claim names: of that name, or by a path with dots, as in `realm_access.roles`.
    pub(super) fn roles(&self, claim: &str) -> impl Iterator<Item = &str> {
        let by_path = || {
            let mut steps = claim.split('.');
            let first = self.claims.get(steps.next()?)?;
            steps.try_fold(first, |at, step| at.get(step))
        };
        texts(self.claims.get(claim).or_else(by_path))
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }
}

/// A text, or those of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let values = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn judged(change: &Value, audience: Option<&str>) -> Result<String, Wrong> {
        let mut claims = json!({ "iss": "https://idp.example.com", "sub": "ann", "aud": "gateway", "exp": 1000 });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let token = token(&json!({ "alg": "ES256" }), &claims);
        let config = JwtConfig {
            issuer: "https://idp.example.com".to_owned(),
            audience: audience.map(str::to_owned),
            jwks_url: None,
            role_claim: None,
        };
        let jwt = Jwt::read(&token).unwrap_or_else(|wrong| panic!("{wrong}"));
        jwt.subject(&config, UNIX_EPOCH + Duration::from_secs(500)).map(str::to_owned)
    }

    #[test]
    fn claims_are_held_against_the_configuration() {
        let audience = Some("gateway");
        for fine in [
            json!({}),
            json!({ "aud": ["other", "gateway"] }),
            json!({ "exp": 441 }),
            json!({ "exp": 500.5 }),
            json!({ "nbf": 560 }),
        ] {
            assert_eq!(judged(&fine, audience).as_deref(), Ok("ann"), "{fine}");
        }
        for (wrong, why) in [
            (json!({ "iss": "https://idp.example.com/" }), Wrong::Issuer),
            (json!({ "iss": ["https://idp.example.com"] }), Wrong::Issuer),
            (json!({ "aud": "gateway2" }), Wrong::Audience),
            (json!({ "aud": null }), Wrong::Audience),
            (json!({ "aud": [] }), Wrong::Audience),
            (json!({ "exp": 440 }), Wrong::Expired),
            (json!({ "exp": null }), Wrong::Expired),
            (json!({ "exp": "1000" }), Wrong::Expired),
            (json!({ "nbf": 561 }), Wrong::Early),
            (json!({ "nbf": "0" }), Wrong::Early),
            (json!({ "sub": "" }), Wrong::Subject),
            (json!({ "sub": null }), Wrong::Subject),
        ] {
            assert_eq!(judged(&wrong, audience), Err(why), "{wrong}");
        }
        assert_eq!(judged(&json!({ "aud": "whatever" }), None).as_deref(), Ok("ann"));
    }

    #[test]
    fn other_ways_to_sign_are_refused() {
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "es256" }),
            json!({}),
            json!({ "alg": "ES256", "crit": ["b64"], "b64": false }),
        ] {
            assert_eq!(Jwt::read(&token(&header, &json!({}))).err(), Some(Wrong::Malformed), "{header}");
        }
        for text in ["a.b.c", "..", "a.b", ""] {
            assert_eq!(Jwt::read(text).err(), Some(Wrong::Malformed), "{text}");
        }
    }

    #[test]
    fn a_claim_names_roles() {
        let claims = json!({
            "role": "a",
            "roles": ["b", 1, "c"],
            "realm_access": { "roles": ["d"] },
            "https://example.com/role": "e",
            "number": 1,
        });
        let token = token(&json!({ "alg": "ES256" }), &claims);
        let jwt = Jwt::read(&token).unwrap_or_else(|wrong| panic!("{wrong}"));
        let roles = |claim: &str| jwt.roles(claim).collect::<Vec<_>>();
        assert_eq!(roles("role"), ["a"]);
        assert_eq!(roles("roles"), ["b", "c"]);
        assert_eq!(roles("realm_access.roles"), ["d"]);
        assert_eq!(roles("https://example.com/role"), ["e"]);
        for none in ["number", "missing", "realm_access", "realm_access.", ""] {
            assert!(roles(none).is_empty(), "{none}");
        }
    }
}
