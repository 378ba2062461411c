//! Phone calls and their recordings, as the provider tells of them: repeated, in any order, and before there is a row.
//!
//! Whoever applies news of a call holds the call's lock until the transaction ends, so news of one call is applied one after
//! the other; and each only moves it forward ([`progress`]), so the order does not matter.

pub mod answers; // how it was answered
pub mod kept; // in the clear, or in a box
pub mod list; // as a tenant's people see them
pub mod progress; // where a call is, and what news does to it
pub mod recordings; // what was recorded of it
pub mod requests; // what callers left for the owner
pub mod text_backs; // the one text after a call that nobody took
pub mod transcripts; // what was said

use chrono::{DateTime, Utc};

pub use self::progress::{CallStatus, News, Progress};
use crate::{Conn, Error, PhoneNumber, TenantId, error::During, id::CallId, word::words};

words! {
    /// Who rang.
    pub enum Direction ("direction of a call") {
        /// Somebody rang us.
        Inbound = "inbound",
        /// We rang somebody.
        Outbound = "outbound",
    }
}

/// What is known of a call besides how far it is. What was not known before is filled in.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    /// For which tenant.
    pub tenant: Option<TenantId>,
    /// Who rang.
    pub direction: Option<Direction>,
    /// The caller, unless withheld.
    pub from: Option<&'a PhoneNumber>,
    /// The callee.
    pub to: Option<&'a PhoneNumber>,
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id.
    pub call: CallId,
    /// For which tenant.
    pub tenant: Option<TenantId>,
    /// The provider's name for it.
    pub sid: String,
    /// Who rang.
    pub direction: Option<Direction>,
    /// How far it is.
    pub progress: Progress,
}

/// What news did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The call is new, moved on, or more is known of it.
    Yes,
    /// All of it was known.
    Late,
}

/// Holds a call, whether or not there is a row for it, until the transaction ends.
pub async fn lock(conn: &mut Conn, sid: &str) -> Result<(), Error> {
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('product.calls:' || $1, 0))::text as "held""#,
        sid
    )
    .fetch_one(conn)
    .await
    .during("call: lock")?;
    Ok(())
}

/// Applies news of a call. The first news makes its row, and gives the tenant to recordings that were there before it.
pub async fn apply(
    conn: &mut Conn,
    sid: &str,
    about: About<'_>,
    news: &News,
) -> Result<Applied, Error> {
    lock(conn, sid).await?;
    let before = get(conn, sid).await?;
    let now = sqlx::query_scalar!(r#"select trunkline.now() as "now!""#)
        .fetch_one(&mut *conn)
        .await
        .during("call: clock")?;
    let after = progress::advance(before.as_ref().map(|call| &call.progress), news, now);
    let tells_more = before.as_ref().is_none_or(|call| {
        after != call.progress
            || call.tenant.is_none() && about.tenant.is_some()
            || call.direction.is_none() && about.direction.is_some()
    });
    if !tells_more {
        return Ok(Applied::Late);
    }
    let call = before.map_or_else(CallId::mint, |call| call.call);
    write(conn, call, sid, about, &after).await?;
    recordings::adopt(conn, sid).await?;
    Ok(Applied::Yes)
}

/// Applies news of a call that has to have a row afterwards, and gives its id.
pub async fn apply_and_get(
    conn: &mut Conn,
    sid: &str,
    about: About<'_>,
    news: &News,
) -> Result<CallId, Error> {
    apply(conn, sid, about, news).await?;
    get(conn, sid).await?.map(|call| call.call).ok_or(Error::NotFound { what: "call" })
}

async fn write(
    conn: &mut Conn,
    call: CallId,
    sid: &str,
    about: About<'_>,
    now: &Progress,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.calls as c
             (call_id, call_sid, tenant_id, direction, from_phone, to_phone, status, rank, started_at, answered_at, ended_at,
              duration_secs, sip_response_code)
         values ($1, $2,
                 -- A tenant that has gone since is none; one that is about to go waits for us.
                 (select tenant_id from product.tenants where tenant_id = $3 for key share),
                 $4, $5::text, $6::text, $7, $8, $9, $10, $11, $12, $13)
         on conflict (call_sid) do update
         set tenant_id = coalesce(c.tenant_id, excluded.tenant_id),
             direction = coalesce(c.direction, excluded.direction),
             from_phone = case when c.erased_at is null then coalesce(c.from_phone, excluded.from_phone) else c.from_phone end,
             to_phone = case when c.erased_at is null then coalesce(c.to_phone, excluded.to_phone) else c.to_phone end,
             status = excluded.status, rank = excluded.rank, started_at = excluded.started_at,
             answered_at = excluded.answered_at, ended_at = excluded.ended_at, duration_secs = excluded.duration_secs,
             sip_response_code = excluded.sip_response_code, updated_at = trunkline.now()",
        call.as_uuid(),
        sid,
        about.tenant.map(TenantId::as_uuid),
        about.direction.map(Direction::as_str),
        about.from.map(PhoneNumber::as_e164),
        about.to.map(PhoneNumber::as_e164),
        now.status.as_str(),
        now.status.rank(),
        now.started_at,
        now.answered_at,
        now.ended_at,
        now.duration_secs,
        now.sip_response_code,
    )
    .execute(conn)
    .await
    .during("call: write")?;
    Ok(())
}

