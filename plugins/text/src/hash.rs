//! Hashes.

use md5::Md5;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
    Sha1,
    Md5,
}

/// A hash and what it is of.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Digest {
    pub(crate) algorithm: Algorithm,
    /// The hash, in lower case.
    pub(crate) hex: String,
    /// How many bytes were hashed.
    pub(crate) bytes: usize,
}

impl Digest {
    pub(crate) fn of(text: &str, algorithm: Algorithm) -> Self {
        let hex = match algorithm {
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
            Algorithm::Sha512 => hex(&Sha512::digest(text)),
            Algorithm::Sha1 => hex(&Sha1::digest(text)),
            Algorithm::Md5 => hex(&Md5::digest(text)),
        };
        Self { algorithm, hex, bytes: text.len() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standards() {
        let of = |algorithm| Digest::of("abc", algorithm).hex;
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(of(Algorithm::Sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(of(Algorithm::Sha512).starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn the_bytes_are_those_of_utf_8() {
        assert_eq!(Digest::of("ä", Algorithm::Md5).bytes, 2);
    }
}
