//! The undo ledger: deeds that may have to be taken back, in the order in which they were begun.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Fence;

/// The beginning of a deed.
#[derive(Debug, Clone)]
pub(crate) struct IntentRow {
    pub(crate) fence: Fence,
    pub(crate) key: String,
    pub(crate) seq: i16,
    pub(crate) form: &'static str,
    pub(crate) name: String,
    pub(crate) input: Value,
    /// A child's id is known when it is spawned; an effect has none yet.
    pub(crate) output: Option<Value>,
    pub(crate) attempt: i16,
}

/// Writes intents of jobs whose lease is ours; says of which (by position). A deed with an output is done at once.
pub(crate) async fn effects_begin(
    conn: &mut PgConnection,
    rows: &[IntentRow],
) -> Result<Vec<usize>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
    let forms: Vec<_> = rows.iter().map(|row| row.form.to_owned()).collect();
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    let inputs: Vec<_> = rows.iter().map(|row| &row.input).collect();
    let outputs: Vec<_> = rows.iter().map(|row| row.output.as_ref()).collect();
    let attempts: Vec<_> = rows.iter().map(|row| row.attempt).collect();
    let held = sqlx::query_scalar!(
        r#"
        with input as (
            select t.* from (
                -- as in `leases`
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[], $3::text[], $4::int2[], $5::text[], $6::text[], $7::jsonb[],
                              $8::jsonb[], $9::int2[])
                with ordinality as t (job_id, epoch, key, seq, form, name, input, output, attempt, place)
        ), held as materialized (
            select i.place, l.retention
            from input i cross join lateral (
                select retention from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1 for key share) l
        ), begun as (
            insert into trunkline.effects as e (job_id, retention, key, seq, form, name, state, input, output, attempt,
                                                finished_at)
            select i.job_id, h.retention, i.key, i.seq, i.form, i.name,
                   case when i.output is null then 'intent' else 'done' end, i.input, i.output, i.attempt,
                   case when i.output is not null then trunkline.now() end
            from input i join held h using (place)
            on conflict (job_id, key, retention) do update
                set state = 'intent', attempt = excluded.attempt, started_at = trunkline.now()
                where e.state in ('idle', 'unknown', 'intent') -- a deed that is done stays done
        )
        select place as "place!" from held
        "#,
        &job_ids,
        &epochs,
        &keys,
        &seqs,
        &forms,
        &names,
        &inputs as &[&Value],
        &outputs as &[Option<&Value>],
        &attempts,
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().filter_map(|place| usize::try_from(place - 1).ok()).collect())
}

/// Writes the deed that a job is born with: done by whoever enqueues it, in the same transaction.
pub(crate) async fn effect_born(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
    name: &str,
    input: &Value,
    output: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.effects (job_id, retention, key, seq, form, name, state, input, output, finished_at)
         values ($1, $2, $3, 1, 'change', $3, 'done', $4, $5, trunkline.now())",
        job_id,
        retention,
        name,
        input,
        output,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What became of a deed, or of taking it back.
#[derive(Debug, Clone)]
pub(crate) struct SettleRow {
    pub(crate) fence: Fence,
    pub(crate) key: String,
    pub(crate) state: &'static str,
    pub(crate) output: Option<Value>,
}

/// Writes what became of deeds of jobs whose lease is ours; says of which (by position).
pub(crate) async fn effects_settle(
    conn: &mut PgConnection,
    rows: &[SettleRow],
) -> Result<Vec<usize>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    let states: Vec<_> = rows.iter().map(|row| row.state.to_owned()).collect();
    let outputs: Vec<_> = rows.iter().map(|row| row.output.as_ref()).collect();
    let held = sqlx::query_scalar!(
        r#"
        with input as (
            select t.* from (
                -- as in `leases`
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::jsonb[])
                with ordinality as t (job_id, epoch, key, state, output, place)
        ), held as materialized (
            select i.place, l.retention
            from input i cross join lateral (
                select retention from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1 for key share) l
        ), settled as (
            update trunkline.effects e
            set state = i.state,
                output = coalesce(i.output, e.output),
                finished_at = case when i.state = 'done' then trunkline.now() else e.finished_at end,
                undone_at = case when i.state = 'undone' then trunkline.now() end
            from input i join held h using (place)
            where e.job_id = i.job_id and e.key = i.key and e.retention = h.retention
        )
        select place as "place!" from held
        "#,
        &job_ids,
        &epochs,
        &keys,
        &states,
        &outputs as &[Option<&Value>],
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().filter_map(|place| usize::try_from(place - 1).ok()).collect())
}

/// A stored deed.
#[derive(Debug, Clone)]
pub(crate) struct StoredEffect {
    pub(crate) key: String,
    pub(crate) seq: i16,
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
    pub(crate) started_at: DateTime<Utc>,
}

impl StoredEffect {
    /// Nothing to take back (any more).
    pub(crate) fn is_settled(&self) -> bool {
        is_settled(&self.state)
    }
}

/// Whether an entry in this state needs no taking back (any more).
pub(crate) fn is_settled(state: &str) -> bool {
    matches!(state, "idle" | "undone" | "skipped" | "resolved")
}

/// A run's whole ledger, oldest first.
pub(crate) async fn effects_of(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
) -> Result<Vec<StoredEffect>, sqlx::Error> {
    sqlx::query_as!(
        StoredEffect,
        "select key, seq, form, name, state, input, output, started_at
         from trunkline.effects where job_id = $1 and retention = $2 order by seq",
        job_id,
        retention,
    )
    .fetch_all(conn)
    .await
}
