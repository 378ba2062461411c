//! Workflows of five steps: claim, five times the checkpoints of a hundred workflows in one commit, finish.

use std::time::Instant;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Ids;

/// Workflows that go along together.
const ABREAST: i64 = 100;

const CLAIM: &str = "
    with due as materialized (
        select ctid as at from trunkline.ready where queue_id = $1
        order by priority, job_id limit $2 for update skip locked
    ), taken as (
        delete from trunkline.ready where ctid = any (array(select at from due)) returning *
    )
    insert into trunkline.leases (job_id, worker_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, epoch + 1, queue_id, kind_id, priority, attempt, crashes, retention, course from taken
    returning job_id";

const CHECKPOINT: &str = "
    insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, started_at)
    select l.job_id, l.retention, $2, 'step', '1', 1, trunkline.now()
    from unnest($1::uuid[]) as i (job_id) cross join lateral (
        select job_id, retention from trunkline.leases where job_id = i.job_id limit 1 for key share) l";

const FINISH: &str = "
    with gone as (
        delete from trunkline.leases where job_id = any ($1) returning job_id, retention, epoch, attempt
    )
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, output)
    select job_id, retention, 'succeeded', epoch, attempt, '5' from gone";

/// Runs all that wait; in how many seconds.
pub(crate) async fn steps(conn: &mut PgConnection, ids: Ids) -> anyhow::Result<f64> {
    let began = Instant::now();
    sqlx::raw_sql("set enable_seqscan = off; set enable_bitmapscan = off")
        .execute(&mut *conn)
        .await?;
    loop {
        let jobs: Vec<Uuid> = sqlx::query_scalar(CLAIM)
            .bind(ids.queue_id)
            .bind(ABREAST)
            .fetch_all(&mut *conn)
            .await?;
        if jobs.is_empty() {
            return Ok(began.elapsed().as_secs_f64());
        }
        for key in ["one", "two", "three", "four", "five"] {
            sqlx::query(CHECKPOINT).bind(&jobs).bind(key).execute(&mut *conn).await?;
        }
        sqlx::query(FINISH).bind(&jobs).execute(&mut *conn).await?;
    }
}
