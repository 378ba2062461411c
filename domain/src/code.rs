//! The six digits by which a person proves that a phone is theirs.

use std::fmt;

use rand::{CryptoRng, RngExt};
use secrecy::{ExposeSecret, SecretString};

use crate::{Digest, Pepper, TenantId};

/// Six digits. Never shown, never stored: [`hash_code`] is what is kept.
#[derive(Clone)]
pub struct Code(SecretString);

/// The text is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has six digits")]
pub struct NotACode;

/// The keyed hash of a tenant's code.
pub type CodeHash = Digest;

/// Keeps hashes of codes apart from those of addresses under the same pepper.
const PURPOSE: &str = "verification code";

impl Code {
    /// No leading zeros: people drop them when they read a number aloud or type it into a spreadsheet.
    const VALUES: std::ops::RangeInclusive<u32> = 100_000..=999_999;

    /// A new one; every value is equally likely.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(rng.random_range(Self::VALUES).to_string().into())
    }

    /// Reads what a person typed: exactly six ASCII digits, blanks around them forgiven.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let text = text.trim_matches(' ');
        if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned().into()))
        } else {
            Err(NotACode)
        }
    }

    /// The digits, for the one text message that tells them.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// What is stored of a code. Bound to the tenant, so that equal codes of two tenants do not look equal.
pub fn hash_code(pepper: &Pepper, tenant: TenantId, code: &Code) -> CodeHash {
    pepper.hash(PURPOSE, &[tenant.as_uuid().as_bytes(), code.expose().as_bytes()])
}

/// Whether `hash` is that of this tenant's `code`; as slow for no as for yes.
pub fn code_matches(pepper: &Pepper, tenant: TenantId, code: &Code, hash: &CodeHash) -> bool {
    pepper.matches(hash, PURPOSE, &[tenant.as_uuid().as_bytes(), code.expose().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper() -> Pepper {
        Pepper::new("pepper ".repeat(5).into()).unwrap()
    }

    #[test]
    fn generated_codes_have_six_digits_and_no_leading_zero() {
        let mut rng = rand::rng();
        for _ in 0..10_000 {
            let code = Code::generate(&mut rng);
            assert!(Code::parse(code.expose()).is_ok());
            assert!(!code.expose().starts_with('0'));
        }
    }

    #[test]
    fn first_digits_are_evenly_spread() {
        let mut rng = rand::rng();
        let mut seen = [0_u32; 10];
        for _ in 0..90_000 {
            seen[usize::from(Code::generate(&mut rng).expose().as_bytes()[0] - b'0')] += 1;
        }
        // 10,000 expected each; 600 is more than six standard deviations.
        assert!(seen[1..].iter().all(|n| n.abs_diff(10_000) < 600), "{seen:?}");
    }

    #[test]
    fn only_six_ascii_digits_are_a_code() {
        assert_eq!(Code::parse(" 012345 ").unwrap().expose(), "012345");
        for text in [
            "",
            "12345",
            "1234567",
            "12345a",
            "１２３４５６",
            "123 456",
            "12345\0",
            "+12345",
            "-12345",
        ] {
            assert!(Code::parse(text).is_err(), "{text:?}");
        }
        assert!(Code::parse(&"1".repeat(10_000_000)).is_err());
    }

    #[test]
    fn a_hash_fits_its_own_tenant_and_code_only() {
        let (ours, theirs) = (TenantId::mint(), TenantId::mint());
        let code = Code::parse("123456").unwrap();
        let hash = hash_code(&pepper(), ours, &code);
        assert!(code_matches(&pepper(), ours, &code, &hash));
        assert!(!code_matches(&pepper(), theirs, &code, &hash));
        assert!(!code_matches(&pepper(), ours, &Code::parse("123457").unwrap(), &hash));
    }

    #[test]
    fn a_code_is_not_shown() {
        assert_eq!(format!("{:?}", Code::parse("123456").unwrap()), "Code(..)");
    }
}
