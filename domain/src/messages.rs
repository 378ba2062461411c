//! Text messages and what became of them. The row is there before the provider hears of the message, so that news about it
//! always finds it.

use crate::{
    Conn, ConversationId, Error, MessageId, PhoneNumber, TenantId, error::During, sending::Occasion,
};

mod again; // what is sent a second time
mod inbound; // what came in
mod stale; // what nobody has told the end of
mod status; // where a message stands

pub use self::{
    again::{create_again, said_in},
    inbound::{Inbound, NewInbound, file, inbound, receive},
    stale::{Stale, stale},
    status::MessageStatus,
};

/// A message that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Its id; the provider gets it in the callback's address.
    pub message: MessageId,
    /// For which tenant; none for those of the platform itself.
    pub tenant: Option<TenantId>,
    /// What it is for: `verification_code`.
    pub purpose: &'a str,
    /// On what occasion.
    pub occasion: Occasion,
    /// To whom.
    pub to: &'a PhoneNumber,
    /// From which of our numbers.
    pub from: Option<&'a PhoneNumber>,
    /// The sealed text; kept only until it is settled whether the message left.
    pub body_sealed: Option<&'a [u8]>,
    /// The conversation that it is part of, and what it says there. The message is for a tenant then.
    pub said: Option<(ConversationId, &'a str)>,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id.
    pub message: MessageId,
    /// For which tenant.
    pub tenant: Option<TenantId>,
    /// What it is for.
    pub purpose: String,
    /// On what occasion, if that was written down.
    pub occasion: Option<Occasion>,
    /// How many before it said the same and were not delivered.
    pub resends: i16,
    /// To whom.
    pub to: PhoneNumber,
    /// From which of our numbers.
    pub from: Option<PhoneNumber>,
    /// The sealed text, while it is needed.
    pub body_sealed: Option<Vec<u8>>,
    /// The provider's name for it, once known.
    pub provider_sid: Option<String>,
    /// Where it stands.
    pub status: MessageStatus,
    /// The provider's reason, if it gave one.
    pub error_code: Option<i32>,
}

/// Writes a message that will be sent. Twice is once.
pub async fn create(conn: &mut Conn, new: NewMessage<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.messages
             (message_id, tenant_id, direction, purpose, to_phone, from_phone, body_sealed, conversation_id, occasion)
         values ($1, $2, 'outbound', $3, $4::text, $5::text, $6, $7, $8)
         on conflict (message_id) do nothing",
        new.message.as_uuid(),
        new.tenant.map(TenantId::as_uuid),
        new.purpose,
        new.to.as_e164(),
        new.from.map(PhoneNumber::as_e164),
        new.body_sealed,
        new.said.map(|(conversation, _)| conversation.as_uuid()),
        new.occasion.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during("message: create")?;
    if let (Some((_, body)), Some(tenant)) = (new.said, new.tenant) {
        keep_body(conn, new.message, tenant, body).await?;
    }
    Ok(())
}

/// Keeps what a message says, for its conversation. Twice is once.
async fn keep_body(
    conn: &mut Conn,
    message: MessageId,
    tenant: TenantId,
    body: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.message_bodies (message_id, tenant_id, body) values ($1, $2, $3)
         on conflict (message_id) do nothing",
        message.as_uuid(),
        tenant.as_uuid(),
        body,
    )
    .execute(conn)
    .await
    .during("message: body")?;
    Ok(())
}

