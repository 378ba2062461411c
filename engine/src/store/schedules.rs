//! Schedules: which tick is next, and how they are steered. A tick's identity is a unique key of the job that it makes.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A schedule whose tick is due, or whose past is made up for.
#[derive(Debug)]
pub(crate) struct DueRow {
    pub(crate) name: String,
    pub(crate) cron: String,
    pub(crate) timezone: String,
    pub(crate) kind_id: i16,
    pub(crate) queue_id: i16,
    pub(crate) args: Value,
    pub(crate) missed: String,
    pub(crate) catch_up_max: Option<i16>,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
}

/// The longest due of these schedules, locked for this transaction; another replica takes another one.
pub(crate) async fn schedule_due(
    conn: &mut PgConnection,
    names: &[String],
) -> Result<Option<DueRow>, sqlx::Error> {
    sqlx::query_as!(
        DueRow,
        r#"select name, cron, timezone, kind_id, queue_id, args, missed, catch_up_max, next_at,
                  trunkline.now() as "now!"
           from trunkline.schedules
           where next_at <= trunkline.now() and paused_at is null and name = any ($1)
           order by next_at
           limit 1
           for update skip locked"#,
        names,
    )
    .fetch_optional(conn)
    .await
}

/// A schedule by its name, locked for this transaction.
pub(crate) async fn schedule_get(
    conn: &mut PgConnection,
    name: &str,
) -> Result<Option<DueRow>, sqlx::Error> {
    sqlx::query_as!(
        DueRow,
        r#"select name, cron, timezone, kind_id, queue_id, args, missed, catch_up_max, next_at,
                  trunkline.now() as "now!"
           from trunkline.schedules where name = $1 for update"#,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// Moves a schedule on to its next tick; with what was made, unless the due ones were left out.
pub(crate) async fn schedule_advance(
    conn: &mut PgConnection,
    name: &str,
    next_at: DateTime<Utc>,
    made: Option<(DateTime<Utc>, Uuid)>,
) -> Result<(), sqlx::Error> {
    let (tick, job_id) = made.unzip();
    sqlx::query!(
        "update trunkline.schedules
         set next_at = $2, last_at = coalesce($3, last_at), last_job_id = coalesce($4, last_job_id),
             fault = null, fault_at = null
         where name = $1",
        name,
        next_at,
        tick,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes why a tick cannot be made. Said once, however often it is tried.
pub(crate) async fn schedule_fault(
    conn: &mut PgConnection,
    name: &str,
    fault: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.schedules set fault = left($2, 1000), fault_at = trunkline.now()
         where name = $1 and fault is distinct from left($2, 1000)",
        name,
        fault,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A schedule as the code declares it.
pub(crate) struct ScheduleRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) cron: &'a str,
    pub(crate) timezone: &'a str,
    pub(crate) kind_id: i16,
    pub(crate) queue_id: i16,
    pub(crate) args: &'a Value,
    pub(crate) missed: &'a str,
    pub(crate) catch_up_max: Option<i16>,
    pub(crate) next_at: DateTime<Utc>,
}

/// Declares a schedule. What is there, with whatever an operator has changed, stays unless the code's own words are others
/// than last time. A pause stays in any case.
pub(crate) async fn schedule_declare(
    conn: &mut PgConnection,
    row: &ScheduleRow<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.schedules as s (name, cron, timezone, kind_id, queue_id, args, missed, catch_up_max,
                                               next_at, declared)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                 jsonb_build_array($2::text, $3::text, $4::int2, $5::int2, $6::jsonb, $7::text, $8::int2))
         on conflict (name) do update
         set cron = excluded.cron, timezone = excluded.timezone, kind_id = excluded.kind_id,
             queue_id = excluded.queue_id, args = excluded.args, missed = excluded.missed,
             catch_up_max = excluded.catch_up_max, declared = excluded.declared,
             -- a tick that is due by the old times is made before the new ones begin
             next_at = case when s.next_at <= trunkline.now() then s.next_at else excluded.next_at end,
             changed_at = null, changed_by = null, changed_reason = null, fault = null, fault_at = null
         where s.declared is distinct from excluded.declared",
        row.name,
        row.cron,
        row.timezone,
        row.kind_id,
        row.queue_id,
        row.args,
        row.missed,
        row.catch_up_max,
        row.next_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes the times of a schedule until the code declares others.
pub(crate) async fn schedule_change(
    conn: &mut PgConnection,
    due: &DueRow,
    by: &str,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.schedules
         set cron = $2, timezone = $3, missed = $4, catch_up_max = $5, next_at = $6, fault = null, fault_at = null,
             changed_at = trunkline.now(), changed_by = $7, changed_reason = $8
         where name = $1",
        due.name,
        due.cron,
        due.timezone,
        due.missed,
        due.catch_up_max,
        due.next_at,
        by,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Pauses a schedule; a second pause changes nothing. False: there is none of this name.
pub(crate) async fn schedule_pause(
    conn: &mut PgConnection,
    name: &str,
    by: &str,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update trunkline.schedules
         set paused_at = coalesce(paused_at, trunkline.now()), paused_by = coalesce(paused_by, $2),
             paused_reason = case when paused_at is null then $3 else paused_reason end
         where name = $1",
        name,
        by,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a pause. The next tick is `next_at` if the schedule was paused: what fell into the pause is left out.
pub(crate) async fn schedule_resume(
    conn: &mut PgConnection,
    name: &str,
    next_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.schedules
         set paused_at = null, paused_by = null, paused_reason = null, next_at = $2
         where name = $1 and paused_at is not null",
        name,
        next_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A schedule as people look at it.
#[derive(Debug)]
pub(crate) struct SeenRow {
    pub(crate) name: String,
    pub(crate) cron: String,
    pub(crate) timezone: String,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) args: Value,
    pub(crate) missed: String,
    pub(crate) catch_up_max: Option<i16>,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) last_at: Option<DateTime<Utc>>,
    pub(crate) last_job_id: Option<Uuid>,
    pub(crate) last_state: Option<String>,
    pub(crate) last_made_at: Option<DateTime<Utc>>,
    pub(crate) last_finished_at: Option<DateTime<Utc>>,
    pub(crate) changed_at: Option<DateTime<Utc>>,
    pub(crate) changed_by: Option<String>,
    pub(crate) changed_reason: Option<String>,
    pub(crate) paused_at: Option<DateTime<Utc>>,
    pub(crate) paused_by: Option<String>,
    pub(crate) paused_reason: Option<String>,
    pub(crate) fault: Option<String>,
    /// The backfill that is going on: at most one.
    pub(crate) backfill: Option<Value>,
    pub(crate) now: DateTime<Utc>,
}

/// The schedules by name, each with where its last job stands and with its backfill. At most `rows_max`.
pub(crate) async fn schedules_list(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<SeenRow>, sqlx::Error> {
    sqlx::query_as!(
        SeenRow,
        r#"
        select s.name, s.cron, s.timezone, k.name as kind, q.name as queue, s.args, s.missed, s.catch_up_max,
               s.next_at, s.last_at, s.last_job_id,
               (select coalesce(
                    last_end.state,
                    (select 'running' from trunkline.leases l where l.job_id = s.last_job_id),
                    (select w.state from trunkline.waits w where w.job_id = s.last_job_id),
                    (select r.state from trunkline.jobs j cross join lateral (
                         select 'ready' as state from trunkline.ready r
                         where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id limit 1) r
                     where j.job_id = s.last_job_id limit 1)
                )) as last_state,
               (select j.created_at from trunkline.jobs j where j.job_id = s.last_job_id limit 1) as last_made_at,
               last_end.finished_at as "last_finished_at?",
               s.changed_at, s.changed_by, s.changed_reason, s.paused_at, s.paused_by, s.paused_reason, s.fault,
               (select to_jsonb(b) from trunkline.backfills b
                where b.schedule = s.name and b.finished_at is null limit 1) as backfill,
               trunkline.now() as "now!"
        from trunkline.schedules s
        join trunkline.kinds k using (kind_id)
        join trunkline.queues q using (queue_id)
        left join lateral (
            select o.state, o.finished_at from trunkline.outcomes o where o.job_id = s.last_job_id limit 1) last_end on true
        order by s.name
        limit $1
        "#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// A schedule against its clock, in seconds.
#[derive(Debug)]
pub(crate) struct LagRow {
    pub(crate) name: String,
    pub(crate) late_secs: f64,
    pub(crate) paused_secs: f64,
}

/// How these schedules stand, by name. A paused one is not late.
pub(crate) async fn schedules_lag(
    conn: &mut PgConnection,
    names: &[String],
) -> Result<Vec<LagRow>, sqlx::Error> {
    sqlx::query_as!(
        LagRow,
        r#"select name,
                  (case when paused_at is null
                        then greatest(extract(epoch from trunkline.now() - next_at), 0) else 0 end)::float8 as "late_secs!",
                  coalesce(greatest(extract(epoch from trunkline.now() - paused_at), 0), 0)::float8 as "paused_secs!"
           from trunkline.schedules where name = any ($1) order by name"#,
        names,
    )
    .fetch_all(conn)
    .await
}

/// What became of some ticks of one schedule.
#[derive(Debug)]
pub(crate) struct TicksRow {
    /// Its place among those that were asked about.
    pub(crate) place: i32,
    pub(crate) made: i64,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    pub(crate) cancelled: i64,
}

/// What became of ticks, by schedule: `places` says whose each is, `keys` are their identities. Two looks into indexes for
/// each. A tick's job is of the class that is kept for days (0).
pub(crate) async fn ticks_count(
    conn: &mut PgConnection,
    places: &[i32],
    keys: &[Vec<u8>],
) -> Result<Vec<TicksRow>, sqlx::Error> {
    sqlx::query_as!(
        TicksRow,
        r#"
        select t.place as "place!", count(*) as "made!",
               count(*) filter (where o.state = 'succeeded') as "succeeded!",
               count(*) filter (where o.state = 'failed') as "failed!",
               count(*) filter (where o.state = 'cancelled') as "cancelled!"
        from unnest($1::int4[], $2::bytea[]) t (place, unique_key)
        cross join lateral (
            select u.job_id from trunkline.uniques u where u.unique_key = t.unique_key limit 1) u
        left join lateral (
            select o.state from trunkline.outcomes o where o.retention = 0 and o.job_id = u.job_id limit 1) o on true
        group by t.place
        "#,
        places,
        keys,
    )
    .fetch_all(conn)
    .await
}
