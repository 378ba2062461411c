//! Jobs that have ended long ago, as the history keeps them.

use sqlx::PgConnection;

use super::{Ids, id};

/// Rows of one statement.
const BATCH: usize = 10_000;

const PUT: &str = "
    with added as (
        insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args)
        select id, 0, $2, $3, 0, '{}' from unnest($1::uuid[]) as t (id) returning job_id
    )
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, output)
    select job_id, 0, 'succeeded', 1, 0, 'null' from added";

/// Puts so many into the history.
pub(crate) async fn ended(conn: &mut PgConnection, ids: Ids, count: usize) -> anyhow::Result<()> {
    let mut left = count;
    while left > 0 {
        let batch: Vec<_> = (0..left.min(BATCH)).map(|_| id()).collect();
        left -= batch.len();
        sqlx::query(PUT)
            .bind(batch)
            .bind(ids.kind_id)
            .bind(ids.queue_id)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
