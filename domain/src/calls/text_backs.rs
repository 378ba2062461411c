//! The one text after a call that nobody took: held for it before it is sent, so that no second job sends another.

use std::time::Duration;

use crate::{CallId, Conn, Error, MessageId, PhoneNumber, TenantId, error::During, word::words};

words! {
    /// Why nobody took a call.
    pub enum Missed ("reason of a missed call") {
        /// Nobody picked up, or the caller gave up.
        Unanswered = "unanswered",
        /// A person was rung up and did not pick up.
        PersonAway = "person_away",
        /// No slot was free.
        Overflow = "overflow",
        /// The assistant could not speak.
        AiFailed = "ai_failed",
        /// The tenant's plan has no calls left.
        Limits = "limits",
        /// It was not the hour, or the assistant is switched off.
        Closed = "closed",
        /// Operators have switched calls off.
        Disabled = "disabled",
    }
}

/// Who called whom in vain.
#[derive(Clone)]
pub struct MissedCall {
    /// For which tenant.
    pub tenant: TenantId,
    /// Who called.
    pub from: PhoneNumber,
}

/// Between two texts to the same caller, however often they call.
pub const APART: Duration = Duration::from_hours(1);

/// Holds the text for a call, if there is somebody to write to who has not just been written to. None: no text.
pub async fn hold(
    conn: &mut Conn,
    call: CallId,
    message: MessageId,
    why: Missed,
) -> Result<Option<MissedCall>, Error> {
    let doing = "text back: hold";
    // Of two calls of one person at once one waits here for the other.
    let found = sqlx::query!(
        r#"select c.tenant_id as "tenant_id!", c.from_phone::text as "from_phone!",
                  pg_advisory_xact_lock(hashtextextended('text-back:' || c.tenant_id || c.from_phone, 0))::text as held
           from product.calls c
           where c.call_id = $1 and c.tenant_id is not null and c.from_phone is not null
             and c.direction is distinct from 'outbound'"#,
        call.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?;
    let Some(found) = found else { return Ok(None) };
    // A statement of its own: it sees what the other has committed meanwhile.
    let held = sqlx::query!(
        "insert into product.call_text_backs (call_id, tenant_id, message_id, reason)
         select $1, $2, $3, $4
         where not exists (
             select from product.call_text_backs b join product.calls c using (call_id)
             where b.tenant_id = $2 and c.from_phone = $5::text
               and b.created_at > trunkline.now() - make_interval(secs => $6))
         on conflict (call_id) do nothing",
        call.as_uuid(),
        found.tenant_id,
        message.as_uuid(),
        why.as_str(),
        found.from_phone,
        APART.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during(doing)?;
    let from = PhoneNumber::stored(&found.from_phone)?;
    Ok((held.rows_affected() == 1).then_some(MissedCall { tenant: found.tenant_id.into(), from }))
}

/// Gives the text up, so that another job may hold it. Twice is once.
pub async fn give_up(conn: &mut Conn, call: CallId, message: MessageId) -> Result<(), Error> {
    sqlx::query!(
        "delete from product.call_text_backs where call_id = $1 and message_id = $2",
        call.as_uuid(),
        message.as_uuid(),
    )
    .execute(conn)
    .await
    .during("text back: give up")?;
    Ok(())
}
