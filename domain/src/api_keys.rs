//! Keys of operators and their programs. Whoever makes one sees it once; here is only its hash. What a key may do is a set of
//! scopes; how long, and how often in a minute, is said when it is made.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{Conn, Digest, Error, error::During, token::Token, word::words};

/// In front of every key, so that people and scanners of repositories know one.
const PREFIX: &str = "tlk_";

/// Digits of a key's id, and of the sum at its end.
const ID_DIGITS: usize = 12;
const SUM_DIGITS: usize = 8;

/// How far back the last use is exact. Not every request writes it.
const USED_EVERY: Duration = Duration::from_mins(1);

/// Keys in the list. A team has tens.
const LIST_MAX: i64 = 1000;

words! {
    /// What a key may do.
    pub enum Scope ("scope") {
        /// Look at everything.
        Read = "read",
        /// Jobs, parked runs and webhooks: enqueue, retry, cancel, answer, replay.
        Jobs = "jobs",
        /// Queues, schedules and workers: pause, limit, drain.
        Queues = "queues",
        /// Demos, tenants, numbers, plans and the product's switches.
        Tenants = "tenants",
        /// Make, rotate and revoke keys.
        Keys = "keys",
    }
}

/// A key, as it is told once.
#[derive(Debug, Clone)]
pub struct ApiKey {
    id: String,
    text: SecretString,
}

/// The text is no key of ours: mistyped, cut, or of somebody else.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a key")]
pub struct NotAKey;

impl ApiKey {
    /// A new one: 256 bits of chance.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let (id, secret) = (Token::generate(rng), Token::generate(rng));
        let head = format!("{PREFIX}{}_{}", &id.expose()[..ID_DIGITS], secret.expose());
        let sum = sum(&head);
        Self { id: id.expose()[..ID_DIGITS].to_owned(), text: format!("{head}{sum}").into() }
    }

    /// Reads what a client sent. The sum at the end tells a mistyped key from a wrong one, without a look at the database.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (id, rest) = text.strip_prefix(PREFIX).ok_or(NotAKey)?.split_once('_').ok_or(NotAKey)?;
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let fits = id.len() == ID_DIGITS && is_hex(id) && is_hex(rest) && rest.len() > SUM_DIGITS;
        if !fits {
            return Err(NotAKey);
        }
        let (secret, tail) = rest.split_at(rest.len() - SUM_DIGITS);
        Token::parse(secret).map_err(|_| NotAKey)?;
        if sum(&text[..text.len() - SUM_DIGITS]) != tail {
            return Err(NotAKey);
        }
        Ok(Self { id: id.to_owned(), text: text.to_owned().into() })
    }

    /// The part that may be shown.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text, for the one answer that tells it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    fn digest(&self) -> Digest {
        Digest::of(self.text.expose_secret().as_bytes())
    }
}

fn sum(text: &str) -> String {
    hex::encode(&Digest::of(text.as_bytes()).as_bytes()[..SUM_DIGITS / 2])
}

/// Who uses a key that is good now.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Whose it is, as it was named.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How often in a minute.
    pub per_minute: u32,
    /// For counting.
    pub hash: Digest,
}

