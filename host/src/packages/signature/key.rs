//! Public keys.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign_verify::{PublicKey, Signature};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// What a public key on the curve P-256 begins with in DER (RFC 5480: `id-ecPublicKey`, `prime256v1`, and a point that
/// is not compressed). Everything before the point is always the same.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of such a point: 4, and two coordinates.
const POINT: usize = 65;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// A public key.
#[derive(Clone)]
pub(super) enum Key {
    /// Of minisign: Ed25519.
    Minisign(PublicKey),
    /// Of cosign: ECDSA on P-256 with SHA-256, as a point.
    Cosign(Vec<u8>),
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It begins like neither kind.
    #[error("this is no public key of minisign or cosign")]
    Neither,
    /// It is somebody's secret.
    #[error("this is a private key, which nobody but its owner may have")]
    Private,
    /// PEM with something else in it.
    #[error("this PEM holds no public key on the curve P-256, which cosign signs with")]
    Curve,
    /// Minisign's, and damaged.
    #[error("this public key of minisign is damaged")]
    Damaged,
}

impl KeyError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Private => "write what is in minisign.pub or cosign.pub, and make a new pair of keys",
            Self::Curve => "write the whole of cosign.pub, as `cosign generate-key-pair` makes it",
            _ => "write the last line of minisign.pub (RW…), or the whole of cosign.pub below `|`",
        }
    }
}

impl Key {
    /// Reads a key: minisign's as its file has it or without the comment, cosign's in PEM.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") || text.contains("minisign encrypted secret key") {
            return Err(KeyError::Private);
        }
        if let Some(inner) = text.strip_prefix(PEM_BEGIN) {
            let inner: String = inner.strip_suffix(PEM_END).ok_or(KeyError::Curve)?.split_whitespace().collect();
            let der = BASE64_STANDARD.decode(inner).map_err(|_| KeyError::Curve)?;
            let point = der.strip_prefix(&P256).filter(|point| point.len() == POINT && point[0] == 4);
            return point.map(|point| Self::Cosign(point.to_vec())).ok_or(KeyError::Curve);
        }
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        match line.starts_with("RW") {
            true => PublicKey::from_base64(line).map(Self::Minisign).map_err(|_| KeyError::Damaged),
            false => Err(KeyError::Neither),
        }
    }

    /// Whether `signature` was made of `bytes` with the other half of this key: minisign's as its file has it, cosign's
    /// in base64.
    pub(super) fn made(&self, bytes: &[u8], signature: &str) -> bool {
        match self {
            // Older ones, which sign the bytes and not their hash, are as good.
            Self::Minisign(key) => Signature::decode(signature).is_ok_and(|s| key.verify(bytes, &s, true).is_ok()),
            Self::Cosign(point) => {
                let signature = BASE64_STANDARD.decode(signature.trim());
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
                signature.is_ok_and(|signature| key.verify(bytes, &signature).is_ok())
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minisign(_) => "Minisign",
            Self::Cosign(_) => "Cosign",
        })
    }
}
