//! Messages that came in: kept with their text by whoever takes the provider's post, filed under their conversation later.

use crate::{
    Conn, ConversationId, Error, MessageId, PhoneNumber, TenantId, error::During,
    keywords::Keyword, scope,
};

/// A message as the provider posted it. Has no `Debug`: what was said must not reach a log.
#[derive(Clone, Copy)]
pub struct NewInbound<'a> {
    /// The provider's name for it.
    pub sid: &'a str,
    /// From whom.
    pub from: &'a PhoneNumber,
    /// To which of our numbers.
    pub to: &'a PhoneNumber,
    /// Whose number that is; none for the platform's own.
    pub tenant: Option<TenantId>,
    /// What it says; longer than a text can be is cut.
    pub body: &'a str,
    /// The word that it consists of, if it is one of ours.
    pub keyword: Option<Keyword>,
}

/// A message that came in.
#[derive(Clone)]
pub struct Inbound {
    /// From whom.
    pub from: PhoneNumber,
    /// To which of our numbers.
    pub to: PhoneNumber,
    /// Whose number that was; none for the platform's own, or if the tenant is gone.
    pub tenant: Option<TenantId>,
    /// What it says; none of the platform's own number, where nobody reads.
    pub body: Option<String>,
}

/// A text has at most so many characters; also a CHECK. (Twilio, "Message resource": 1,600.)
const BODY_CHARS_MAX: usize = 1600;

/// Keeps a message; says under which id. The same again is the first one's id. Its text is kept only for a tenant.
pub async fn receive(conn: &mut Conn, new: NewInbound<'_>) -> Result<MessageId, Error> {
    let doing = "message: receive";
    let row = sqlx::query!(
        "insert into product.messages
             (message_id, tenant_id, direction, purpose, to_phone, from_phone, provider_sid, status, rank, keyword)
         values ($1, $2, 'inbound', 'inbound', $3::text, $4::text, $5, 'received', product.message_rank('received'), $6)
         on conflict (provider_sid) do update set updated_at = product.messages.updated_at
         returning message_id",
        MessageId::mint().as_uuid(),
        new.tenant.map(TenantId::as_uuid),
        new.to.as_e164(),
        new.from.as_e164(),
        new.sid,
        new.keyword.map(Keyword::as_str),
    )
    .fetch_one(&mut *conn)
    .await
    .during(doing)?;
    let message = MessageId::from(row.message_id);
    if let Some(tenant) = new.tenant {
        let body: String = new.body.chars().filter(|c| *c != '\0').take(BODY_CHARS_MAX).collect();
        super::keep_body(conn, message, tenant, &body).await?;
    }
    Ok(message)
}

/// A message that came in, if it is there and visible, and whoever wrote it has not been erased since.
pub async fn inbound(conn: &mut Conn, message: MessageId) -> Result<Option<Inbound>, Error> {
    let row = sqlx::query!(
        r#"select m.from_phone::text as "from_phone!", m.to_phone::text as "to_phone!", m.tenant_id, b.body as "body?"
           from product.messages m left join product.message_bodies b using (message_id)
           where m.message_id = $1 and m.direction = 'inbound' and m.from_phone is not null and m.to_phone is not null"#,
        message.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("message: inbound")?;
    row.map(|row| {
        Ok(Inbound {
            from: PhoneNumber::stored(&row.from_phone)?,
            to: PhoneNumber::stored(&row.to_phone)?,
            tenant: row.tenant_id.map(TenantId::from),
            body: row.body,
        })
    })
    .transpose()
}

/// Files a message under its conversation. Twice is once.
pub async fn file(
    conn: &mut Conn,
    message: MessageId,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "update product.messages set conversation_id = $2, updated_at = trunkline.now() where message_id = $1",
        message.as_uuid(),
        conversation.as_uuid(),
    )
    .execute(conn)
    .await
    .during("message: file")?;
    Ok(())
}