/// A call by the provider's name for it, if it is there and visible.
pub async fn get(conn: &mut Conn, sid: &str) -> Result<Option<Call>, Error> {
    let row = sqlx::query!(
        "select call_id, tenant_id, direction, status, started_at, answered_at, ended_at, duration_secs, sip_response_code
         from product.calls where call_sid = $1",
        sid
    )
    .fetch_optional(conn)
    .await
    .during("call: get")?;
    row.map(|r| {
        Ok(Call {
            call: r.call_id.into(),
            tenant: r.tenant_id.map(TenantId::from),
            sid: sid.to_owned(),
            direction: r.direction.map(|word| word.parse()).transpose()?,
            progress: Progress {
                status: r.status.parse()?,
                started_at: r.started_at,
                answered_at: r.answered_at,
                ended_at: r.ended_at,
                duration_secs: r.duration_secs,
                sip_response_code: r.sip_response_code,
            },
        })
    })
    .transpose()
}

/// Who is at the two ends of a call. Has no `Debug`.
pub struct Phones {
    /// The caller, unless withheld.
    pub from: Option<PhoneNumber>,
    /// The callee.
    pub to: Option<PhoneNumber>,
}

/// Who is at the two ends of a call, if it is there and visible.
pub async fn phones(conn: &mut Conn, call: CallId) -> Result<Option<Phones>, Error> {
    let row = sqlx::query!(
        "select from_phone::text as from_phone, to_phone::text as to_phone from product.calls where call_id = $1",
        call.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("call: phones")?;
    let phone = |stored: Option<String>| stored.as_deref().map(PhoneNumber::stored).transpose();
    row.map(|r| Ok(Phones { from: phone(r.from_phone)?, to: phone(r.to_phone)? })).transpose()
}

/// When the provider first told of a call, if it is there and visible.
pub async fn began_at(conn: &mut Conn, call: CallId) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_scalar!("select started_at from product.calls where call_id = $1", call.as_uuid())
        .fetch_optional(conn)
        .await
        .during("call: began at")
}

/// Calls without an end of which nothing was heard since then, by their names, after one name and at most so many.
pub async fn silent_since(
    conn: &mut Conn,
    since: DateTime<Utc>,
    after: &str,
    rows_max: i64,
) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        "select call_sid from product.calls
         where ended_at is null and updated_at <= $1 and call_sid > $2
         order by call_sid limit $3",
        since,
        after,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("call: silent")
}
