//! What was said in a call, and what it came to in a few sentences. Kept as long as the tenant wants it.

use chrono::{DateTime, Utc};

use super::kept::Kept;
use crate::{CallId, Conn, Error, Locale, TenantId, error::During, scope};

/// Rows that one statement forgets.
const FORGET_MAX: i64 = 5000;

/// A transcript that is about to be written.
pub struct NewTranscript<'a> {
    /// Of which call.
    pub call: CallId,
    /// Whose.
    pub tenant: TenantId,
    /// In which language the assistant began.
    pub locale: Locale,
    /// How the conversation ended.
    pub ended: &'a str,
    /// How often somebody spoke.
    pub turns: usize,
    /// What was said: a list of `{who, text, atMs}`.
    pub said: Kept,
    /// Whether an emergency keyword was among it.
    pub is_urgent: bool,
    /// For how long.
    pub kept_days: u16,
}

/// A transcript.
pub struct Transcript {
    /// In which language the assistant began.
    pub locale: Locale,
    /// How the conversation ended.
    pub ended: String,
    /// How often somebody spoke.
    pub turns: i16,
    /// What was said.
    pub said: Kept,
    /// What it came to; none yet, or never.
    pub summary: Option<Kept>,
    /// Whether an emergency keyword was among it.
    pub is_urgent: bool,
    /// When it is forgotten.
    pub forget_at: DateTime<Utc>,
}

/// Writes one. `false`: the call has one, or neither the call nor its tenant is there any more.
pub async fn put(conn: &mut Conn, new: &NewTranscript<'_>) -> Result<bool, Error> {
    let done = sqlx::query!(
        "insert into product.call_transcripts
             (call_id, tenant_id, locale, ended, turns, said, said_sealed, is_urgent, forget_at)
         select c.call_id, c.tenant_id, $3::text, $4, $5, $6, $7, $8, trunkline.now() + make_interval(days => $9)
         from product.calls c where c.call_id = $1 and c.tenant_id = $2 and c.erased_at is null
         on conflict (call_id) do nothing",
        new.call.as_uuid(),
        new.tenant.as_uuid(),
        new.locale.as_str(),
        new.ended,
        i16::try_from(new.turns).unwrap_or(i16::MAX),
        new.said.open(),
        new.said.sealed(),
        new.is_urgent,
        i32::from(new.kept_days.max(1)),
    )
    .execute(conn)
    .await
    .during("transcript: put")?;
    Ok(done.rows_affected() == 1)
}

/// Takes one back. Twice is once.
pub async fn delete(conn: &mut Conn, tenant: TenantId, call: CallId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!("delete from product.call_transcripts where call_id = $1", call.as_uuid())
        .execute(conn)
        .await
        .during("transcript: delete")?;
    Ok(())
}

/// Adds what it came to. Has to be kept as the rest is.
pub async fn summarise(conn: &mut Conn, call: CallId, summary: &Kept) -> Result<(), Error> {
    let text = summary.open().and_then(serde_json::Value::as_str);
    sqlx::query!(
        "update product.call_transcripts set summary = $2, summary_sealed = $3
         where call_id = $1 and summary is null and summary_sealed is null",
        call.as_uuid(),
        text,
        summary.sealed(),
    )
    .execute(conn)
    .await
    .during("transcript: summarise")?;
    Ok(())
}

/// What was said in a call, if it is kept and visible.
pub async fn get(conn: &mut Conn, call: CallId) -> Result<Option<Transcript>, Error> {
    let row = sqlx::query!(
        r#"select locale::text as "locale!", ended, turns, said, said_sealed, summary, summary_sealed, is_urgent, forget_at
           from product.call_transcripts where call_id = $1 and forget_at > trunkline.now()"#,
        call.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("transcript: get")?;
    row.map(|r| {
        let summary = match (r.summary, r.summary_sealed) {
            (None, None) => None,
            (text, sealed) => Some(Kept::of(text.map(Into::into), sealed, "summary")?),
        };
        Ok(Transcript {
            locale: Locale::of_tag(&r.locale),
            ended: r.ended,
            turns: r.turns,
            said: Kept::of(r.said, r.said_sealed, "transcript")?,
            summary,
            is_urgent: r.is_urgent,
            forget_at: r.forget_at,
        })
    })
    .transpose()
}

/// Forgets transcripts, and what callers left, whose time is over. Some of them, if there are many: the next run goes on.
pub async fn clean(conn: &mut Conn) -> Result<u64, Error> {
    let transcripts = sqlx::query!(
        "delete from product.call_transcripts
         where call_id in (select call_id from product.call_transcripts
                           where forget_at <= trunkline.now() order by forget_at limit $1)",
        FORGET_MAX
    )
    .execute(&mut *conn)
    .await
    .during("transcript: clean")?;
    let requests = sqlx::query!(
        "delete from product.call_requests
         where request_id in (select request_id from product.call_requests
                              where forget_at <= trunkline.now() order by forget_at limit $1)",
        FORGET_MAX
    )
    .execute(conn)
    .await
    .during("call request: clean")?;
    Ok(transcripts.rows_affected() + requests.rows_affected())
}
