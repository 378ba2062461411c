//! Tenants that wait for a number, served in order. Needs [`crate::scope::platform`], as the pool does.

use uuid::Uuid;

use crate::{
    Conn, Error, TenantId,
    error::During,
    numbers::{has_room_now, pool_gate, tenant_lock},
    scope,
};

/// The most that are woken at once; the rest follow with the next look.
pub const WAKE_MAX: i64 = 100;

/// What came of joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The tenant is in the list and will be woken.
    Waiting,
    /// A number came back in the meantime and it is this tenant's turn: allocate again instead of waiting.
    NumberIsFree,
}

/// One that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// Who.
    pub tenant: TenantId,
    /// The run to wake.
    pub job: Uuid,
}

/// Puts a tenant at the end of the list, unless a number is free for it. A second time it keeps its place. A number that
/// another sign-up held at this moment and gave back by rolling back wakes nobody: [`next`] also runs by schedule.
pub async fn join(conn: &mut Conn, tenant: TenantId, job: Uuid) -> Result<Joined, Error> {
    tenant_lock(conn, tenant).await?;
    pool_gate(conn).await?;
    if has_room_now(conn, tenant).await? {
        return Ok(Joined::NumberIsFree);
    }
    sqlx::query!(
        "insert into product.number_waitlist (tenant_id, job_id) values ($1, $2)
         on conflict (tenant_id) do update set job_id = excluded.job_id",
        tenant.as_uuid(),
        job,
    )
    .execute(conn)
    .await
    .during("waitlist: join")?;
    Ok(Joined::Waiting)
}

/// How many wait.
pub async fn len(conn: &mut Conn) -> Result<i64, Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from product.number_waitlist"#)
        .fetch_one(conn)
        .await
        .during("waitlist: len")
}

/// Takes a tenant off the list, if it is there for this run. Twice is once.
pub async fn leave(conn: &mut Conn, tenant: TenantId, job: Uuid) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "delete from product.number_waitlist where tenant_id = $1 and job_id = $2",
        tenant.as_uuid(),
        job,
    )
    .execute(conn)
    .await
    .during("waitlist: leave")?;
    Ok(())
}

/// Those whose turn it is: as many from the front as numbers are free, at most [`WAKE_MAX`]. They stay in the list until they
/// have a number, so a wake-up that was lost is given again; it must be harmless to be woken twice.
pub async fn next(conn: &mut Conn) -> Result<Vec<Waiter>, Error> {
    let rows = sqlx::query!(
        "select tenant_id, job_id from product.number_waitlist
         order by place
         limit least($1::bigint, (
             select count(*) from product.phone_pool
             where status = 'available' or (status = 'quarantined' and quarantined_until <= trunkline.now())
         ))",
        WAKE_MAX
    )
    .fetch_all(conn)
    .await
    .during("waitlist: next")?;
    Ok(rows.into_iter().map(|r| Waiter { tenant: r.tenant_id.into(), job: r.job_id }).collect())
}
