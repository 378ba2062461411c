//! Dead letters that say the same, but for what differs each time (`trunkline.error_pattern`).

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Uuid};

use super::search::{Filter, Frozen};

/// Dead letters of one kind that say the same.
#[derive(Debug)]
pub(crate) struct AlikeRow {
    pub(crate) kind: String,
    pub(crate) error: String,
    pub(crate) undone: bool,
    pub(crate) jobs: i64,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    pub(crate) newest: Uuid,
}

/// The newest dead letters, at most `looked_max`, in groups, the largest first.
pub(crate) async fn dead_alike(
    conn: &mut PgConnection,
    looked_max: i64,
    rows_max: i64,
) -> Result<Vec<AlikeRow>, sqlx::Error> {
    sqlx::query_as!(
        AlikeRow,
        r#"
        with looked as materialized (
            select o.job_id, o.retention, o.undone, o.finished_at,
                   coalesce(trunkline.error_pattern(o.error ->> 'message'), '') as says
            from trunkline.outcomes o where o.state = 'failed' order by o.job_id desc limit $1
        )
        select k.name as kind, l.says as "error!", l.undone as "undone!", count(*) as "jobs!",
               min(l.finished_at) as "first_at!", max(l.finished_at) as "last_at!",
               (array_agg(l.job_id order by l.job_id desc))[1] as "newest!"
        from looked l
        join trunkline.jobs j on j.job_id = l.job_id and j.retention = l.retention
        join trunkline.kinds k using (kind_id)
        group by k.name, l.says, l.undone
        order by count(*) desc, k.name, l.says, l.undone
        limit $2
        "#,
        looked_max,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Writes down which of the next dead letters say the same, newest first, as those that an operation is about. Looks at
/// `rows_max`, so that a page takes no longer if few of them fit.
pub(crate) async fn alike_freeze(
    conn: &mut PgConnection,
    operation_id: Uuid,
    filter: &Filter,
    error: &str,
    rows_max: i64,
) -> Result<Frozen, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        with looked as materialized (
            select o.job_id, o.retention, o.error from trunkline.outcomes o
            where o.state = 'failed' and ($2::uuid is null or o.job_id < $2) and ($3::uuid is null or o.job_id >= $3)
            order by o.job_id desc limit $4
        ), fits as materialized (
            select l.job_id
            from looked l
            join trunkline.jobs j on j.job_id = l.job_id and j.retention = l.retention
            join trunkline.kinds k using (kind_id)
            join trunkline.queues q using (queue_id)
            where trunkline.error_pattern(l.error ->> 'message') = $5
              and ($6::text is null or k.name = $6) and k.name <> all ($7)
              and ($8::text is null or q.name = $8) and ($9::uuid is null or j.tenant_id = $9)
        ), frozen as (
            insert into trunkline.operation_items (operation_id, job_id) select $1, job_id from fits on conflict do nothing
        )
        select (select count(*) from fits) as "found!", (select count(*) from looked) as "looked!",
               (select job_id from looked order by job_id limit 1) as last
        "#,
        operation_id,
        filter.older_than,
        filter.from,
        rows_max,
        error,
        filter.kind.as_deref(),
        &filter.except_kinds,
        filter.queue.as_deref(),
        filter.tenant_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(Frozen { found: row.found, looked: row.looked, last: row.last })
}
