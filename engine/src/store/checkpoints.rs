//! What a run has done and need not do again. Insert-only.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Fence;

/// A step's output, to be written.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointRow {
    pub(crate) fence: Fence,
    pub(crate) key: String,
    pub(crate) form: &'static str,
    pub(crate) output: Value,
    pub(crate) attempt: i16,
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// A signal that was taken by this step: goes in the same breath.
    pub(crate) takes_signal: Option<Uuid>,
}

/// Writes checkpoints of jobs whose lease is ours; says of which (by position). One that is there already stays.
pub(crate) async fn checkpoints_insert(
    conn: &mut PgConnection,
    rows: &[CheckpointRow],
) -> Result<Vec<usize>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    let forms: Vec<_> = rows.iter().map(|row| row.form.to_owned()).collect();
    let outputs: Vec<_> = rows.iter().map(|row| &row.output).collect();
    let attempts: Vec<_> = rows.iter().map(|row| row.attempt).collect();
    let started: Vec<_> = rows.iter().map(|row| row.started_at).collect();
    let signals: Vec<_> = rows.iter().map(|row| row.takes_signal).collect();
    let held = sqlx::query_scalar!(
        r#"
        with input as (
            select t.* from (
                -- as in `leases`
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::jsonb[], $6::int2[],
                              $7::timestamptz[], $8::uuid[])
                with ordinality as t (job_id, epoch, key, form, output, attempt, started_at, signal_id, place)
        ), held as materialized (
            -- the lock keeps a rescuer from giving the job to another worker between here and the commit
            select i.place, i.job_id, l.retention
            from input i cross join lateral (
                select retention from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1 for key share) l
        ), saved as (
            insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, started_at)
            select i.job_id, h.retention, i.key, i.form, i.output, i.attempt, i.started_at
            from input i join held h using (place)
            on conflict do nothing -- repeated after a lost reply
        ), taken as (
            delete from trunkline.signals s using input i join held h using (place) where s.signal_id = i.signal_id
        )
        select place as "place!" from held
        "#,
        &job_ids,
        &epochs,
        &keys,
        &forms,
        &outputs as &[&Value],
        &attempts,
        &started as &[Option<DateTime<Utc>>],
        &signals as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().filter_map(|place| usize::try_from(place - 1).ok()).collect())
}

/// Records when a wait ends, by the database's clock, unless that is recorded already. `None`: the lease is not ours.
pub(crate) async fn deadline_record(
    conn: &mut PgConnection,
    fence: Fence,
    key: &str,
    after: sqlx::postgres::types::PgInterval,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let deadline = sqlx::query_scalar!(
        r#"
        with held as materialized (
            select job_id, retention, attempt from trunkline.leases where job_id = $1 and epoch = $2 for key share
        )
        insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt)
        select job_id, retention, $3, 'deadline', to_jsonb(trunkline.now() + $4::interval), attempt + 1 from held
        on conflict (job_id, key, retention) do update set form = checkpoints.form -- returns what was there
        returning (output #>> '{}')::timestamptz as "deadline!"
        "#,
        fence.job_id,
        fence.epoch,
        key,
        after,
    )
    .fetch_optional(conn)
    .await?;
    Ok(deadline)
}

/// Whether a run has passed a pivot.
pub(crate) async fn checkpoint_has_pivot(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from trunkline.checkpoints where job_id = $1 and form = 'pivot') as "passed!""#,
        job_id,
    )
    .fetch_one(conn)
    .await
}

/// A stored step.
#[derive(Debug, Clone)]
pub(crate) struct StoredCheckpoint {
    pub(crate) key: String,
    pub(crate) form: String,
    pub(crate) output: Value,
    /// The form of the deed of another run that yielded it.
    pub(crate) lent: Option<String>,
}

/// Everything a run has stored.
pub(crate) async fn checkpoints_of(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
) -> Result<Vec<StoredCheckpoint>, sqlx::Error> {
    sqlx::query_as!(
        StoredCheckpoint,
        "select key, form, output, lent from trunkline.checkpoints where job_id = $1 and retention = $2",
        job_id,
        retention,
    )
    .fetch_all(conn)
    .await
}
