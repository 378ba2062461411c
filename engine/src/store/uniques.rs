//! Unique keys, in a narrow table of their own: whoever inserts first has the key.

use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

/// A key can change hands between two looks; more often than this it does not.
const LOOKS_MAX: u32 = 10;

/// Tries to take a key for a job. `None`: it has it (also when it had it already); else the job that has it.
///
/// Waits for another transaction that is just taking the same key, so that exactly one of them gets it. A key that is
/// taken is only read: were it locked until the caller commits, its job could not end meanwhile, and neither could those
/// whose ends are written together with it.
pub(crate) async fn unique_take(
    conn: &mut PgConnection,
    key: &[u8],
    job_id: Uuid,
    hold: Option<PgInterval>,
    for_ever: bool,
) -> Result<Option<Uuid>, sqlx::Error> {
    #[cfg(feature = "planted-bugs")]
    if crate::planted::is(crate::planted::Bug::UniqueBySelect) {
        return unique_look_then_take(conn, key, job_id, hold, for_ever).await;
    }
    for _ in 0..LOOKS_MAX {
        if unique_insert(conn, key, job_id, hold, for_ever).await? {
            return Ok(None);
        }
        let holder = sqlx::query_scalar!(
            "select job_id from trunkline.uniques
             where unique_key = $1 and (until is null or until > trunkline.now())",
            key,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(holder) = holder {
            return Ok((holder != job_id).then_some(holder));
        }
        // Over, or freed since the first look.
        sqlx::query!(
            "delete from trunkline.uniques where unique_key = $1 and until <= trunkline.now()",
            key
        )
        .execute(&mut *conn)
        .await?;
    }
    Err(sqlx::Error::Protocol("a unique key changed hands again and again".to_owned()))
}

/// The mistake: between the look and the insert, another may have taken it.
#[cfg(feature = "planted-bugs")]
async fn unique_look_then_take(
    conn: &mut PgConnection,
    key: &[u8],
    job_id: Uuid,
    hold: Option<PgInterval>,
    for_ever: bool,
) -> Result<Option<Uuid>, sqlx::Error> {
    let holder = sqlx::query_scalar("select job_id from trunkline.uniques where unique_key = $1")
        .bind(key)
        .fetch_optional(&mut *conn)
        .await?;
    if holder.is_none() {
        unique_insert(conn, key, job_id, hold, for_ever).await?;
    }
    Ok(holder.filter(|holder| *holder != job_id))
}

/// Whether the key was free.
async fn unique_insert(
    conn: &mut PgConnection,
    key: &[u8],
    job_id: Uuid,
    hold: Option<PgInterval>,
    for_ever: bool,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into trunkline.uniques (unique_key, job_id, until)
         values ($1, $2, case when $4 then 'infinity'::timestamptz else trunkline.now() + $3::interval end)
         on conflict (unique_key) do nothing",
        key,
        job_id,
        hold,
        for_ever,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees the keys that were held only while these jobs lived.
pub(crate) async fn uniques_free(
    conn: &mut PgConnection,
    keys: &[Vec<u8>],
    job_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from trunkline.uniques u using unnest($1::bytea[], $2::uuid[]) as t (unique_key, job_id)
         where u.unique_key = t.unique_key and u.job_id = t.job_id and u.until is null",
        keys,
        job_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets keys whose time is over. At most `rows_max` at once.
pub(crate) async fn uniques_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.uniques where unique_key in (
             select unique_key from trunkline.uniques where until <= trunkline.now()
             order by until limit $1 for update skip locked)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
