//! How the database itself is: what it says in its own views, by one cheap query.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What one look found.
#[derive(Debug)]
pub(crate) struct VitalsRow {
    pub(crate) taken_at: DateTime<Utc>,
    pub(crate) holder: Option<String>,
    pub(crate) holder_pid: Option<i32>,
    pub(crate) holder_name: Option<String>,
    pub(crate) holder_state: Option<String>,
    pub(crate) holder_xid: Option<String>,
    pub(crate) held_secs: Option<f64>,
    pub(crate) dead_rows: serde_json::Value,
    pub(crate) ahead_secs: serde_json::Value,
    pub(crate) default_rows: i64,
    pub(crate) notify_used: f64,
    pub(crate) transaction_age: i64,
}

/// Looks. Costs a read of a few system views and of the first thousand rows of each DEFAULT partition, which are empty as a
/// rule. No text of a statement is read.
pub(crate) async fn vitals(conn: &mut PgConnection) -> Result<VitalsRow, sqlx::Error> {
    sqlx::query_as!(
        VitalsRow,
        r#"
        with oldest as (
            select * from trunkline.snapshot_holders() order by age(xid) desc, since limit 1
        ), pieces as (
            select p.class, max(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC')
                            + p.days * interval '24 hours' as until
            from (values ('brief', 1), ('standard', 7), ('long', 30)) p (class, days)
            join pg_inherits i on i.inhparent = to_regclass('trunkline.jobs_' || p.class)
            join pg_class c on c.oid = i.inhrelid and c.relname ~ '_[0-9]{8}$'
            group by p.class, p.days
        )
        select trunkline.now() as "taken_at!",
               (select kind from oldest) as holder, (select pid from oldest) as holder_pid,
               (select name from oldest) as holder_name, (select state from oldest) as holder_state,
               (select xid::text from oldest) as holder_xid,
               (select extract(epoch from clock_timestamp() - since)::float8 from oldest) as held_secs,
               (select coalesce(jsonb_object_agg(relname, n_dead_tup), '{}') from pg_stat_all_tables
                where schemaname = 'trunkline'
                  and relname in ('ready', 'leases', 'waits', 'signals', 'uniques', 'workers')) as "dead_rows!",
               (select coalesce(jsonb_object_agg(class, extract(epoch from until - trunkline.now())), '{}')
                from pieces) as "ahead_secs!",
               (select count(*) from (
                    (select from trunkline.jobs_brief_default limit 1000) union all
                    (select from trunkline.jobs_standard_default limit 1000) union all
                    (select from trunkline.jobs_long_default limit 1000) union all
                    (select from trunkline.outcomes_brief_default limit 1000) union all
                    (select from trunkline.outcomes_standard_default limit 1000) union all
                    (select from trunkline.outcomes_long_default limit 1000) union all
                    (select from trunkline.checkpoints_brief_default limit 1000) union all
                    (select from trunkline.checkpoints_standard_default limit 1000) union all
                    (select from trunkline.checkpoints_long_default limit 1000) union all
                    (select from trunkline.effects_brief_default limit 1000) union all
                    (select from trunkline.effects_standard_default limit 1000) union all
                    (select from trunkline.effects_long_default limit 1000) union all
                    (select from trunkline.failures_brief_default limit 1000) union all
                    (select from trunkline.failures_standard_default limit 1000) union all
                    (select from trunkline.failures_long_default limit 1000)) strays) as "default_rows!",
               pg_notification_queue_usage() as "notify_used!",
               (select age(datfrozenxid)::int8 from pg_database where datname = current_database())
                   as "transaction_age!"
        "#
    )
    .fetch_one(conn)
    .await
}
