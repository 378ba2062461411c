//! Conversations by text: one per tenant and person, with what was said and whose turn it is.

use chrono::{DateTime, Utc};

use crate::{
    Conn, ConversationId, Error, MessageId, PhoneNumber, TenantId, error::During,
    keywords::Keyword, scope, word::words,
};

words! {
    /// Who answers.
    pub enum ConversationMode ("conversation mode") {
        /// The assistant.
        Ai = "ai",
        /// A person has taken over; the assistant is silent.
        Human = "human",
        /// The assistant could not answer: a person should.
        AwaitingHuman = "awaiting_human",
    }
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its id.
    pub conversation: ConversationId,
    /// Whose.
    pub tenant: TenantId,
    /// With whom.
    pub phone: PhoneNumber,
    /// Who answers.
    pub mode: ConversationMode,
    /// Since when.
    pub mode_changed_at: DateTime<Utc>,
    /// When something was last said.
    pub last_message_at: DateTime<Utc>,
}

/// One thing that was said. Has no `Debug`: what was said must not reach a log.
#[derive(Clone)]
pub struct Said {
    /// The message.
    pub message: MessageId,
    /// Whether the person said it.
    pub inbound: bool,
    /// What.
    pub body: String,
    /// The word that it consists of, if the person said one of ours.
    pub keyword: Option<Keyword>,
    /// Where the message stands.
    pub status: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Said {
    /// Whether it is something that the assistant answers, or has said.
    pub fn is_talk(&self) -> bool {
        is_talk(&self.body, self.keyword)
    }
}

/// A picture without words is none, and neither is a word by which somebody opts out or in, or asks who we are: that is seen to
/// otherwise.
fn is_talk(body: &str, keyword: Option<Keyword>) -> bool {
    !body.trim().is_empty() && keyword.is_none_or(Keyword::may_be_answered)
}

/// The conversation with this person; made if there is none. The row is locked.
pub async fn with(
    conn: &mut Conn,
    tenant: TenantId,
    phone: &PhoneNumber,
) -> Result<Conversation, Error> {
    scope::require(conn, tenant).await?;
    let row = sqlx::query_as!(
        Row,
        r#"insert into product.conversations (conversation_id, tenant_id, phone) values ($1, $2, $3::text)
           on conflict on constraint one_conversation_per_person
               do update set last_message_at = trunkline.now()
           returning conversation_id, tenant_id, phone::text as "phone!", mode, mode_changed_at, last_message_at"#,
        ConversationId::mint().as_uuid(),
        tenant.as_uuid(),
        phone.as_e164(),
    )
    .fetch_one(conn)
    .await
    .during("conversation: with")?;
    row.try_into()
}

/// A conversation, if it is there and visible.
pub async fn get(
    conn: &mut Conn,
    conversation: ConversationId,
) -> Result<Option<Conversation>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select conversation_id, tenant_id, phone::text as "phone!", mode, mode_changed_at, last_message_at
           from product.conversations where conversation_id = $1"#,
        conversation.as_uuid(),
    )
    .fetch_optional(conn)
    .await
    .during("conversation: get")?;
    row.map(Conversation::try_from).transpose()
}

/// Where a list was left off: after a conversation that stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// When something was last said in it.
    pub last_message_at: DateTime<Utc>,
    /// Which.
    pub conversation: ConversationId,
}

/// A tenant's conversations, the latest first, from the first or after one of them. One in which something is said meanwhile
/// moves to the front, and is not met again.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<After>,
    rows_max: i64,
) -> Result<Vec<Conversation>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select conversation_id, tenant_id, phone::text as "phone!", mode, mode_changed_at, last_message_at
           from product.conversations
           where tenant_id = $1
             and ($2::timestamptz is null or (last_message_at, conversation_id) < ($2, $3::uuid))
           order by last_message_at desc, conversation_id desc limit $4"#,
        tenant.as_uuid(),
        after.map(|after| after.last_message_at),
        after.map(|after| after.conversation.as_uuid()),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("conversation: list")?;
    rows.into_iter().map(Conversation::try_from).collect()
}

