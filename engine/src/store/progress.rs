//! How far runs are, for people. One row for each run that says so, while it lives.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Fence;

/// What a run says of itself.
#[derive(Debug, Clone)]
pub(crate) struct ProgressRow {
    pub(crate) fence: Fence,
    pub(crate) done: i64,
    pub(crate) total: Option<i64>,
    pub(crate) note: String,
}

/// Writes the latest of each job whose lease is ours; what comes too late is dropped.
pub(crate) async fn progress_write(
    conn: &mut PgConnection,
    rows: &[ProgressRow],
) -> Result<(), sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let done: Vec<_> = rows.iter().map(|row| row.done).collect();
    let totals: Vec<_> = rows.iter().map(|row| row.total).collect();
    let notes: Vec<_> = rows.iter().map(|row| row.note.clone()).collect();
    sqlx::query!(
        r#"
        with input as (
            select * from unnest($1::uuid[], $2::int4[], $3::int8[], $4::int8[], $5::text[])
                with ordinality as t (job_id, epoch, done, total, note, place)
        ), held as materialized (
            -- the lock keeps the job from ending between here and the commit, which would leave the row behind
            select i.place
            from input i cross join lateral (
                select from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1 for key share) l
        )
        insert into trunkline.progress (job_id, done, total, note)
        select distinct on (i.job_id) i.job_id, i.done, i.total, i.note
        from input i join held h using (place)
        order by i.job_id, i.place desc
        on conflict (job_id) do update
            set done = excluded.done, total = excluded.total, note = excluded.note, said_at = trunkline.now()
        "#,
        &job_ids,
        &epochs,
        &done,
        &totals as &[Option<i64>],
        &notes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets how far these runs were: they have ended.
pub(crate) async fn progress_drop(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from trunkline.progress where job_id = any ($1)", job_ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets how far runs were that ended without a worker. At most `rows_max` at once.
pub(crate) async fn progress_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.progress where job_id in (
             select p.job_id from trunkline.progress p
             where exists (select from trunkline.outcomes o where o.job_id = p.job_id)
             limit $1)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
