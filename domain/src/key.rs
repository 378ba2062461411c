//! A key as its holder has it: `<prefix>_<id>_<secret><sum>`. One form for all who have keys; whose it is shows in the prefix
//! and, for the compiler, in the type.

use std::{marker::PhantomData, time::Duration};

use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};

use crate::{Digest, token::Token};

/// Whose keys they are.
pub trait Holder {
    /// In front of every key, so that people and scanners of repositories know one.
    const PREFIX: &'static str;
}

/// Operators, and their programs.
#[derive(Debug, Clone, Copy)]
pub enum Operators {}

impl Holder for Operators {
    const PREFIX: &'static str = "tlk_";
}

/// Programs of tenants.
#[derive(Debug, Clone, Copy)]
pub enum Tenants {}

impl Holder for Tenants {
    const PREFIX: &'static str = "tlt_";
}

/// An operator's key.
pub type ApiKey = Key<Operators>;

/// A tenant's key.
pub type TenantKey = Key<Tenants>;

/// How far back the last use is exact. Not every request writes it.
pub(crate) const USED_EVERY: Duration = Duration::from_mins(1);

/// Hexadecimal digits of the id, which may be shown: enough that no two keys of a team meet.
const ID_DIGITS: usize = 12;

/// Of the sum at the end: one in four thousand million mistyped keys is looked up in vain.
const SUM_DIGITS: usize = 8;

/// A key, as it is told once.
#[derive(Debug, Clone)]
pub struct Key<H> {
    id: String,
    text: SecretString,
    whose: PhantomData<H>,
}

/// The text is no key of ours: mistyped, cut, or of somebody else.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a key")]
pub struct NotAKey;

impl<H: Holder> Key<H> {
    /// A new one: 256 bits of chance, and an id that is chance, too.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = [0; ID_DIGITS / 2];
        rng.fill_bytes(&mut id);
        let (id, secret) = (hex::encode(id), Token::generate(rng));
        let head = format!("{}{id}_{}", H::PREFIX, secret.expose());
        let sum = sum(&head);
        Self { id, text: format!("{head}{sum}").into(), whose: PhantomData }
    }

    /// Reads what a client sent. The sum tells a mistyped key from a wrong one without a look at the database.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (id, rest) =
            text.strip_prefix(H::PREFIX).ok_or(NotAKey)?.split_once('_').ok_or(NotAKey)?;
        // What is all ASCII can be cut anywhere.
        if !Self::is_id(id) || !is_hex(rest) || rest.len() <= SUM_DIGITS {
            return Err(NotAKey);
        }
        let (secret, tail) = rest.split_at(rest.len() - SUM_DIGITS);
        Token::parse(secret).map_err(|_| NotAKey)?;
        if sum(&text[..text.len() - SUM_DIGITS]) != tail {
            return Err(NotAKey);
        }
        Ok(Self { id: id.to_owned(), text: text.to_owned().into(), whose: PhantomData })
    }

    /// Whether a text could be a key's id.
    pub fn is_id(text: &str) -> bool {
        text.len() == ID_DIGITS && is_hex(text)
    }

    /// The part that may be shown.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text, for the one answer that tells it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// What is kept: a fast hash is enough for what cannot be guessed.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.text.expose_secret().as_bytes())
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn sum(text: &str) -> String {
    hex::encode(&Digest::of(text.as_bytes()).as_bytes()[..SUM_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_not_shown() {
        let key = ApiKey::generate(&mut rand::rng());
        let read = ApiKey::parse(key.expose()).unwrap();
        assert_eq!((read.id(), read.digest()), (key.id(), key.digest()));
        assert!(!format!("{key:?}").contains(&key.expose()[20..]));
        assert!(key.expose().starts_with(&format!("tlk_{}_", key.id())));
        assert_ne!(ApiKey::generate(&mut rand::rng()).id(), key.id());
    }

    #[test]
    fn a_tenant_s_key_is_no_operator_s_and_the_other_way_round() {
        let (ours, theirs) =
            (ApiKey::generate(&mut rand::rng()), TenantKey::generate(&mut rand::rng()));
        assert!(theirs.expose().starts_with(&format!("tlt_{}_", theirs.id())));
        assert_eq!(ApiKey::parse(theirs.expose()).err(), Some(NotAKey));
        assert_eq!(TenantKey::parse(ours.expose()).err(), Some(NotAKey));
        // The prefix is summed, too.
        let turned = theirs.expose().replacen("tlt_", "tlk_", 1);
        assert_eq!(ApiKey::parse(&turned).err(), Some(NotAKey));
    }

    #[test]
    fn a_key_that_was_mistyped_or_cut_is_none() {
        let key = ApiKey::generate(&mut rand::rng()).expose().to_owned();
        let other = |digit: char| if digit == 'a' { 'b' } else { 'a' };
        for at in [4, 17, 40, key.len() - 1] {
            let typo: String =
                key.chars().enumerate().map(|(n, c)| if n == at { other(c) } else { c }).collect();
            assert_eq!(ApiKey::parse(&typo).err(), Some(NotAKey), "{at}");
        }
        let upper = key.to_uppercase();
        for text in
            ["", "tlk_", "tlk__", "tlk_é_é", &key[1..], &key[..key.len() - 1], &upper, &key[..25]]
        {
            assert_eq!(ApiKey::parse(text).err(), Some(NotAKey), "{text}");
        }
    }
}
