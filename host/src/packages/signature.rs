//! Who signed a plugin: minisign's and cosign's signatures, held against the keys in `signers`.
//!
//! * [`key`]: a public key, and what it says to a signature.
//! * [`Signatures`]: what was found beside a component, whoever made it.
//!
//! A signature counts where its key is named in the plugin's `signed_by` and has not expired.

mod date;
mod key;

use serde::{Deserialize, Serialize};

use self::key::Key;
pub use self::{date::Date, key::KeyError};
use super::{Digest, oci};

/// What cosign calls what it says about an image.
const COSIGN_TYPE: &str = "cosign container image signature";

/// Somebody who signs plugins.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The name in `signers`.
    pub name: String,
    key: Key,
    /// The last day on which the key counts.
    expires: Option<Date>,
}

/// Why somebody is no signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The last day is none.
    #[error("{0:?} is no day")]
    Date(String),
}

/// What was found beside a component. It is kept with a download, and checked again whenever that is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    /// `.minisig` files.
    pub minisign: Vec<String>,
    /// `.sig` files of `cosign sign-blob`, in base64.
    pub blob: Vec<String>,
    /// What cosign keeps beside an image.
    pub image: Vec<ImageSignature>,
    /// The manifests that lead from what cosign signs to the component.
    pub chain: Vec<String>,
}

/// What cosign keeps beside an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSignature {
    /// What is signed: which image.
    pub payload: String,
    /// The signature, in base64.
    pub signature: String,
}

/// Why a plugin does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature.
    #[error("it has no signature, and has to be signed by {signers}")]
    Missing {
        /// Those who could have signed it.
        signers: String,
    },
    /// There is one, and it is nobody's who is asked for.
    #[error("its signature is wrong: it is not one that {signers} made of this component")]
    Wrong {
        /// Those who could have signed it.
        signers: String,
    },
    /// It was signed by somebody whose key no longer counts.
    #[error("the key of {signer:?}, who signed it, expired: its last day was {last}")]
    Expired {
        /// Whose.
        signer: String,
        /// The day.
        last: Date,
    },
    /// `signed_by` names somebody who is not in `signers`.
    #[error("signed_by names {signer:?}, and there is no such signer")]
    Unknown {
        /// The name.
        signer: String,
    },
}

impl Signer {
    /// Somebody with this public key, which counts up to the day `expires` in UTC.
    ///
    /// # Errors
    /// See [`SignerError`].
    pub fn new(name: &str, key: &str, expires: Option<&str>) -> Result<Self, SignerError> {
        let expires = expires.map(|text| Date::parse(text).ok_or_else(|| SignerError::Date(text.to_owned())));
        Ok(Self { name: name.to_owned(), key: Key::parse(key)?, expires: expires.transpose()? })
    }

    /// Whether it is minisign that this one signs with; otherwise it is cosign.
    #[must_use]
    pub fn uses_minisign(&self) -> bool {
        matches!(self.key, Key::Minisign(_))
    }

    /// Whether one of the signatures is this one's, and of this component.
    fn signed(&self, component: &[u8], found: &Signatures) -> bool {
        match &self.key {
            Key::Minisign(_) => found.minisign.iter().any(|signature| self.key.made(component, signature)),
            Key::Cosign(_) => {
                found.blob.iter().any(|signature| self.key.made(component, signature))
                    || found.image.iter().any(|image| {
                        self.key.made(image.payload.as_bytes(), &image.signature)
                            && image.names().is_some_and(|from| oci::leads(&found.chain, from, Digest::of(component)))
                    })
            }
        }
    }

    fn has_expired(&self, today: Date) -> Option<Date> {
        self.expires.filter(|last| *last < today)
    }
}

impl SignerError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Key(error) => error.hint(),
            Self::Date(_) => "write the last day on which the key counts, such as `2027-12-31`",
        }
    }
}

impl Signatures {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.minisign.is_empty() && self.blob.is_empty() && self.image.is_empty()
    }

    /// Who of `signers` signed the component: one whose key counts `today`.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify<'s>(
        &self,
        component: &[u8],
        signers: &[&'s Signer],
        today: Date,
    ) -> Result<&'s Signer, SignatureError> {
        let names = || signers.iter().map(|signer| format!("{:?}", signer.name)).collect::<Vec<_>>().join(" or ");
        let mut expired = None;
        for signer in signers.iter().filter(|signer| signer.signed(component, self)) {
            match signer.has_expired(today) {
                None => return Ok(signer),
                Some(last) => expired = Some(SignatureError::Expired { signer: signer.name.clone(), last }),
            }
        }
        Err(match expired {
            Some(expired) => expired,
            None if self.is_empty() => SignatureError::Missing { signers: names() },
            None => SignatureError::Wrong { signers: names() },
        })
    }
}

impl ImageSignature {
    /// The digest of the manifest that it is about.
    fn names(&self) -> Option<Digest> {
        let payload: serde_json::Value = serde_json::from_str(&self.payload).ok()?;
        let critical = payload.get("critical")?;
        if critical.get("type")?.as_str()? != COSIGN_TYPE {
            return None;
        }
        critical.get("image")?.get("docker-manifest-digest")?.as_str()?.strip_prefix("sha256:")?.parse().ok()
    }
}

impl SignatureError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "put the signature beside the component (NAME.wasm.minisig, NAME.wasm.sig, or with \
                `cosign sign`), or name another signer in `signed_by`"
                    .to_owned()
            }
            Self::Wrong { .. } => {
                "get the component and its signature again from who made them, and do not use this one".to_owned()
            }
            Self::Expired { signer, .. } => {
                format!("put the signer's new key in signers.{signer}, and have the plugin signed with it")
            }
            Self::Unknown { signer } => format!("write the public key in signers.{signer}"),
        }
    }
}

#[cfg(test)]
mod tests;
