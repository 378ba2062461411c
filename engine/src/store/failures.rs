//! What went wrong, attempt by attempt. Insert-only; counts how often a step has been tried.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Fence;

/// A failed attempt.
#[derive(Debug, Clone)]
pub(crate) struct FailureRow {
    pub(crate) fence: Fence,
    pub(crate) failure_id: Uuid,
    pub(crate) key: Option<String>,
    pub(crate) phase: &'static str,
    pub(crate) attempt: i16,
    pub(crate) class: &'static str,
    pub(crate) error: String,
}

/// Notes failed attempts of jobs whose lease is ours. A note that comes too late is dropped, like its job.
pub(crate) async fn failures_insert(
    conn: &mut PgConnection,
    rows: &[FailureRow],
) -> Result<(), sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let ids: Vec<_> = rows.iter().map(|row| row.failure_id).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key.as_deref()).collect();
    let phases: Vec<_> = rows.iter().map(|row| row.phase.to_owned()).collect();
    let attempts: Vec<_> = rows.iter().map(|row| row.attempt).collect();
    let classes: Vec<_> = rows.iter().map(|row| row.class.to_owned()).collect();
    let errors: Vec<_> = rows.iter().map(|row| row.error.clone()).collect();
    sqlx::query!(
        r#"
        with input as (
            select i.*, l.retention, l.lane
            from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::text[], $5::text[], $6::int2[], $7::text[], $8::text[])
                as i (job_id, epoch, failure_id, key, phase, attempt, class, error)
            join trunkline.leases l on l.job_id = i.job_id and l.epoch = i.epoch
        ), told as (
            -- Breakers hear of what may be their scope's fault. Only jobs with gates are looked up.
            insert into trunkline.breaker_news (news_id, gate_id, good)
            select i.failure_id, (g.gate ->> 'gate')::uuid, false
            from input i
            join trunkline.jobs j on j.job_id = i.job_id and j.retention = i.retention
            cross join lateral jsonb_array_elements(j.gates) as g (gate)
            where i.lane is not null and i.class in ('retry', 'unknown') and g.gate ->> 'form' = 'breaker'
            on conflict do nothing
        )
        insert into trunkline.failures (job_id, retention, failure_id, key, phase, attempt, class, error)
        select job_id, retention, failure_id, key, phase, attempt, class, error
        from input
        on conflict do nothing
        "#,
        &job_ids,
        &epochs,
        &ids,
        &keys as &[Option<&str>],
        &phases,
        &attempts,
        &classes,
        &errors,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often a step was tried without success.
#[derive(Debug)]
pub(crate) struct FailureCount {
    pub(crate) key: Option<String>,
    pub(crate) phase: String,
    pub(crate) charged: i64,
}

/// Failed attempts by step and phase. A snooze costs nothing, and neither does the death of a worker.
pub(crate) async fn failures_count(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
) -> Result<Vec<FailureCount>, sqlx::Error> {
    sqlx::query_as!(
        FailureCount,
        r#"select key, phase, count(*) as "charged!"
           from trunkline.failures
           where job_id = $1 and retention = $2 and class not in ('snooze', 'lost_worker')
           group by key, phase"#,
        job_id,
        retention,
    )
    .fetch_all(conn)
    .await
}
