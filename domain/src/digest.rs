//! What is kept instead of a secret or a person's address: 32 bytes that say only whether something is the same.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::Error;

/// A SHA-256 or an HMAC-SHA256. Compared in constant time, never shown.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The plain SHA-256: enough for what has 128 bits of chance in it, such as a token.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The bytes, as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn stored(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::Unreadable { what: "digest" })
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// The server's own secret in every keyed hash. Phones and codes are so few that whoever has the table could try them all;
/// without the pepper that tells nothing.
#[derive(Clone)]
pub struct Pepper(SecretString);

/// The configured pepper is too short to keep anything.
#[derive(Debug, thiserror::Error)]
#[error("the pepper has fewer than {} bytes", Pepper::BYTES_MIN)]
pub struct WeakPepper;

impl Pepper {
    /// HMAC-SHA256 takes up to 64 bytes as they are; below 32 the key would be the weakest part.
    pub const BYTES_MIN: usize = 32;

    /// Takes the secret over.
    pub fn new(secret: SecretString) -> Result<Self, WeakPepper> {
        if secret.expose_secret().len() < Self::BYTES_MIN {
            return Err(WeakPepper);
        }
        Ok(Self(secret))
    }

    /// The keyed hash of some parts. `purpose` keeps hashes for different uses apart even where the parts are equal.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> Digest {
        Digest(self.mac(purpose, parts).finalize().into_bytes().into())
    }

    /// Whether these are the parts that were hashed; takes the same time for every answer.
    pub fn matches(&self, hash: &Digest, purpose: &str, parts: &[&[u8]]) -> bool {
        self.mac(purpose, parts).verify_slice(&hash.0).is_ok()
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .expect("HMAC takes keys of any length");
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            // The length in front keeps ("ab", "c") and ("a", "bc") apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper(fill: &str) -> Pepper {
        Pepper::new(fill.repeat(Pepper::BYTES_MIN).into()).unwrap()
    }

    #[test]
    fn a_hash_depends_on_pepper_purpose_and_the_cut_between_parts() {
        let hash = pepper("a").hash("ip", &[b"ab", b"c"]);
        assert_eq!(hash, pepper("a").hash("ip", &[b"ab", b"c"]));
        assert_ne!(hash, pepper("b").hash("ip", &[b"ab", b"c"]));
        assert_ne!(hash, pepper("a").hash("phone", &[b"ab", b"c"]));
        assert_ne!(hash, pepper("a").hash("ip", &[b"a", b"bc"]));
        assert!(pepper("a").matches(&hash, "ip", &[b"ab", b"c"]));
        assert!(!pepper("a").matches(&hash, "ip", &[b"ab", b"d"]));
    }

    #[test]
    fn a_short_pepper_is_refused_and_a_good_one_is_not_shown() {
        assert!(Pepper::new("short".to_owned().into()).is_err());
        assert_eq!(format!("{:?}", pepper("s")), "Pepper(..)");
        assert_eq!(format!("{:?}", Digest::of(b"x")), "Digest(..)");
    }
}
