//! Keys of tenants, for their programs: one opens what a person's session opens. Whoever makes one sees it once; what stands
//! here is its hash.
//!
//! A key is looked up before it is known whose it is: [`find`] needs [`crate::scope::platform`], the others work in the
//! tenant's scope, too.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use crate::key::{NotAKey, TenantKey};
use crate::{
    Conn, Digest, Error, TenantId,
    error::During,
    key::USED_EVERY,
    tenants::{Admission, admit},
};

/// Keys of a tenant that work at once, when another one is made: a program has one, and a tenant has few programs. Those that
/// take the place of others come on top of it for as long as both work.
pub const WORKING_MAX: i64 = 20;

/// Keys in the list. What is over is forgotten after a while, see [`clean`].
const LIST_MAX: i64 = 1000;

/// Who uses a key that is good now.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Whose program it is.
    pub tenant: TenantId,
    /// Whether the tenant may use the product now.
    pub admission: Admission,
    /// How often in a minute.
    pub per_minute: u32,
    /// For counting.
    pub hash: Digest,
}

/// The holder of a key, if it is good now. Notes that it was used.
pub async fn find(conn: &mut Conn, key: &TenantKey) -> Result<Option<Holder>, Error> {
    let row = sqlx::query!(
        r#"select k.tenant_id, k.per_minute, k.secret_hash::bytea as "secret_hash!", t.status,
                  t.demo_expires_at <= trunkline.now() as "demo_is_over",
                  coalesce(k.last_used_at < trunkline.now() - make_interval(secs => $2), true) as "is_stale!"
           from product.tenant_keys k join product.tenants t on t.tenant_id = k.tenant_id
           where k.key_id = $1 and k.revoked_at is null
             and (k.expires_at is null or k.expires_at > trunkline.now())"#,
        key.id(),
        USED_EVERY.as_secs_f64(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during("tenant key: find")?;
    let Some(row) = row else { return Ok(None) };
    let hash = Digest::stored(&row.secret_hash)?;
    // In constant time: see `Digest`.
    if hash != key.digest() {
        return Ok(None);
    }
    if row.is_stale {
        // Only forward: of two requests at once, the later one's time stands.
        sqlx::query!(
            "update product.tenant_keys set last_used_at = greatest(last_used_at, trunkline.now()) where key_id = $1",
            key.id(),
        )
        .execute(conn)
        .await
        .during("tenant key: used")?;
    }
    Ok(Some(Holder {
        tenant: row.tenant_id.into(),
        admission: admit(row.status.parse()?, row.demo_is_over.unwrap_or(false)),
        per_minute: u32::try_from(row.per_minute).unwrap_or(1),
        hash,
    }))
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// What it is for, in its maker's words.
    pub name: &'a str,
    /// How often in a minute.
    pub per_minute: u32,
    /// How long it is good; `None`: until it is revoked.
    pub lasts: Option<Duration>,
    /// Who made it.
    pub made_by: &'a str,
}

/// Keeps a new key of a tenant whose row the caller has locked ([`crate::tenants::lock`]). False: as many as there may be work
/// already.
pub async fn create(
    conn: &mut Conn,
    tenant: TenantId,
    key: &TenantKey,
    new: &NewKey<'_>,
) -> Result<bool, Error> {
    let hash = key.digest();
    let done = sqlx::query!(
        "insert into product.tenant_keys (key_id, tenant_id, name, per_minute, secret_hash, made_by, lasts, expires_at)
         select $1, $2, $3, $4, $5::bytea, $6, make_interval(secs => $7),
                trunkline.now() + make_interval(secs => $7)
         where $8 > (select count(*) from product.tenant_keys
                     where tenant_id = $2 and revoked_at is null
                       and (expires_at is null or expires_at > trunkline.now()))",
        key.id(),
        tenant.as_uuid(),
        new.name,
        i32::try_from(new.per_minute).unwrap_or(i32::MAX),
        hash.as_bytes(),
        new.made_by,
        new.lasts.map(|time| time.as_secs_f64()),
        WORKING_MAX,
    )
    .execute(conn)
    .await
    .during("tenant key: create")?;
    Ok(done.rows_affected() == 1)
}

/// The newest of a tenant's keys that work.
pub async fn newest(conn: &mut Conn, tenant: TenantId) -> Result<Option<String>, Error> {
    sqlx::query_scalar!(
        "select key_id from product.tenant_keys
         where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > trunkline.now())
         order by made_at desc, key_id limit 1",
        tenant.as_uuid(),
    )
    .fetch_optional(conn)
    .await
    .during("tenant key: newest")
}

/// What can be replaced: a key that works now.
#[derive(Debug, Clone, Copy)]
pub struct Working {
    /// Whether the key before it, or the one after it, works beside it.
    pub has_twin: bool,
}

/// Locks a key that works, so that of two who replace it at once the second sees what the first did. `None`: the tenant has
/// none of this id that works.
pub async fn lock(conn: &mut Conn, tenant: TenantId, id: &str) -> Result<Option<Working>, Error> {
    let row = sqlx::query!(
        "select replaces from product.tenant_keys
         where tenant_id = $1 and key_id = $2 and revoked_at is null
           and (expires_at is null or expires_at > trunkline.now())
         for update",
        tenant.as_uuid(),
        id,
    )
    .fetch_optional(&mut *conn)
    .await
    .during("tenant key: lock")?;
    let Some(row) = row else { return Ok(None) };
    // A statement of its own: it sees what was committed while the lock was waited for.
    let has_twin = sqlx::query_scalar!(
        r#"select exists (
               select from product.tenant_keys
               where tenant_id = $1 and (replaces = $2 or key_id = $3) and revoked_at is null
                 and (expires_at is null or expires_at > trunkline.now())) as "has_twin!""#,
        tenant.as_uuid(),
        id,
        row.replaces,
    )
    .fetch_one(conn)
    .await
    .during("tenant key: twin")?;
    Ok(Some(Working { has_twin }))
}