/// The last things that were said, oldest first.
pub async fn history(
    conn: &mut Conn,
    conversation: ConversationId,
    rows_max: i64,
) -> Result<Vec<Said>, Error> {
    let rows = sqlx::query!(
        r#"select m.message_id, m.direction = 'inbound' as "inbound!", b.body, m.keyword, m.status, m.created_at
           from product.messages m join product.message_bodies b using (message_id)
           where m.conversation_id = $1
           order by m.created_at desc, m.message_id desc limit $2"#,
        conversation.as_uuid(),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("conversation: history")?;
    let said = rows.into_iter().rev().map(|row| {
        Ok(Said {
            message: row.message_id.into(),
            inbound: row.inbound,
            body: row.body,
            keyword: row.keyword.as_deref().map(str::parse).transpose()?,
            status: row.status,
            at: row.created_at,
        })
    });
    said.collect()
}

/// Says who answers from now on; true if somebody else did before.
pub async fn set_mode(
    conn: &mut Conn,
    conversation: ConversationId,
    mode: ConversationMode,
) -> Result<bool, Error> {
    let moved = sqlx::query!(
        "update product.conversations set mode = $2, mode_changed_at = trunkline.now()
         where conversation_id = $1 and mode <> $2",
        conversation.as_uuid(),
        mode.as_str(),
    )
    .execute(conn)
    .await
    .during("conversation: mode")?;
    Ok(moved.rows_affected() > 0)
}

/// The assistant could not answer: a person should, unless one does already. True if that is new.
pub async fn await_human(conn: &mut Conn, conversation: ConversationId) -> Result<bool, Error> {
    let moved = sqlx::query!(
        "update product.conversations set mode = 'awaiting_human', mode_changed_at = trunkline.now()
         where conversation_id = $1 and mode = 'ai'",
        conversation.as_uuid(),
    )
    .execute(conn)
    .await
    .during("conversation: await a human")?;
    Ok(moved.rows_affected() > 0)
}

/// Later texts that are looked at. Nobody sends more of them within the minute that an answer has.
const LATER_MAX: i64 = 100;

/// Whether the person has said anything after this message that the assistant answers: then that answers this, too.
pub async fn is_answered_later(
    conn: &mut Conn,
    conversation: ConversationId,
    message: MessageId,
) -> Result<bool, Error> {
    let rows = sqlx::query!(
        r#"select b.body, later.keyword
           from product.messages later join product.message_bodies b using (message_id)
           join product.messages this on this.message_id = $2
           where later.conversation_id = $1 and later.direction = 'inbound'
             and (later.created_at, later.message_id) > (this.created_at, this.message_id)
           limit $3"#,
        conversation.as_uuid(),
        message.as_uuid(),
        LATER_MAX,
    )
    .fetch_all(conn)
    .await
    .during("conversation: later")?;
    for row in rows {
        if is_talk(&row.body, row.keyword.as_deref().map(str::parse).transpose()?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What came of asking whether a conversation may be written in this month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// It may, and counts.
    Within,
    /// The plan's conversations of this month are used up.
    UsedUp,
}

/// Counts a conversation in a month, once however often; at most `max` of a tenant. Whoever counts for the same tenant waits.
pub async fn count_in_month(
    conn: &mut Conn,
    conversation: &Conversation,
    month: chrono::NaiveDate,
    max: Option<i32>,
) -> Result<Quota, Error> {
    let doing = "conversation: count";
    let (id, tenant) = (conversation.conversation.as_uuid(), conversation.tenant.as_uuid());
    // One by one, or two at once would both take the last place.
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('product.conversation_months/' || $1::uuid::text, 0))::text as "held""#,
        tenant
    )
    .fetch_one(&mut *conn)
    .await
    .during(doing)?;
    let standing = sqlx::query!(
        r#"select count(*) filter (where conversation_id = $3) > 0 as "counted!", count(*) as "used!"
           from product.conversation_months where tenant_id = $1 and month = $2"#,
        tenant,
        month,
        id,
    )
    .fetch_one(&mut *conn)
    .await
    .during(doing)?;
    if standing.counted {
        return Ok(Quota::Within);
    }
    if max.is_some_and(|max| standing.used >= i64::from(max)) {
        return Ok(Quota::UsedUp);
    }
    sqlx::query!(
        "insert into product.conversation_months (conversation_id, tenant_id, month) values ($1, $2, $3)",
        id,
        tenant,
        month,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(Quota::Within)
}

struct Row {
    conversation_id: uuid::Uuid,
    tenant_id: uuid::Uuid,
    phone: String,
    mode: String,
    mode_changed_at: DateTime<Utc>,
    last_message_at: DateTime<Utc>,
}

impl TryFrom<Row> for Conversation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.conversation_id.into(),
            tenant: row.tenant_id.into(),
            phone: PhoneNumber::stored(&row.phone)?,
            mode: row.mode.parse()?,
            mode_changed_at: row.mode_changed_at,
            last_message_at: row.last_message_at,
        })
    }
}
