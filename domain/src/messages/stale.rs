//! Messages of which nobody has told the end: a report was lost, or never sent.

use std::time::Duration;

use crate::{Conn, Error, MessageId, error::During};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Which.
    pub message: MessageId,
    /// The provider's name for it.
    pub sid: String,
}

/// Messages that the provider has had for longer than `after` without a word of their end, but not longer than `give_up`: the
/// oldest news first, after those that `behind` names.
pub async fn stale(
    conn: &mut Conn,
    after: Duration,
    give_up: Duration,
    behind: Option<MessageId>,
    rows_max: i64,
) -> Result<Vec<Stale>, Error> {
    let rows = sqlx::query!(
        r#"select message_id, provider_sid as "sid!"
           from product.messages
           where direction = 'outbound' and rank < 5 and provider_sid is not null
             and updated_at < trunkline.now() - make_interval(secs => $1)
             and created_at > trunkline.now() - make_interval(secs => $2)
             and ($3::uuid is null or message_id > $3)
           order by message_id limit $4"#,
        after.as_secs_f64(),
        give_up.as_secs_f64(),
        behind.map(MessageId::as_uuid),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("message: stale")?;
    Ok(rows.into_iter().map(|row| Stale { message: row.message_id.into(), sid: row.sid }).collect())
}
