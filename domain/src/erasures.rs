//! People and tenants who are erased: the record of it, which outlives them and holds a keyed hash instead of a number; who is
//! meant; how much there is of them; and, a batch at a time, its end. Needs [`crate::scope::platform`].
//!
//! Facts that are counted and paid for stay without the person: calls, messages, usage. So does what somebody wanted not to
//! have: opt-outs, as a hash.

mod count; // how much there is
mod find; // whose hash it is
mod part; // what is erased, batch by batch
mod people; // sign-ups and logins
mod recordings; // what a provider keeps

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

pub use self::{
    count::counts,
    find::{Found, find},
    part::{Part, wipe},
    people::{has_open_signup, husk},
    recordings::{Kept, kept, mark_gone},
};
use crate::{Conn, ErasureId, Error, Pepper, PhoneNumber, TenantId, error::During};

/// Who is erased.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    /// Whoever has this number, at one tenant or at all of them.
    Person {
        /// The number.
        phone: &'a PhoneNumber,
        /// At which tenant; none: at all.
        at: Option<TenantId>,
    },
    /// A tenant, and whoever has to do with it.
    Tenant(TenantId),
}

impl<'a> Whom<'a> {
    fn tenant(self) -> Option<uuid::Uuid> {
        match self {
            Whom::Person { at, .. } => at.map(TenantId::as_uuid),
            Whom::Tenant(tenant) => Some(tenant.as_uuid()),
        }
    }

    fn phone(self) -> Option<&'a str> {
        match self {
            Whom::Person { phone, .. } => Some(phone.as_e164()),
            Whom::Tenant(_) => None,
        }
    }
}

/// An order to erase, as it is written down.
#[derive(Debug, Clone, Copy)]
pub struct NewErasure<'a> {
    /// Its id, and that of its job.
    pub erasure: ErasureId,
    /// At which tenant; none: at all.
    pub tenant: Option<TenantId>,
    /// The keyed hash of the person's number; none: all of the tenant.
    pub person: Option<&'a [u8]>,
    /// Who wants it.
    pub asked_by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Writes an order down.
pub async fn order(conn: &mut Conn, new: &NewErasure<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.erasures (erasure_id, tenant_id, person, asked_by, reason)
         values ($1, $2, $3::bytea, $4, $5)",
        new.erasure.as_uuid(),
        new.tenant.map(TenantId::as_uuid),
        new.person,
        new.asked_by,
        new.reason,
    )
    .execute(conn)
    .await
    .during("erasure: order")?;
    Ok(())
}

/// Who an order is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// At which tenant; none: at all.
    pub tenant: Option<TenantId>,
    /// The keyed hash of the person's number; none: all of the tenant.
    pub person: Option<Vec<u8>>,
}

/// Who an order is about, if there is one.
pub async fn subject(conn: &mut Conn, erasure: ErasureId) -> Result<Option<Subject>, Error> {
    let row = sqlx::query!(
        r#"select tenant_id, person::bytea as person from product.erasures where erasure_id = $1"#,
        erasure.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("erasure: subject")?;
    Ok(row.map(|row| Subject { tenant: row.tenant_id.map(TenantId::from), person: row.person }))
}

/// Writes down what it came to. `is_done`: nothing is left to be erased.
pub async fn finish(
    conn: &mut Conn,
    erasure: ErasureId,
    counts: &Value,
    is_done: bool,
) -> Result<(), Error> {
    sqlx::query!(
        "update product.erasures
         set counts = $2, finished_at = case when $3 then trunkline.now() end where erasure_id = $1",
        erasure.as_uuid(),
        counts,
        is_done,
    )
    .execute(conn)
    .await
    .during("erasure: finish")?;
    Ok(())
}

/// Whether somebody wants this person erased who asked after this instant: what was planned before is not sent any more.
pub async fn covers(
    conn: &mut Conn,
    phone: &PhoneNumber,
    pepper: &Pepper,
    tenant: Option<TenantId>,
    planned_at: DateTime<Utc>,
) -> Result<bool, Error> {
    let hash = phone.digest(pepper);
    sqlx::query_scalar!(
        r#"select exists (
               select from product.erasures
               where person = $1::bytea and asked_at > $3 and (tenant_id is null or tenant_id = $2)) as "covered!""#,
        hash.as_bytes(),
        tenant.map(TenantId::as_uuid),
        planned_at,
    )
    .fetch_one(conn)
    .await
    .during("erasure: covers")
}

/// Whether the number is one of ours, and not a person's.
pub async fn is_ours(conn: &mut Conn, phone: &PhoneNumber) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select from product.phone_pool where phone = $1::text) as "ours!""#,
        phone.as_e164()
    )
    .fetch_one(conn)
    .await
    .during("erasure: whose number")
}

/// An order, as people look at it.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Its id, and that of its job.
    pub id: ErasureId,
    /// The keyed hash of the person's number, in hex; none: all of the tenant.
    pub person: Option<String>,
    /// At which tenant; none: at all.
    pub tenant: Option<TenantId>,
    /// Who wanted it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// When nothing was left; none: it is on its way, or did not come to its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// How much was erased, by what it was.
    pub counts: Value,
}

/// Orders, newest first, after one of them.
pub async fn list(
    conn: &mut Conn,
    older_than: Option<ErasureId>,
    rows_max: i64,
) -> Result<Vec<Recorded>, Error> {
    let rows = sqlx::query!(
        r#"select erasure_id, encode(person::bytea, 'hex') as person, tenant_id, asked_by, reason, asked_at, finished_at, counts
           from product.erasures where $1::uuid is null or erasure_id < $1
           order by erasure_id desc limit $2"#,
        older_than.map(ErasureId::as_uuid),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("erasure: list")?;
    let recorded = rows.into_iter().map(|row| Recorded {
        id: row.erasure_id.into(),
        person: row.person,
        tenant: row.tenant_id.map(TenantId::from),
        asked_by: row.asked_by,
        reason: row.reason,
        asked_at: row.asked_at,
        finished_at: row.finished_at,
        counts: row.counts,
    });
    Ok(recorded.collect())
}

/// A keyed hash, as people and programs write it.
pub fn hash_to_hex(hash: &[u8]) -> String {
    hex::encode(hash)
}

/// The way back. None: this is no hash of 32 bytes in hex.
pub fn hash_of_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|hash| hash.len() == 32)
}

/// Whether a call of theirs goes on, or was over just now: what is told of it may still come.
pub async fn is_in_a_call(conn: &mut Conn, whom: Whom<'_>) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from product.calls
               where ($1::uuid is null or tenant_id = $1) and ($2::text is null or from_phone = $2 or to_phone = $2)
                 and started_at > trunkline.now() - interval '1 day'
                 and (ended_at is null or updated_at > trunkline.now() - interval '10 minutes')) as "goes_on!""#,
        whom.tenant(),
        whom.phone(),
    )
    .fetch_one(conn)
    .await
    .during("erasure: calls that go on")
}
