//! Calls as a tenant's people see them.

use chrono::{DateTime, Utc};

use super::{Direction, Progress};
use crate::{CallId, Conn, Error, PhoneNumber, TenantId, error::During};

/// A call, with what it came to. Has no `Debug`: it holds phones.
pub struct Listed {
    /// Its id.
    pub call: CallId,
    /// The provider's name for it.
    pub sid: String,
    /// Who rang.
    pub direction: Option<Direction>,
    /// The caller, unless withheld.
    pub from: Option<PhoneNumber>,
    /// The callee.
    pub to: Option<PhoneNumber>,
    /// How far it is.
    pub progress: Progress,
    /// Who took it, or why nobody did; none of a call that was never put to us.
    pub outcome: Option<String>,
    /// Whether an emergency keyword was said.
    pub is_urgent: Option<bool>,
    /// Why the caller was written to afterwards, if they were.
    pub texted_back: Option<String>,
    /// How many recordings of it can be had.
    pub recordings: i64,
}

/// A tenant's calls, the latest first, before an instant and id; or one of them.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    before: Option<(DateTime<Utc>, CallId)>,
    only: Option<CallId>,
    rows_max: i64,
) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query!(
        r#"select c.call_id, c.call_sid, c.direction, c.from_phone::text as from_phone, c.to_phone::text as to_phone, c.status,
                  c.started_at, c.answered_at, c.ended_at, c.duration_secs, c.sip_response_code,
                  a.outcome as "outcome?", t.is_urgent as "is_urgent?", b.reason as "texted_back?",
                  (select count(*) from product.call_recordings r
                   where r.call_sid = c.call_sid and r.tenant_id = c.tenant_id and r.status = 'completed') as "recordings!"
           from product.calls c
           left join product.call_answers a using (call_id)
           left join product.call_transcripts t on t.call_id = c.call_id and t.forget_at > trunkline.now()
           left join product.call_text_backs b on b.call_id = c.call_id
           where c.tenant_id = $1 and ($2::timestamptz is null or (c.started_at, c.call_id) < ($2, $3))
             and ($4::uuid is null or c.call_id = $4)
           order by c.started_at desc, c.call_id desc limit $5"#,
        tenant.as_uuid(),
        before.map(|(at, _)| at),
        before.map(|(_, id)| id.as_uuid()),
        only.map(CallId::as_uuid),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("call: list")?;
    let phone = |stored: Option<String>| stored.as_deref().map(PhoneNumber::stored).transpose();
    rows.into_iter()
        .map(|r| {
            Ok(Listed {
                call: r.call_id.into(),
                sid: r.call_sid,
                direction: r.direction.map(|word| word.parse()).transpose()?,
                from: phone(r.from_phone)?,
                to: phone(r.to_phone)?,
                progress: Progress {
                    status: r.status.parse()?,
                    started_at: r.started_at,
                    answered_at: r.answered_at,
                    ended_at: r.ended_at,
                    duration_secs: r.duration_secs,
                    sip_response_code: r.sip_response_code,
                },
                outcome: r.outcome,
                is_urgent: r.is_urgent,
                texted_back: r.texted_back,
                recordings: r.recordings,
            })
        })
        .collect()
}
