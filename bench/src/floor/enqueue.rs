//! Jobs coming in: a row in `jobs` and one in `ready`.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Ids, id};

/// Rows of one statement of the bulk floor.
const BULK: usize = 1000;

const ONE: &str = "
    with added as (
        insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args)
        values ($1, 0, $2, $3, 0, $4) returning job_id
    )
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, $3, $2, 0, 0, 0, 0, 0 from added";

const MANY: &str = "
    with added as (
        insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args)
        select id, 0, $2, $3, 0, $4 from unnest($1::uuid[]) as t (id) returning job_id
    )
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, $3, $2, 0, 0, 0, 0, 0 from added";

/// Inserts so many jobs, a commit each.
pub(crate) async fn one_by_one(
    conn: &mut PgConnection,
    ids: Ids,
    args: &Value,
    count: usize,
) -> anyhow::Result<()> {
    for _ in 0..count {
        sqlx::query(ONE)
            .bind(id())
            .bind(ids.kind_id)
            .bind(ids.queue_id)
            .bind(args)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Inserts so many jobs, a thousand a commit.
pub(crate) async fn bulk(
    conn: &mut PgConnection,
    ids: Ids,
    args: &Value,
    count: usize,
) -> anyhow::Result<()> {
    let mut left = count;
    while left > 0 {
        let batch: Vec<Uuid> = (0..left.min(BULK)).map(|_| id()).collect();
        left -= batch.len();
        sqlx::query(MANY)
            .bind(batch)
            .bind(ids.kind_id)
            .bind(ids.queue_id)
            .bind(args)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
