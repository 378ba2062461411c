//! Passwords: made, hashed with Argon2id, compared. Nothing here touches the database.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use rand::{CryptoRng, RngExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::Error;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes computed at once in this process, 19 MiB and one core each: a storm of logins waits here instead of taking all
/// memory and every blocking thread.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Letters and digits that nobody confuses when they are read from a screen: no 0 O, 1 l I.
const ALPHABET: &[u8] = b"23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
/// 16 of 57 characters are 93 bits.
const TEMPORARY_CHARS: usize = 16;

/// A temporary password. It must be changed at the first login.
pub fn generate(rng: &mut impl CryptoRng) -> SecretString {
    let letter = |_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]);
    (0..TEMPORARY_CHARS).map(letter).collect::<String>().into()
}

/// 128 bits of chance, so that equal passwords have different hashes.
#[derive(Debug, Clone, Copy)]
pub struct Salt([u8; 16]);

impl Salt {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// An Argon2id hash in PHC form (`$argon2id$v=19$m=…`). Never shown.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(phc: String) -> Self {
        Self(phc)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Why a password that a person chose is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Fewer than [`CHARS_MIN`] characters.
    #[error("a password has at least {CHARS_MIN} characters")]
    TooShort,
    /// More than [`BYTES_MAX`] bytes.
    #[error("a password has at most {BYTES_MAX} bytes")]
    TooLong,
}

/// Length is all that is asked for; rules about kinds of characters make passwords worse.
pub const CHARS_MIN: usize = 12;
/// Far beyond any passphrase; a bound on the work that a stranger can cause.
pub const BYTES_MAX: usize = 256;

/// Judges a password that a person chose.
pub fn check(chosen: &SecretString) -> Result<(), Unfit> {
    let chosen = chosen.expose_secret();
    if chosen.len() > BYTES_MAX {
        Err(Unfit::TooLong)
    } else if chosen.chars().count() < CHARS_MIN {
        Err(Unfit::TooShort)
    } else {
        Ok(())
    }
}

/// Hashes a password on a thread where that disturbs nobody.
pub async fn hash(password: SecretString, salt: Salt) -> Result<PasswordHash, Error> {
    blocking(move || {
        argon2()?
            .hash_password_with_salt(password.expose_secret().as_bytes(), &salt.0)
            .map(|phc| PasswordHash(phc.to_string()))
            .map_err(|_| Error::Hashing)
    })
    .await
}

/// The place in `hashes` of the first that is this password's. Without any hash it works as long as with one, so that the
/// time of an answer does not tell whether an account exists.
pub async fn first_match(
    password: SecretString,
    hashes: Vec<PasswordHash>,
) -> Result<Option<usize>, Error> {
    blocking(move || {
        let argon2 = argon2()?;
        let password = password.expose_secret().as_bytes();
        let password = if password.len() > BYTES_MAX { &[] } else { password };
        let fits = |phc: &str| argon2.verify_password(password, phc).is_ok();
        if hashes.is_empty() {
            fits(NOBODYS);
            return Ok(None);
        }
        // All are tried: the time tells how many accounts there are, not which one it was.
        let found: Vec<bool> = hashes.iter().map(|hash| fits(hash.as_str())).collect();
        Ok(found.iter().position(|&fits| fits))
    })
    .await
}

/// A well-formed hash with our parameters that belongs to no account.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdC4uLg$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let permit = HASHING.acquire().await.map_err(|_| Error::Hashing)?;
    // The permit goes with the work: a caller who leaves does not make room for another hash while this one runs.
    let work = move || {
        let _permit = permit;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Hashing)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let mut rng = rand::rng();
        let secret = generate(&mut rng);
        let ours = hash(secret.clone(), Salt::generate(&mut rng)).await.unwrap();
        let again = hash(secret.clone(), Salt::generate(&mut rng)).await.unwrap();
        let other = hash(generate(&mut rng), Salt::generate(&mut rng)).await.unwrap();
        assert!(ours.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(ours.as_str(), again.as_str());
        assert_eq!(format!("{ours:?}"), "PasswordHash(..)");
        let found = first_match(secret.clone(), vec![other.clone(), ours]).await.unwrap();
        assert_eq!(found, Some(1));
        assert_eq!(first_match(secret.clone(), vec![other]).await.unwrap(), None);
        assert_eq!(first_match(secret, vec![]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_unknown_account_costs_a_real_hash() {
        // A malformed stand-in would be refused before any work is done.
        assert!(argon2::PasswordHash::new(NOBODYS).is_ok());
        let phc = argon2::PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(Params::try_from(&phc).unwrap().m_cost(), MEMORY_KIB);
        assert_eq!(first_match(String::new().into(), vec![]).await.unwrap(), None);
    }

    #[test]
    fn temporary_passwords_are_fit_and_differ() {
        let mut rng = rand::rng();
        let (one, two) = (generate(&mut rng), generate(&mut rng));
        assert_eq!(check(&one), Ok(()));
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert!(one.expose_secret().bytes().all(|b| ALPHABET.contains(&b)));
    }

    #[test]
    fn a_chosen_password_is_judged_by_its_length() {
        assert_eq!(check(&"short".to_owned().into()), Err(Unfit::TooShort));
        assert_eq!(check(&"ü".repeat(12).into()), Ok(()));
        assert_eq!(check(&"x".repeat(257).into()), Err(Unfit::TooLong));
    }
}
