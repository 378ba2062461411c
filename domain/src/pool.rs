//! The pool of numbers as operators and Twilio see it: what is in it, what is taken out, what was bought and goes back.
//! (Who has which number: [`crate::numbers`].) Needs [`crate::scope::platform`].

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    Conn, Error, PhoneNumber, TenantId, error::During, id::NumberId, numbers::pool_gate,
    word::words,
};

words! {
    /// What a number of the pool is doing.
    pub enum NumberStatus ("number status") {
        /// Free.
        Available = "available",
        /// With a tenant.
        Allocated = "allocated",
        /// Resting after its last tenant.
        Quarantined = "quarantined",
        /// Taken out.
        Maintenance = "maintenance",
    }
}

/// A number of the pool.
#[derive(Debug, Clone)]
pub struct PoolNumber {
    /// Its id, for where the number itself may not stand.
    pub number: NumberId,
    /// The number.
    pub phone: PhoneNumber,
    /// What it is doing. One whose quarantine is over still says so, and is as good as available.
    pub status: NumberStatus,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// Since when.
    pub allocated_at: Option<DateTime<Utc>>,
    /// Until when it rests.
    pub quarantined_until: Option<DateTime<Utc>>,
    /// Whether it is fictional.
    pub is_placeholder: bool,
    /// Its id at Twilio.
    pub twilio_sid: Option<String>,
    /// Why it is in maintenance.
    pub note: Option<String>,
    /// When it came into the pool.
    pub created_at: DateTime<Utc>,
}

