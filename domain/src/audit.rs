//! The record of what was done to whom, by whom. It only grows: the application's role can neither change nor delete it.

use serde_json::Value;

use crate::{Conn, Digest, Error, PhoneNumber, TenantId, error::During};

/// One deed.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// What, as `noun.verb`: `demo.verified_by_operator`.
    pub action: &'a str,
    /// To whom, if to one tenant.
    pub tenant: Option<TenantId>,
    /// By whom: `operator:…`, `user:…`, `system`.
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