/// A key that takes the place of a locked one: the same tenant, name, limit and time. The old one works for `grace` yet; with
/// none, not from the commit on.
pub async fn replace(
    conn: &mut Conn,
    old: &str,
    new: &TenantKey,
    grace: Duration,
    by: &str,
) -> Result<(), Error> {
    let hash = new.digest();
    sqlx::query!(
        "insert into product.tenant_keys (key_id, tenant_id, name, per_minute, secret_hash, made_by, lasts, expires_at,
                                          replaces)
         select $2, tenant_id, name, per_minute, $3::bytea, $4, lasts, trunkline.now() + lasts, key_id
         from product.tenant_keys where key_id = $1",
        old,
        new.id(),
        hash.as_bytes(),
        by,
    )
    .execute(&mut *conn)
    .await
    .during("tenant key: replace")?;
    sqlx::query!(
        "update product.tenant_keys
         set expires_at = least(expires_at, trunkline.now() + make_interval(secs => $2)) where key_id = $1",
        old,
        grace.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("tenant key: let go")?;
    Ok(())
}

/// Ends a key at once. False: the tenant has none of this id that is not revoked.
pub async fn revoke(conn: &mut Conn, tenant: TenantId, id: &str, by: &str) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update product.tenant_keys set revoked_at = trunkline.now(), revoked_by = $3
         where tenant_id = $1 and key_id = $2 and revoked_at is null",
        tenant.as_uuid(),
        id,
        by,
    )
    .execute(conn)
    .await
    .during("tenant key: revoke")?;
    Ok(done.rows_affected() == 1)
}

/// Deletes keys that have been over for so long; says how many.
pub async fn clean(conn: &mut Conn, keep: Duration) -> Result<u64, Error> {
    let gone = sqlx::query!(
        "delete from product.tenant_keys
         where num_nonnulls(expires_at, revoked_at) > 0
           and least(expires_at, revoked_at) <= trunkline.now() - make_interval(secs => $1)",
        keep.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("tenant key: clean")?;
    Ok(gone.rows_affected())
}

/// A key as people look at it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// The part that may be shown.
    pub id: String,
    /// What it is for.
    pub name: String,
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
    /// Whether it is good now, if its tenant is.
    pub works: bool,
}

/// A tenant's keys, the newest first.
pub async fn list(conn: &mut Conn, tenant: TenantId) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        r#"select key_id as id, name, per_minute, made_at, made_by, expires_at, last_used_at, revoked_at, revoked_by,
                  replaces, revoked_at is null and (expires_at is null or expires_at > trunkline.now()) as "works!"
           from product.tenant_keys where tenant_id = $1 order by made_at desc, key_id limit $2"#,
        tenant.as_uuid(),
        LIST_MAX,
    )
    .fetch_all(conn)
    .await
    .during("tenant key: list")
}
