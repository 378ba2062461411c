//! The pool of phone numbers: who has which. One number never serves two tenants; indexes see to it.
//!
//! All of it looks at the whole pool, so it needs [`crate::scope::platform`].

use std::time::Duration;

use uuid::Uuid;

use crate::{Conn, Error, PhoneNumber, TenantId, error::During, id::MappingId, scope};

/// Numbers of the pool by what they are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolCount {
    /// Free, those whose quarantine is over among them.
    pub available: i64,
    /// With a tenant.
    pub allocated: i64,
    /// Still resting after their last tenant.
    pub quarantined: i64,
    /// Taken out by an operator.
    pub maintenance: i64,
}

impl PoolCount {
    /// All numbers of the pool.
    pub fn total(&self) -> i64 {
        self.available + self.allocated + self.quarantined + self.maintenance
    }
}

/// The fictional numbers are `+1555010` and four digits.
pub const PLACEHOLDERS_MAX: u16 = 10_000;

/// Makes sure that the first `count` fictional numbers are in the pool, at most [`PLACEHOLDERS_MAX`]; says how many are new.
/// They have the shape of a number and an area code that nobody has, so nobody is ever rung.
pub async fn pool_seed(conn: &mut Conn, count: u16) -> Result<u64, Error> {
    pool_gate(conn).await?;
    let made = sqlx::query!(
        "insert into product.phone_pool (phone, is_placeholder)
         select '+1555010' || lpad(n::text, 4, '0'), true
         from generate_series(0, $1::int - 1) as n
         on conflict (phone) do nothing",
        i32::from(count.min(PLACEHOLDERS_MAX)),
    )
    .execute(conn)
    .await
    .during("pool: seed")?;
    Ok(made.rows_affected())
}

/// How the pool stands.
pub async fn pool_count(conn: &mut Conn) -> Result<PoolCount, Error> {
    sqlx::query_as!(
        PoolCount,
        r#"with numbers as (
               select case when status = 'quarantined' and quarantined_until <= trunkline.now()
                      then 'available' else status end as status
               from product.phone_pool
           )
           select count(*) filter (where status = 'available') as "available!",
                  count(*) filter (where status = 'allocated') as "allocated!",
                  count(*) filter (where status = 'quarantined') as "quarantined!",
                  count(*) filter (where status = 'maintenance') as "maintenance!"
           from numbers"#
    )
    .fetch_one(conn)
    .await
    .during("pool: count")
}

