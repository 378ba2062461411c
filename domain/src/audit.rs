//! The record of what was done to whom, by whom. It only grows: the application's role can neither change nor delete it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::{Conn, Digest, Error, PhoneNumber, TenantId, error::During};

/// One deed.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// What, as `noun.verb`: `demo.verified_by_operator`.
    pub action: &'a str,
    /// To whom, if to one tenant.
    pub tenant: Option<TenantId>,
    /// By whom: `operator:…`, `user:…`, `tenant-key:…`, `system`.
    pub actor: &'a str,
    /// About which phone; kept masked.
    pub phone: Option<&'a PhoneNumber>,
    /// From which address; its keyed hash.
    pub ip: Option<&'a Digest>,
    /// What else matters. No secrets, no phone numbers, no codes.
    pub details: Value,
}

/// Writes an entry; it stands if the deed's transaction does.
pub async fn record(conn: &mut Conn, entry: Entry<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.audit_log (action, tenant_id, actor, phone_masked, ip_hash, details)
         values ($1, $2, $3, $4, $5::bytea, $6)",
        entry.action,
        entry.tenant.map(TenantId::as_uuid),
        entry.actor,
        entry.phone.map(PhoneNumber::masked),
        entry.ip.map(Digest::as_bytes),
        entry.details,
    )
    .execute(conn)
    .await
    .during("audit: record")?;
    Ok(())
}

/// An entry as people look at it.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Rises with time.
    pub id: i64,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom, if to one tenant.
    pub tenant: Option<TenantId>,
    /// About which phone; masked.
    pub phone: Option<String>,
    /// What else matters.
    pub details: Value,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Of this deed.
    pub action: Option<&'a str>,
    /// To this tenant.
    pub tenant: Option<TenantId>,
    /// Written before this one: the last of the page before.
    pub older_than: Option<i64>,
}

/// Entries, newest first.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter<'_>,
    rows_max: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query!(
        "select audit_id, at, actor, action, tenant_id, phone_masked, details from product.audit_log
         where ($1::text is null or action = $1) and ($2::uuid is null or tenant_id = $2)
           and audit_id < coalesce($3, 9223372036854775807)
         order by audit_id desc limit $4",
        filter.action,
        filter.tenant.map(TenantId::as_uuid),
        filter.older_than,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("audit: list")?;
    Ok(rows
        .into_iter()
        .map(|row| Recorded {
            id: row.audit_id,
            at: row.at,
            actor: row.actor,
            action: row.action,
            tenant: row.tenant_id.map(TenantId::from),
            phone: row.phone_masked,
            details: row.details,
        })
        .collect())
}
