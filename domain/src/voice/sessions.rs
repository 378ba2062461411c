//! Sessions: which job speaks in which call, and how it ended. One for a call; the first end stands.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    Conn, Error, PhoneNumber, TenantId,
    error::During,
    id::{CallId, VoiceSessionId},
    word::words,
};

words! {
    /// How a session ended.
    pub enum Outcome ("outcome of a session") {
        /// The assistant said good-bye.
        Completed = "completed",
        /// The caller hung up.
        HungUp = "hung_up",
        /// The caller was put through to a person.
        Transferred = "transferred",
        /// It was as long as it may be.
        TimeUp = "time_up",
        /// Nobody said anything any more.
        Silent = "silent",
        /// The speech service could not be had.
        AiFailed = "ai_failed",
        /// No worker was free; the caller was told so.
        Overflow = "overflow",
        /// The call's audio never came.
        Abandoned = "abandoned",
    }
}

/// A session that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Its id, minted by the caller.
    pub session: VoiceSessionId,
    /// Of which call.
    pub call: CallId,
    /// The same by the provider's name.
    pub call_sid: &'a str,
    /// Who was called.
    pub tenant: TenantId,
    /// The job that speaks.
    pub job: Uuid,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub session: VoiceSessionId,
    /// Of which call.
    pub call: CallId,
    /// The same by the provider's name.
    pub call_sid: String,
    /// Who was called.
    pub tenant: TenantId,
    /// The job that speaks.
    pub job: Uuid,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
    /// Whom the caller is put through to.
    pub transfer_to: Option<PhoneNumber>,
}

/// Makes a session, unless the call has one.
pub async fn open(conn: &mut Conn, new: &NewSession<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.voice_sessions (session_id, tenant_id, call_id, call_sid, job_id)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint a_call_is_spoken_in_one_session do nothing",
        new.session.as_uuid(),
        new.tenant.as_uuid(),
        new.call.as_uuid(),
        new.call_sid,
        new.job,
    )
    .execute(conn)
    .await
    .during("voice session: open")?;
    Ok(())
}

/// A session, if it is there and visible.
pub async fn get(conn: &mut Conn, session: VoiceSessionId) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        "select call_id, call_sid, tenant_id, job_id, outcome, transfer_to::text as transfer_to
         from product.voice_sessions where session_id = $1",
        session.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("voice session: get")?;
    row.map(|r| {
        Ok(Session {
            session,
            call: r.call_id.into(),
            call_sid: r.call_sid,
            tenant: r.tenant_id.into(),
            job: r.job_id,
            outcome: r.outcome.map(|word| word.parse()).transpose()?,
            transfer_to: r.transfer_to.map(|phone| PhoneNumber::stored(&phone)).transpose()?,
        })
    })
    .transpose()
}

/// Sessions without an end, of calls that have been over since then; at most so many, after one of them.
pub async fn outlived(
    conn: &mut Conn,
    since: DateTime<Utc>,
    after: Option<VoiceSessionId>,
    rows_max: i64,
) -> Result<Vec<Session>, Error> {
    let rows = sqlx::query!(
        "select s.session_id, s.call_id, s.call_sid, s.tenant_id, s.job_id
         from product.voice_sessions s join product.calls c using (call_id)
         where s.outcome is null and c.ended_at <= $1 and ($2::uuid is null or s.session_id > $2)
         order by s.session_id limit $3",
        since,
        after.map(VoiceSessionId::as_uuid),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("voice session: outlived")?;
    let rows = rows.into_iter().map(|r| Session {
        session: r.session_id.into(),
        call: r.call_id.into(),
        call_sid: r.call_sid,
        tenant: r.tenant_id.into(),
        job: r.job_id,
        outcome: None,
        transfer_to: None,
    });
    Ok(rows.collect())
}

/// Ends a session. False: it has ended before, and that end stands. `transfer_to` belongs to [`Outcome::Transferred`] and
/// to no other.
pub async fn close(
    conn: &mut Conn,
    session: VoiceSessionId,
    outcome: Outcome,
    transfer_to: Option<&PhoneNumber>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update product.voice_sessions
         set outcome = $2, transfer_to = $3::text, closed_at = trunkline.now()
         where session_id = $1 and outcome is null",
        session.as_uuid(),
        outcome.as_str(),
        transfer_to.map(PhoneNumber::as_e164),
    )
    .execute(conn)
    .await
    .during("voice session: close")?;
    Ok(done.rows_affected() == 1)
}