/// A page of the pool, the oldest numbers first.
pub async fn list(
    conn: &mut Conn,
    status: Option<NumberStatus>,
    after: Option<NumberId>,
    limit: i64,
) -> Result<Vec<PoolNumber>, Error> {
    let rows = sqlx::query!(
        r#"select number_id, phone as "phone!: String", status, tenant_id, allocated_at, quarantined_until,
                  is_placeholder, twilio_sid, note, created_at
           from product.phone_pool
           where ($1::text is null or status = $1)
             and ($2::uuid is null
                  or (created_at, number_id) > (select created_at, number_id from product.phone_pool where number_id = $2))
           order by created_at, number_id
           limit $3"#,
        status.map(NumberStatus::as_str),
        after.map(NumberId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await
    .during("pool: list")?;
    let number = |phone: String, status: String| -> Result<_, Error> {
        Ok((PhoneNumber::stored(&phone)?, status.parse()?))
    };
    rows.into_iter()
        .map(|r| {
            let (phone, status) = number(r.phone, r.status)?;
            Ok(PoolNumber {
                number: r.number_id.into(),
                phone,
                status,
                tenant: r.tenant_id.map(TenantId::from),
                allocated_at: r.allocated_at,
                quarantined_until: r.quarantined_until,
                is_placeholder: r.is_placeholder,
                twilio_sid: r.twilio_sid,
                note: r.note,
                created_at: r.created_at,
            })
        })
        .collect()
}

/// Puts a real number into the pool, free at once. Says under which id, and whether it is new; one that is there keeps what
/// it is doing, and learns its id at Twilio if it had none.
pub async fn add(
    conn: &mut Conn,
    phone: &PhoneNumber,
    twilio_sid: Option<&str>,
    bought_by: Option<Uuid>,
) -> Result<(NumberId, bool), Error> {
    pool_gate(conn).await?;
    let row = sqlx::query!(
        r#"insert into product.phone_pool as p (phone, twilio_sid, bought_by) values ($1::text, $2, $3)
           on conflict (phone) do update
               set twilio_sid = coalesce(p.twilio_sid, excluded.twilio_sid),
                   bought_by = coalesce(p.bought_by, excluded.bought_by)
           returning number_id, (xmax = 0) as "is_new!""#,
        phone.as_e164(),
        twilio_sid,
        bought_by,
    )
    .fetch_one(conn)
    .await
    .during("pool: add")?;
    Ok((row.number_id.into(), row.is_new))
}

/// Takes a number out of what can be given away. One that a tenant has is not touched, that is an error.
pub async fn take_out(conn: &mut Conn, number: NumberId, why: &str) -> Result<(), Error> {
    let doing = "pool: take out";
    match status_locked(conn, number).await? {
        NumberStatus::Allocated => return Err(illegal(NumberStatus::Allocated, "maintenance")),
        NumberStatus::Available | NumberStatus::Quarantined | NumberStatus::Maintenance => {}
    }
    sqlx::query!(
        "update product.phone_pool set status = 'maintenance', quarantined_until = null, note = $2
         where number_id = $1",
        number.as_uuid(),
        why,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(())
}

/// Puts a number back that was taken out. One that was not is not touched. Whoever waits in line should be called after it.
pub async fn put_back(conn: &mut Conn, number: NumberId) -> Result<(), Error> {
    pool_gate(conn).await?;
    sqlx::query!(
        "update product.phone_pool set status = 'available', note = null
         where number_id = $1 and status = 'maintenance'",
        number.as_uuid()
    )
    .execute(conn)
    .await
    .during("pool: put back")?;
    Ok(())
}

/// Forgets a number that was taken out, for good. Twice is once.
pub async fn forget(conn: &mut Conn, number: NumberId) -> Result<(), Error> {
    let gone = sqlx::query!(
        "delete from product.phone_pool where number_id = $1 and status = 'maintenance'",
        number.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during("pool: forget")?;
    if gone.rows_affected() == 1 {
        return Ok(());
    }
    match status_locked(conn, number).await {
        Err(Error::NotFound { .. }) => Ok(()),
        Ok(status) => Err(illegal(status, "forgotten")),
        Err(other) => Err(other),
    }
}

/// Where a number stands, its id at Twilio, and whether we bought it ourselves.
pub async fn get(
    conn: &mut Conn,
    number: NumberId,
) -> Result<Option<(NumberStatus, Option<String>, bool)>, Error> {
    let row = sqlx::query!(
        r#"select status, twilio_sid, bought_by is not null as "is_bought!"
           from product.phone_pool where number_id = $1"#,
        number.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("pool: get")?;
    row.map(|r| Ok((r.status.parse()?, r.twilio_sid, r.is_bought))).transpose()
}

/// The tenant that has a number of the pool.
pub async fn holder(conn: &mut Conn, number: NumberId) -> Result<Option<TenantId>, Error> {
    let row = sqlx::query!(
        "select tenant_id from product.phone_pool where number_id = $1",
        number.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("pool: holder")?
    .ok_or(Error::NotFound { what: "number" })?;
    Ok(row.tenant_id.map(TenantId::from))
}

/// Which of these ids of Twilio's stand in the pool.
pub async fn known(conn: &mut Conn, sids: &[String]) -> Result<Vec<String>, Error> {
    let rows = sqlx::query_scalar!(
        r#"select twilio_sid as "sid!" from product.phone_pool where twilio_sid = any($1)"#,
        sids
    )
    .fetch_all(conn)
    .await
    .during("pool: known")?;
    Ok(rows)
}

/// Numbers that should be at Twilio and are older than this page of its list; `seen` are those that were found there.
/// Takes out of the pool what is free of them and says how many there are; those that tenants have are only counted.
pub async fn mark_missing(
    conn: &mut Conn,
    seen: &[String],
    before: DateTime<Utc>,
) -> Result<u64, Error> {
    let row = sqlx::query!(
        r#"with missing as (
               select number_id, status from product.phone_pool
               where twilio_sid is not null and not (twilio_sid = any($1)) and created_at < $2
               for update
           ), out as (
               update product.phone_pool p
               set status = 'maintenance', quarantined_until = null, note = 'not at Twilio any more'
               from missing m
               where p.number_id = m.number_id and m.status in ('available', 'quarantined')
           )
           select count(*) as "missing!" from missing"#,
        seen,
        before,
    )
    .fetch_one(conn)
    .await
    .during("pool: mark missing")?;
    Ok(row.missing.unsigned_abs())
}

async fn status_locked(conn: &mut Conn, number: NumberId) -> Result<NumberStatus, Error> {
    sqlx::query_scalar!(
        "select status from product.phone_pool where number_id = $1 for update",
        number.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("pool: lock")?
    .ok_or(Error::NotFound { what: "number" })?
    .parse()
}

fn illegal(from: NumberStatus, to: &'static str) -> Error {
    Error::IllegalMove { what: "number", from: from.as_str(), to }
}