/// Gives a tenant a number of its own and maps it; none if the pool is empty or others have waited longer for what is left.
/// A tenant that has a number keeps it, and that is the answer. Takes the tenant off the waiting list. `taken_by`: the run that
/// may [`give_back`] the number, if one may.
pub async fn allocate(
    conn: &mut Conn,
    tenant: TenantId,
    taken_by: Option<Uuid>,
) -> Result<Option<PhoneNumber>, Error> {
    tenant_lock(conn, tenant).await?;
    if let Some(number) = of_tenant(conn, tenant).await? {
        return Ok(Some(number));
    }
    if !has_room(conn, tenant).await? {
        return Ok(None);
    }
    let Some(phone) = pick(conn, tenant).await? else { return Ok(None) };
    let doing = "number: allocate";
    sqlx::query!(
        "update product.phone_pool
         set status = 'allocated', tenant_id = $2, allocated_at = trunkline.now(), quarantined_until = null
         where phone = $1",
        phone,
        tenant.as_uuid(),
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    sqlx::query!(
        "insert into product.phone_mappings (mapping_id, tenant_id, phone, taken_by) values ($1, $2, $3::text, $4)",
        MappingId::mint().as_uuid(),
        tenant.as_uuid(),
        phone,
        taken_by,
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    sqlx::query!("delete from product.number_waitlist where tenant_id = $1", tenant.as_uuid())
        .execute(conn)
        .await
        .during(doing)?;
    PhoneNumber::stored(&phone).map(Some)
}

/// Takes a tenant's number back and says which it was. `quarantine` is how long it rests before the next tenant gets it, so
/// that calls for the last one do not reach the next; zero makes it available at once. Twice is once.
pub async fn release(
    conn: &mut Conn,
    tenant: TenantId,
    quarantine: Duration,
) -> Result<Option<PhoneNumber>, Error> {
    let doing = "number: release";
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "update product.phone_mappings set is_active = false, released_at = trunkline.now()
         where tenant_id = $1 and is_active",
        tenant.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let row = sqlx::query!(
        "update product.phone_pool
         set status = case when $2::float8 > 0 then 'quarantined' else 'available' end,
             quarantined_until = case when $2::float8 > 0 then trunkline.now() + make_interval(secs => $2) end,
             tenant_id = null, allocated_at = null
         where tenant_id = $1 and status = 'allocated'
         returning phone",
        tenant.as_uuid(),
        quarantine.as_secs_f64(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?;
    pool_gate(conn).await?;
    row.map(|r| PhoneNumber::stored(&r.phone)).transpose()
}

/// Takes back the number that this run took for a tenant, available at once, and says which it was. None if the tenant has
/// none or one that another run took, which stays. Of whom nobody knows who took it, this run did.
pub async fn give_back(
    conn: &mut Conn,
    tenant: TenantId,
    taken_by: Uuid,
) -> Result<Option<PhoneNumber>, Error> {
    match tenant_lock(conn, tenant).await {
        Ok(()) => {}
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    }
    let is_its_own = sqlx::query_scalar!(
        r#"select exists (
               select from product.phone_mappings
               where tenant_id = $1 and is_active and coalesce(taken_by, $2) = $2) as "own!""#,
        tenant.as_uuid(),
        taken_by,
    )
    .fetch_one(&mut *conn)
    .await
    .during("number: give back")?;
    // Nobody was told this number yet, so it needs no quarantine.
    if is_its_own { release(conn, tenant, Duration::ZERO).await } else { Ok(None) }
}

/// The number that a tenant has from the pool.
pub async fn of_tenant(conn: &mut Conn, tenant: TenantId) -> Result<Option<PhoneNumber>, Error> {
    let row = sqlx::query!(
        "select phone from product.phone_pool where tenant_id = $1 and status = 'allocated'",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("number: of tenant")?;
    row.map(|r| PhoneNumber::stored(&r.phone)).transpose()
}

/// The tenant that a number serves now: who is meant by a call to it.
pub async fn tenant_of(conn: &mut Conn, phone: &PhoneNumber) -> Result<Option<TenantId>, Error> {
    let row = sqlx::query!(
        "select tenant_id from product.phone_mappings where phone = $1 and is_active",
        phone.as_e164()
    )
    .fetch_optional(conn)
    .await
    .during("number: tenant of")?;
    Ok(row.map(|r| r.tenant_id.into()))
}

/// Locks a free number, by preference the one that the tenant's id leads to, so that neighbours in time rarely want the same.
/// Waits for nobody: a number that another sign-up holds at this moment counts as taken, even if that one rolls back; the
/// next look at the waiting list finds it.
async fn pick(conn: &mut Conn, tenant: TenantId) -> Result<Option<String>, Error> {
    let phone = sqlx::query_scalar!(
        "select phone::text as phone from product.phone_pool
         where status = 'available' or (status = 'quarantined' and quarantined_until <= trunkline.now())
         order by md5($1::uuid::text || phone)
         limit 1
         for update skip locked -- a worker that froze with a number in its hand must not stop the others",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("number: pick")?;
    Ok(phone.flatten())
}

/// Whether more numbers are free than tenants have waited longer than this one.
async fn has_room(conn: &mut Conn, tenant: TenantId) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"with free as (
               select count(*) as numbers from product.phone_pool
               where status = 'available' or (status = 'quarantined' and quarantined_until <= trunkline.now())
           ), ahead as (
               select count(*) as tenants from product.number_waitlist w
               where w.place < coalesce(
                   (select own.place from product.number_waitlist own where own.tenant_id = $1),
                   9223372036854775807)
           )
           select free.numbers > ahead.tenants as "room!" from free, ahead"#,
        tenant.as_uuid()
    )
    .fetch_one(conn)
    .await
    .during("pool: room")
}

/// One tenant is given one number at a time.
pub(crate) async fn tenant_lock(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!(
        "select tenant_id from product.tenants where tenant_id = $1 for update",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("number: lock tenant")?
    .map(|_| ())
    .ok_or(Error::NotFound { what: "tenant" })
}

/// The same, without the numbers that others hold at this moment: what can be had at once.
pub(crate) async fn has_room_now(conn: &mut Conn, tenant: TenantId) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"with unlocked as materialized (
               select phone from product.phone_pool
               where status = 'available' or (status = 'quarantined' and quarantined_until <= trunkline.now())
               for share skip locked
           ), ahead as (
               select count(*) as tenants from product.number_waitlist w
               where w.place < coalesce(
                   (select own.place from product.number_waitlist own where own.tenant_id = $1),
                   9223372036854775807)
           )
           select (select count(*) from unlocked) > ahead.tenants as "room!" from ahead"#,
        tenant.as_uuid()
    )
    .fetch_one(conn)
    .await
    .during("pool: room now")
}

/// Between the look at an empty pool and the entry in the waiting list no number may come back unseen, or its tenant would
/// wait for a wake-up that has already been given. Whoever frees a number and whoever joins pass here one by one.
/// The order of locks is: tenant, numbers, gate; behind the gate nobody waits for a row.
pub(crate) async fn pool_gate(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('product.phone_pool', 0))::text as "held""#
    )
    .fetch_one(conn)
    .await
    .during("pool: gate")?;
    Ok(())
}
