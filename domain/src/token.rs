//! Bearer tokens: of a demo's access and of a session. Only their digest is stored.

use std::fmt;

use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};

use crate::Digest;

/// 256 bits of chance, written as 64 hexadecimal digits.
#[derive(Clone)]
pub struct Token(SecretString);

/// The text cannot be one of our tokens.
#[derive(Debug, thiserror::Error)]
#[error("not a token")]
pub struct NotAToken;

impl Token {
    /// Twice the 128 bits that a session needs at the least.
    const BYTES: usize = 32;

    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; Self::BYTES];
        rng.fill_bytes(&mut bytes);
        Self(hex::encode(bytes).into())
    }

    /// Reads what a client sent. Anything that is not 64 lower-case hexadecimal digits was never ours.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let ours = text.len() == 2 * Self::BYTES
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if ours { Ok(Self(text.to_owned().into())) } else { Err(NotAToken) }
    }

    /// What is stored, and looked up by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.expose_secret().as_bytes())
    }

    /// The text, for the one answer that tells it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_way_to_the_client_and_back() {
        let token = Token::generate(&mut rand::rng());
        assert_eq!(Token::parse(token.expose()).unwrap().digest(), token.digest());
        assert_ne!(Token::generate(&mut rand::rng()).digest(), token.digest());
        assert_eq!(format!("{token:?}"), "Token(..)");
    }

    #[test]
    fn what_we_never_made_is_no_token() {
        for text in ["", "abc", &"A".repeat(64), &"g".repeat(64), &"a".repeat(65), &"é".repeat(32)]
        {
            assert!(Token::parse(text).is_err());
        }
    }
}