/// A message, if it is there and visible, and the person has not been erased since.
pub async fn get(conn: &mut Conn, message: MessageId) -> Result<Option<Message>, Error> {
    let row = sqlx::query!(
        r#"select tenant_id, purpose, to_phone as "to_phone!", from_phone, body_sealed, provider_sid, status, error_code,
                  occasion, resends
           from product.messages where message_id = $1 and to_phone is not null"#,
        message.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("message: get")?;
    row.map(|r| {
        Ok(Message {
            message,
            tenant: r.tenant_id.map(TenantId::from),
            purpose: r.purpose,
            occasion: r.occasion.as_deref().map(str::parse).transpose()?,
            resends: r.resends,
            to: PhoneNumber::stored(&r.to_phone)?,
            from: r.from_phone.as_deref().map(PhoneNumber::stored).transpose()?,
            body_sealed: r.body_sealed,
            provider_sid: r.provider_sid,
            status: r.status.parse()?,
            error_code: r.error_code,
        })
    })
    .transpose()
}

/// The provider took the message, under this name and with this first status; the text is forgotten. News that overtook
/// this stay. Twice is once; under another name it is an error.
pub async fn mark_submitted(
    conn: &mut Conn,
    message: MessageId,
    sid: &str,
    status: MessageStatus,
) -> Result<(), Error> {
    match apply(conn, message, Some(sid), status, None).await? {
        Applied::Yes | Applied::Late => Ok(()),
        Applied::OtherSid => Err(Error::Outdated { what: "message" }),
        Applied::Unknown => Err(Error::NotFound { what: "message" }),
    }
}

/// Nothing will be sent: there is no provider, or it may not be sent. The text is forgotten.
pub async fn mark_skipped(conn: &mut Conn, message: MessageId) -> Result<Applied, Error> {
    apply(conn, message, None, MessageStatus::Skipped, None).await
}

/// It may not be sent, and this is why.
pub async fn mark_refused(
    conn: &mut Conn,
    message: MessageId,
    refusal: crate::sending::Refusal,
) -> Result<Applied, Error> {
    sqlx::query!(
        "update product.messages set reason = $2 where message_id = $1 and status = 'pending'",
        message.as_uuid(),
        refusal.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during("message: refuse")?;
    mark_skipped(conn, message).await
}

/// Nobody is going to hand it over any more. One that was handed over, or may have been, is left alone; true if it was not.
pub async fn abandon(conn: &mut Conn, message: MessageId) -> Result<bool, Error> {
    let gone = sqlx::query!(
        "update product.messages
         set status = 'failed', rank = product.message_rank('failed'), reason = 'abandoned', body_sealed = null,
             updated_at = trunkline.now()
         where message_id = $1 and status = 'pending' and provider_sid is null",
        message.as_uuid(),
    )
    .execute(conn)
    .await
    .during("message: abandon")?;
    Ok(gone.rows_affected() == 1)
}

/// The same for all that were written down longer ago than this, and of which nobody has heard since; says how many.
pub async fn abandon_older(conn: &mut Conn, than: std::time::Duration) -> Result<u64, Error> {
    let gone = sqlx::query!(
        "update product.messages
         set status = 'failed', rank = product.message_rank('failed'), reason = 'abandoned', body_sealed = null,
             updated_at = trunkline.now()
         where direction = 'outbound' and rank < 5 and status = 'pending' and provider_sid is null
           and updated_at < trunkline.now() - make_interval(secs => $1)",
        than.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("message: abandon")?;
    Ok(gone.rows_affected())
}

/// The provider refused it for good, or nobody could hand it over. The text is forgotten.
pub async fn mark_failed(
    conn: &mut Conn,
    message: MessageId,
    error_code: Option<i32>,
) -> Result<Applied, Error> {
    apply(conn, message, None, MessageStatus::Failed, error_code).await
}

/// By what a callback names a message.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// By our id, from the callback's address, and the provider's name: works before we know that name.
    Ours(MessageId, &'a str),
    /// By the provider's name alone.
    Provider(&'a str),
}

/// What news did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The message moved on.
    Yes,
    /// It was there already, or further; nothing changed.
    Late,
    /// The news is of another handing-over of the same message; nothing changed. It may have been sent twice.
    OtherSid,
    /// No such message (yet): try again later, then let it be.
    Unknown,
}

/// Applies a status that a callback brought. Repeats and news out of order change nothing.
pub async fn apply_status(
    conn: &mut Conn,
    named: Named<'_>,
    status: MessageStatus,
    error_code: Option<i32>,
) -> Result<Applied, Error> {
    let sid = match named {
        Named::Ours(_, sid) | Named::Provider(sid) => sid,
    };
    match which(conn, named).await? {
        Some(message) => apply(conn, message, Some(sid), status, error_code).await,
        None => Ok(Applied::Unknown),
    }
}

/// Which message of ours a callback names, if any.
pub async fn which(conn: &mut Conn, named: Named<'_>) -> Result<Option<MessageId>, Error> {
    match named {
        Named::Ours(message, _) => Ok(Some(message)),
        Named::Provider(sid) => by_sid(conn, sid).await,
    }
}

async fn by_sid(conn: &mut Conn, sid: &str) -> Result<Option<MessageId>, Error> {
    let row = sqlx::query!("select message_id from product.messages where provider_sid = $1", sid)
        .fetch_optional(conn)
        .await
        .during("message: by sid")?;
    Ok(row.map(|r| r.message_id.into()))
}

async fn apply(
    conn: &mut Conn,
    message: MessageId,
    sid: Option<&str>,
    status: MessageStatus,
    error_code: Option<i32>,
) -> Result<Applied, Error> {
    let doing = "message: apply";
    let row = sqlx::query!(
        "select status, provider_sid from product.messages where message_id = $1 for update",
        message.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?;
    let Some(row) = row else { return Ok(Applied::Unknown) };
    if sid.is_some() && row.provider_sid.is_some() && row.provider_sid.as_deref() != sid {
        return Ok(Applied::OtherSid);
    }
    let now: MessageStatus = row.status.parse()?;
    let moves = now.may_become(status);
    let next = if moves { status } else { now };
    sqlx::query!(
        "update product.messages
         set status = $2, rank = $3, provider_sid = coalesce(provider_sid, $4), body_sealed = null,
             error_code = case when $6 then coalesce($5, error_code) else error_code end,
             updated_at = trunkline.now()
         where message_id = $1",
        message.as_uuid(),
        next.as_str(),
        next.rank(),
        sid,
        error_code,
        moves,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(if moves { Applied::Yes } else { Applied::Late })
}
