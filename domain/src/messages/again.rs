//! A message that was not delivered, said once more: a message of its own, which knows how many were there before it.

use crate::{Conn, Error, MessageId, error::During};

/// Writes a message that says what another one said to the same person. Twice is once.
pub async fn create_again(conn: &mut Conn, message: MessageId, of: MessageId) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.messages
             (message_id, tenant_id, direction, purpose, to_phone, from_phone, conversation_id, occasion, resends)
         select $1, tenant_id, direction, purpose, to_phone, from_phone, conversation_id, occasion, resends + 1
         from product.messages where message_id = $2
         on conflict (message_id) do nothing",
        message.as_uuid(),
        of.as_uuid(),
    )
    .execute(conn)
    .await
    .during("message: again")?;
    Ok(())
}

/// What a message says in its conversation; none of one that is part of none.
pub async fn said_in(conn: &mut Conn, message: MessageId) -> Result<Option<String>, Error> {
    sqlx::query_scalar!(
        "select body from product.message_bodies where message_id = $1",
        message.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("message: said")
}
