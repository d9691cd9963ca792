//! The keys of an identity provider (JWKS, RFC 7517), and what they signed.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// How a token is signed. What else there is, above all `none` and secrets shared with the provider (HS256), is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A key that tokens are signed with.
pub(super) struct Key {
    pub(super) id: Option<Box<str>>,
    material: Material,
}

enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point on the curve P-256, uncompressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A key as the provider publishes it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<Box<str>>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that are of use. Others are left out (RFC 7517, section 5).
///
/// # Errors
/// Where it is no set of keys.
pub(super) fn read(text: &str) -> Result<Vec<Key>, serde_json::Error> {
    let set: Set = serde_json::from_str(text)?;
    let keys = set.keys.into_iter().filter_map(|key| Jwk::deserialize(key).ok());
    Ok(keys.filter_map(Key::of).collect())
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let bytes = |text: &Option<String>| BASE64_URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let material = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: number(bytes(&jwk.n)?), e: number(bytes(&jwk.e)?) },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                Material::P256([vec![4], x, y].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&jwk.x)?),
            _ => return None,
        };
        let key = Self { id: jwk.kid, material };
        let signs = jwk.used_for.is_none_or(|used_for| used_for == "sig");
        // A key is for what its provider says that it is for.
        let is_meant = jwk.alg.is_none_or(|alg| Algorithm::deserialize(Value::from(alg)).ok() == Some(key.algorithm()));
        (signs && is_meant).then_some(key)
    }

    /// What it signs with: a token has no say in how a key is used.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether it signed this.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            Material::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        };
        verified.is_ok()
    }
}

/// A number without zeros before it, which some providers write.
fn number(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{Ed25519KeyPair, KeyPair as _},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_sign_what_they_are_for() {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
        let public = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
        let set = |further: Value| {
            let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": public });
            key.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
            read(&json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }, "no key", key] }).to_string()).unwrap()
        };
        for meant in [json!({}), json!({ "use": "sig" }), json!({ "alg": "EdDSA", "use": "sig" })] {
            let keys = set(meant);
            assert_eq!(keys.len(), 1);
            assert_eq!((keys[0].id.as_deref(), keys[0].algorithm()), (Some("a"), Algorithm::EdDsa));
            assert!(keys[0].signed(b"text", pair.sign(b"text").as_ref()));
            assert!(!keys[0].signed(b"text", pair.sign(b"another").as_ref()));
            assert!(!keys[0].signed(b"text", b""));
        }
        for other in [json!({ "use": "enc" }), json!({ "alg": "RS256" }), json!({ "alg": "none" }), json!({ "x": "=" })]
        {
            assert!(set(other.clone()).is_empty(), "{other}");
        }
        assert!(read("{}").is_err() && read("<html>").is_err());
    }
}