/// The holder of a key, if it is good now. Notes that it was used.
pub async fn find(conn: &mut Conn, key: &ApiKey) -> Result<Option<Holder>, Error> {
    let row = sqlx::query!(
        r#"select name, scopes, per_minute, secret_hash::bytea as "secret_hash!",
                  coalesce(last_used_at < trunkline.now() - make_interval(secs => $2), true) as "is_stale!"
           from product.api_keys
           where key_id = $1 and revoked_at is null and (expires_at is null or expires_at > trunkline.now())"#,
        key.id,
        USED_EVERY.as_secs_f64(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during("api key: find")?;
    let Some(row) = row else { return Ok(None) };
    let hash = Digest::stored(&row.secret_hash)?;
    if hash != key.digest() {
        return Ok(None);
    }
    if row.is_stale {
        sqlx::query!(
            "update product.api_keys set last_used_at = trunkline.now() where key_id = $1",
            key.id
        )
        .execute(conn)
        .await
        .during("api key: used")?;
    }
    let per_minute = u32::try_from(row.per_minute).unwrap_or(1);
    Ok(Some(Holder { name: row.name, scopes: scopes(&row.scopes)?, per_minute, hash }))
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// Whose, for the record.
    pub name: &'a str,
    /// What it may do.
    pub scopes: &'a [Scope],
    /// How often in a minute.
    pub per_minute: u32,
    /// How long it is good; `None`: until it is revoked.
    pub lasts: Option<Duration>,
    /// Who made it.
    pub made_by: &'a str,
}

/// Keeps a new key.
pub async fn create(conn: &mut Conn, key: &ApiKey, new: &NewKey<'_>) -> Result<(), Error> {
    let scopes: Vec<_> = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    sqlx::query!(
        "insert into product.api_keys (key_id, name, scopes, per_minute, secret_hash, made_by, lasts, expires_at)
         values ($1, $2, $3, $4, $5::bytea, $6, make_interval(secs => $7),
                 trunkline.now() + make_interval(secs => $7))",
        key.id,
        new.name,
        &scopes,
        i32::try_from(new.per_minute).unwrap_or(i32::MAX),
        key.digest().as_bytes(),
        new.made_by,
        new.lasts.map(|time| time.as_secs_f64()),
    )
    .execute(conn)
    .await
    .during("api key: create")?;
    Ok(())
}

/// A key that takes the place of another: the same name, scopes and limits. The old one works for so long yet. `None`: it is
/// not good any more.
pub async fn rotate(
    conn: &mut Conn,
    old: &str,
    new: &ApiKey,
    grace: Duration,
    by: &str,
) -> Result<Option<()>, Error> {
    let made = sqlx::query!(
        "insert into product.api_keys (key_id, name, scopes, per_minute, secret_hash, made_by, lasts, expires_at,
                                       replaces)
         select $2, name, scopes, per_minute, $3::bytea, $4, lasts, trunkline.now() + lasts, key_id
         from product.api_keys
         where key_id = $1 and revoked_at is null and (expires_at is null or expires_at > trunkline.now())
         for update",
        old,
        new.id,
        new.digest().as_bytes(),
        by,
    )
    .execute(&mut *conn)
    .await
    .during("api key: rotate")?;
    if made.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!(
        "update product.api_keys
         set expires_at = least(expires_at, trunkline.now() + make_interval(secs => $2)) where key_id = $1",
        old,
        grace.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("api key: let go")?;
    Ok(Some(()))
}

/// Ends a key at once. False: there is none of this id that is not revoked.
pub async fn revoke(conn: &mut Conn, id: &str, by: &str) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update product.api_keys set revoked_at = trunkline.now(), revoked_by = $2
         where key_id = $1 and revoked_at is null",
        id,
        by,
    )
    .execute(conn)
    .await
    .during("api key: revoke")?;
    Ok(done.rows_affected() == 1)
}

/// A key as people look at it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// The part that may be shown.
    pub id: String,
    /// Whose.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How often in a minute.
    pub per_minute: i32,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// By whom.
    pub made_by: String,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key whose place it took.
    pub replaces: Option<String>,
    /// Whether it is good now.
    pub works: bool,
}

/// All keys, the newest first.
pub async fn list(conn: &mut Conn) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query!(
        r#"select key_id, name, scopes, per_minute, made_at, made_by, expires_at, last_used_at, revoked_at, replaces,
                  revoked_at is null and (expires_at is null or expires_at > trunkline.now()) as "works!"
           from product.api_keys order by made_at desc, key_id limit $1"#,
        LIST_MAX,
    )
    .fetch_all(conn)
    .await
    .during("api key: list")?;
    rows.into_iter()
        .map(|row| {
            Ok(Listed {
                id: row.key_id,
                name: row.name,
                scopes: scopes(&row.scopes)?,
                per_minute: row.per_minute,
                made_at: row.made_at,
                made_by: row.made_by,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
                revoked_at: row.revoked_at,
                replaces: row.replaces,
                works: row.works,
            })
        })
        .collect()
}

fn scopes(words: &[String]) -> Result<Vec<Scope>, Error> {
    let read = |word: &String| word.parse().map_err(|_| Error::Unreadable { what: "scope" });
    words.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_not_shown() {
        let key = ApiKey::generate(&mut rand::rng());
        let read = ApiKey::parse(key.expose()).unwrap();
        assert_eq!((read.id(), read.digest() == key.digest()), (key.id(), true));
        assert!(!format!("{key:?}").contains(&key.expose()[20..]));
        assert!(key.expose().starts_with("tlk_"));
    }

    #[test]
    fn a_key_that_was_mistyped_or_cut_is_none() {
        let key = ApiKey::generate(&mut rand::rng()).expose().to_owned();
        let last = if key.ends_with('0') { '1' } else { '0' };
        let typo = key[..key.len() - 1].to_owned() + &last.to_string();
        let swapped = key.replacen(&key[20..21], if &key[20..21] == "a" { "b" } else { "a" }, 1);
        for text in ["", "tlk_", "tlk__", &key[1..], &key[..key.len() - 1], &typo, &swapped, "tlk_é_é"] {
            assert_eq!(ApiKey::parse(text).err(), Some(NotAKey), "{text}");
        }
    }
}
