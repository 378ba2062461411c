//! Keys of operators and of their programs. Whoever makes one sees it once; what stands here is its hash. What a key may do is
//! a set of scopes; how long, and how often in a minute, is said when it is made.

mod scope; // what it may do

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use self::scope::{Role, Scope, sorted};
pub use crate::key::{ApiKey, NotAKey};
use crate::{Conn, Digest, Error, error::During, key::USED_EVERY};

/// Keys in the list. A team has tens; what is older was revoked long ago.
const LIST_MAX: i64 = 1000;

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
        key.id(),
        USED_EVERY.as_secs_f64(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during("api key: find")?;
    let Some(row) = row else { return Ok(None) };
    let hash = Digest::stored(&row.secret_hash)?;
    // In constant time: see `Digest`.
    if hash != key.digest() {
        return Ok(None);
    }
    if row.is_stale {
        // Only forward: of two requests at once, the later one's time stands.
        sqlx::query!(
            "update product.api_keys set last_used_at = greatest(last_used_at, trunkline.now()) where key_id = $1",
            key.id(),
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
    let hash = key.digest();
    let scopes: Vec<_> = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    sqlx::query!(
        "insert into product.api_keys (key_id, name, scopes, per_minute, secret_hash, made_by, lasts, expires_at)
         values ($1, $2, $3, $4, $5::bytea, $6, make_interval(secs => $7),
                 trunkline.now() + make_interval(secs => $7))",
        key.id(),
        new.name,
        &scopes,
        i32::try_from(new.per_minute).unwrap_or(i32::MAX),
        hash.as_bytes(),
        new.made_by,
        new.lasts.map(|time| time.as_secs_f64()),
    )
    .execute(conn)
    .await
    .during("api key: create")?;
    Ok(())
}

/// What can be replaced: a key that works now.
#[derive(Debug, Clone)]
pub struct Working {
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whether the key before it, or the one after it, works beside it.
    pub has_twin: bool,
}

/// Locks a key that works, so that of two who replace it at once the second sees what the first did. `None`: none of this id
/// works.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<Option<Working>, Error> {
    let row = sqlx::query!(
        "select scopes, replaces from product.api_keys
         where key_id = $1 and revoked_at is null and (expires_at is null or expires_at > trunkline.now())
         for update",
        id,
    )
    .fetch_optional(&mut *conn)
    .await
    .during("api key: lock")?;
    let Some(row) = row else { return Ok(None) };
    // A statement of its own: it sees what was committed while the lock was waited for.
    let has_twin = sqlx::query_scalar!(
        r#"select exists (
               select from product.api_keys
               where (replaces = $1 or key_id = $2) and revoked_at is null
                 and (expires_at is null or expires_at > trunkline.now())) as "has_twin!""#,
        id,
        row.replaces,
    )
    .fetch_one(conn)
    .await
    .during("api key: twin")?;
    Ok(Some(Working { scopes: scopes(&row.scopes)?, has_twin }))
}

/// A key that takes the place of a locked one: the same name, scopes, limit and time. The old one works for `grace` yet.
pub async fn replace(
    conn: &mut Conn,
    old: &str,
    new: &ApiKey,
    grace: Duration,
    by: &str,
) -> Result<(), Error> {
    let hash = new.digest();
    sqlx::query!(
        "insert into product.api_keys (key_id, name, scopes, per_minute, secret_hash, made_by, lasts, expires_at,
                                       replaces)
         select $2, name, scopes, per_minute, $3::bytea, $4, lasts, trunkline.now() + lasts, key_id
         from product.api_keys where key_id = $1",
        old,
        new.id(),
        hash.as_bytes(),
        by,
    )
    .execute(&mut *conn)
    .await
    .during("api key: replace")?;
    sqlx::query!(
        "update product.api_keys
         set expires_at = least(expires_at, trunkline.now() + make_interval(secs => $2)) where key_id = $1",
        old,
        grace.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("api key: let go")?;
    Ok(())
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
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The role that has these scopes, if one has.
    pub role: Option<Role>,
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
    /// By whom.
    pub revoked_by: Option<String>,
    /// The key whose place it took.
    pub replaces: Option<String>,
    /// Whether it is good now.
    pub works: bool,
}

/// All keys, the newest first.
pub async fn list(conn: &mut Conn) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query!(
        r#"select key_id, name, scopes, per_minute, made_at, made_by, expires_at, last_used_at, revoked_at, revoked_by,
                  replaces, revoked_at is null and (expires_at is null or expires_at > trunkline.now()) as "works!"
           from product.api_keys order by made_at desc, key_id limit $1"#,
        LIST_MAX,
    )
    .fetch_all(conn)
    .await
    .during("api key: list")?;
    rows.into_iter()
        .map(|row| {
            let scopes = scopes(&row.scopes)?;
            Ok(Listed {
                id: row.key_id,
                name: row.name,
                role: Role::of(&scopes),
                scopes,
                per_minute: row.per_minute,
                made_at: row.made_at,
                made_by: row.made_by,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
                revoked_at: row.revoked_at,
                revoked_by: row.revoked_by,
                replaces: row.replaces,
                works: row.works,
            })
        })
        .collect()
}

fn scopes(words: &[String]) -> Result<Vec<Scope>, Error> {
    let read = words.iter().map(|word| word.parse()).collect::<Result<Vec<Scope>, _>>()?;
    Ok(sorted(&read))
}
