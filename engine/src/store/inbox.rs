//! What providers posted: once, however often they post it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

use crate::inbox::InboxEntry;

/// Keeps deliveries under their natural keys, each with the job that is to be made of it. A repeat is counted and changes
/// nothing else. Gives, for each, the job of whoever was first: one's own, if it is new.
pub(crate) async fn inbox_keep(
    conn: &mut PgConnection,
    entries: &[(&InboxEntry, Uuid)],
) -> Result<Vec<Option<Uuid>>, sqlx::Error> {
    let text = |f: fn(&InboxEntry) -> &str| entries.iter().map(|(it, _)| f(it)).collect::<Vec<_>>();
    let payloads: Vec<_> = entries.iter().map(|(entry, _)| &entry.payload).collect();
    let jobs: Vec<_> = entries.iter().map(|(_, job)| *job).collect();
    sqlx::query_scalar!(
        r#"
        with input as (
            select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::uuid[]) with ordinality
                as t (provider, dedupe_key, object_key, payload, job_id, place)
        ), firsts as (
            select distinct on (provider, dedupe_key) provider, dedupe_key, object_key, payload, job_id,
                   count(*) over (partition by provider, dedupe_key)::int as deliveries
            from input order by provider, dedupe_key, place
        ), kept as (
            insert into trunkline.inbox as i (provider, dedupe_key, object_key, payload, job_id, deliveries)
            select provider, dedupe_key, object_key, payload, job_id, deliveries from firsts
            order by provider, dedupe_key -- two who keep the same lock it in the same order
            on conflict (provider, dedupe_key) do update
                -- (Its own job: repeated after a lost reply.)
                set deliveries = i.deliveries + case when i.job_id = excluded.job_id then 0 else excluded.deliveries end
            returning provider, dedupe_key, job_id
        )
        select kept.job_id from input join kept using (provider, dedupe_key) order by input.place
        "#,
        &text(|it| it.provider) as &[&str],
        &text(|it| &it.dedupe_key) as &[&str],
        &text(|it| &it.object_key) as &[&str],
        &payloads as &[&Value],
        &jobs,
    )
    .fetch_all(conn)
    .await
}

/// Forgets deliveries that came longer ago than this. At most `rows_max` at once.
pub(crate) async fn inbox_expire(
    conn: &mut PgConnection,
    keep: PgInterval,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.inbox where (provider, dedupe_key) in (
             select provider, dedupe_key from trunkline.inbox
             where received_at < trunkline.now() - $1::interval
             order by received_at limit $2 for update skip locked)",
        keep,
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A delivery with where its job stands.
#[derive(Debug)]
pub(crate) struct KeptRow {
    pub(crate) provider: String,
    pub(crate) dedupe_key: String,
    pub(crate) object_key: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) deliveries: i32,
    pub(crate) payload: Value,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) state: Option<String>,
}

/// A place in the list, newest first.
#[derive(Debug, Clone)]
pub(crate) struct InboxPlace {
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) provider: String,
    pub(crate) dedupe_key: String,
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub(crate) struct InboxWhich {
    pub(crate) provider: Option<String>,
    pub(crate) dedupe_key: Option<String>,
    pub(crate) object_key: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) older_than: Option<InboxPlace>,
}

/// Deliveries that fit, newest first. A job whose retention is over has no state any more.
pub(crate) async fn inbox_list(
    conn: &mut PgConnection,
    which: &InboxWhich,
    rows_max: i64,
) -> Result<Vec<KeptRow>, sqlx::Error> {
    let older = which.older_than.as_ref();
    sqlx::query_as!(
        KeptRow,
        r#"
        with kept as (
            select i.*, coalesce(
                       o.state,
                       -- One look into an index each, and none for a job that has ended. As a join, or without its limit, all
                       -- that is ready is read to find one.
                       (select 'running' from trunkline.leases l where l.job_id = i.job_id limit 1),
                       (select r.state from trunkline.jobs j cross join lateral (
                            select 'ready' as state from trunkline.ready r
                            where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id limit 1) r
                        where j.job_id = i.job_id limit 1),
                       (select w.state from trunkline.waits w where w.job_id = i.job_id limit 1)) as state
            from trunkline.inbox i
            left join lateral (select state from trunkline.outcomes where job_id = i.job_id limit 1) o on true
        )
        select provider, dedupe_key, object_key, received_at, deliveries, payload, job_id, state
        from kept
        where ($1::text is null or provider = $1)
          and ($2::text is null or dedupe_key = $2)
          and ($3::text is null or object_key = $3)
          and ($4::text is null or state = $4)
          and ($5::timestamptz is null or (received_at, provider, dedupe_key) < ($5, $6::text, $7::text))
        order by received_at desc, provider desc, dedupe_key desc
        limit $8
        "#,
        which.provider,
        which.dedupe_key,
        which.object_key,
        which.state,
        older.map(|place| place.received_at),
        older.map(|place| place.provider.as_str()),
        older.map(|place| place.dedupe_key.as_str()),
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Deliveries since an instant, counted by provider and by where their jobs stand.
#[derive(Debug)]
pub(crate) struct CountRow {
    pub(crate) provider: String,
    pub(crate) state: Option<String>,
    pub(crate) events: i64,
    pub(crate) deliveries: i64,
}

/// Counts what came since then.
pub(crate) async fn inbox_count(
    conn: &mut PgConnection,
    within: PgInterval,
) -> Result<Vec<CountRow>, sqlx::Error> {
    sqlx::query_as!(
        CountRow,
        r#"
        select i.provider,
               coalesce(
                   -- As in the list.
                   o.state,
                   (select 'running' from trunkline.leases l where l.job_id = i.job_id limit 1),
                   (select r.state from trunkline.jobs j cross join lateral (
                        select 'ready' as state from trunkline.ready r
                        where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id limit 1) r
                    where j.job_id = i.job_id limit 1),
                   (select w.state from trunkline.waits w where w.job_id = i.job_id limit 1)) as state,
               count(*) as "events!", sum(i.deliveries) as "deliveries!"
        from trunkline.inbox i
        left join lateral (select state from trunkline.outcomes where job_id = i.job_id limit 1) o on true
        where i.received_at >= trunkline.now() - $1::interval
        group by 1, 2 order by 1, 2
        "#,
        within,
    )
    .fetch_all(conn)
    .await
}

/// Which of these keys are there.
pub(crate) async fn inbox_known(
    conn: &mut PgConnection,
    provider: &str,
    dedupe_keys: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select dedupe_key from trunkline.inbox where provider = $1 and dedupe_key = any($2)",
        provider,
        dedupe_keys,
    )
    .fetch_all(conn)
    .await
}

/// Gives a delivery another job, unless the last one still lives. False: it does, or there is no such delivery.
pub(crate) async fn inbox_again(
    conn: &mut PgConnection,
    provider: &str,
    dedupe_key: &str,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update trunkline.inbox i set job_id = $3, deliveries = deliveries + 1
         where provider = $1 and dedupe_key = $2
           and coalesce(
               (select true from trunkline.leases t where t.job_id = i.job_id limit 1),
               (select true from trunkline.jobs j cross join lateral (
                    select from trunkline.ready r
                    where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id limit 1) t
                where j.job_id = i.job_id limit 1),
               (select true from trunkline.waits t where t.job_id = i.job_id limit 1)) is null",
        provider,
        dedupe_key,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
