//! What callers leave for the owner: a message, or the wish to be called back.

use chrono::{DateTime, Utc};

use super::kept::Kept;
use crate::{
    CallId, Conn, Error, PhoneNumber, RequestId, TenantId, error::During, scope, word::words,
};

words! {
    /// What was left.
    pub enum RequestKind ("kind of request") {
        /// A message.
        Message = "message",
        /// The wish to be called back.
        Callback = "callback",
    }
}

/// Something that is about to be left.
pub struct NewRequest<'a> {
    /// Its id.
    pub request: RequestId,
    /// For whom.
    pub tenant: TenantId,
    /// In which call.
    pub call: CallId,
    /// What.
    pub kind: RequestKind,
    /// Where the caller can be reached; none for the number that they called from.
    pub phone: Option<&'a PhoneNumber>,
    /// Name, text and time, as far as they were told.
    pub details: Kept,
    /// Whether it cannot wait.
    pub is_urgent: bool,
    /// How long it is kept.
    pub kept_days: u16,
}

/// Something that was left.
pub struct Request {
    /// Its id.
    pub request: RequestId,
    /// In which call, while that is known.
    pub call: Option<CallId>,
    /// What.
    pub kind: RequestKind,
    /// Where the caller can be reached.
    pub phone: Option<PhoneNumber>,
    /// Name, text and time.
    pub details: Kept,
    /// Whether it cannot wait.
    pub is_urgent: bool,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When somebody saw to it.
    pub done_at: Option<DateTime<Utc>>,
}

/// Leaves something. Gives the number at which the caller can be reached. None: neither the call nor its tenant is there.
pub async fn put(conn: &mut Conn, new: &NewRequest<'_>) -> Result<Option<Reach>, Error> {
    let row = sqlx::query!(
        r#"insert into product.call_requests
               (request_id, tenant_id, call_id, kind, phone, details, details_sealed, is_urgent, forget_at)
           select $1, c.tenant_id, c.call_id, $4, coalesce($5::text, c.from_phone::text), $6, $7, $8,
                  trunkline.now() + make_interval(days => $9)
           from product.calls c where c.call_id = $3 and c.tenant_id = $2
           on conflict (request_id) do update set is_urgent = excluded.is_urgent
           returning phone::text as phone"#,
        new.request.as_uuid(),
        new.tenant.as_uuid(),
        new.call.as_uuid(),
        new.kind.as_str(),
        new.phone.map(PhoneNumber::as_e164),
        new.details.open(),
        new.details.sealed(),
        new.is_urgent,
        i32::from(new.kept_days.max(1)),
    )
    .fetch_optional(conn)
    .await
    .during("call request: put")?;
    row.map(|r| Ok(Reach(r.phone.as_deref().map(PhoneNumber::stored).transpose()?))).transpose()
}

/// Where a caller can be reached, if they can be.
pub struct Reach(pub Option<PhoneNumber>);

/// Takes something back. Twice is once.
pub async fn delete(conn: &mut Conn, tenant: TenantId, request: RequestId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!("delete from product.call_requests where request_id = $1", request.as_uuid())
        .execute(conn)
        .await
        .during("call request: delete")?;
    Ok(())
}

/// Somebody has seen to it, or has not after all. `None`: there is no such request.
pub async fn set_done(
    conn: &mut Conn,
    tenant: TenantId,
    request: RequestId,
    is_done: bool,
) -> Result<Option<Request>, Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "update product.call_requests
         set status = case when $2 then 'done' else 'open' end,
             done_at = case when $2 then coalesce(done_at, trunkline.now()) end
         where request_id = $1",
        request.as_uuid(),
        is_done,
    )
    .execute(&mut *conn)
    .await
    .during("call request: set done")?;
    get(conn, request).await
}

async fn get(conn: &mut Conn, request: RequestId) -> Result<Option<Request>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select request_id, call_id, kind, phone::text as phone, details, details_sealed, is_urgent, created_at, done_at
         from product.call_requests where request_id = $1",
        request.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("call request: get")?;
    row.map(Row::read).transpose()
}

/// What callers left for a tenant, the latest first, before an instant and id; only what is open, or all of it.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    before: Option<(DateTime<Utc>, RequestId)>,
    only_open: bool,
    rows_max: i64,
) -> Result<Vec<Request>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select request_id, call_id, kind, phone::text as phone, details, details_sealed, is_urgent, created_at, done_at
         from product.call_requests
         where tenant_id = $1 and ($2::timestamptz is null or (created_at, request_id) < ($2, $3))
           and (not $4 or status = 'open')
         order by created_at desc, request_id desc limit $5",
        tenant.as_uuid(),
        before.map(|(at, _)| at),
        before.map(|(_, id)| id.as_uuid()),
        only_open,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("call request: list")?;
    rows.into_iter().map(Row::read).collect()
}

/// What was left in one call.
pub async fn of_call(conn: &mut Conn, call: CallId) -> Result<Vec<Request>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select request_id, call_id, kind, phone::text as phone, details, details_sealed, is_urgent, created_at, done_at
         from product.call_requests where call_id = $1 order by created_at, request_id limit 100",
        call.as_uuid()
    )
    .fetch_all(conn)
    .await
    .during("call request: of call")?;
    rows.into_iter().map(Row::read).collect()
}

struct Row {
    request_id: uuid::Uuid,
    call_id: Option<uuid::Uuid>,
    kind: String,
    phone: Option<String>,
    details: Option<serde_json::Value>,
    details_sealed: Option<Vec<u8>>,
    is_urgent: bool,
    created_at: DateTime<Utc>,
    done_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Request, Error> {
        Ok(Request {
            request: self.request_id.into(),
            call: self.call_id.map(CallId::from),
            kind: self.kind.parse()?,
            phone: self.phone.as_deref().map(PhoneNumber::stored).transpose()?,
            details: Kept::of(self.details, self.details_sealed, "request")?,
            is_urgent: self.is_urgent,
            created_at: self.created_at,
            done_at: self.done_at,
        })
    }
}
