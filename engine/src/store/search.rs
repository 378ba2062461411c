//! Filtered lists of jobs: the one place in the engine where a statement is put together at run time. Only bound values
//! and fixed texts go into it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::state::State;

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) job_id: Option<Uuid>,
    /// Some of these.
    pub(crate) job_ids: Option<Vec<Uuid>>,
    pub(crate) kind: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) state: Option<State>,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) older_than: Option<Uuid>,
    /// Not older than this one.
    pub(crate) from: Option<Uuid>,
    /// Of none of these kinds.
    pub(crate) except_kinds: Vec<String>,
    /// Failed with an error that reads so, but for what differs each time.
    pub(crate) error: Option<String>,
}

/// A job with where it stands.
#[derive(Debug, FromRow)]
pub(crate) struct FoundRow {
    pub(crate) job_id: Uuid,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) state: String,
    pub(crate) course: i16,
    pub(crate) attempt: i16,
    pub(crate) args: Value,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) origin_id: Option<Uuid>,
    pub(crate) origin: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) reason: Option<String>,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) parked: Option<Value>,
    pub(crate) progress: Option<Value>,
}

/// Jobs that fit, newest first. A state is looked up from the table that stands for it, so that rare states are found
/// at once among millions of finished jobs.
pub(crate) async fn jobs_search(
    conn: &mut PgConnection,
    filter: &Filter,
    rows_max: i64,
) -> Result<Vec<FoundRow>, sqlx::Error> {
    statement(filter, rows_max).build_query_as().fetch_all(conn).await
}

fn statement(filter: &Filter, rows_max: i64) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "select j.job_id, k.name as kind, q.name as queue,
                coalesce(o.state, case when l.job_id is not null then 'running'
                                       when r.job_id is not null then 'ready' end, w.state, 'ready') as state,
                coalesce(l.course, r.course, w.course, 0::int2) as course,
                coalesce(o.attempt, l.attempt, r.attempt, w.attempt, 0::int2) as attempt,
                j.args, j.tenant_id, j.parent_id, j.origin_id, j.origin, j.created_at, o.finished_at, w.due, w.reason, o.output, o.error,
                case when w.state = 'parked' then jsonb_build_object('cause', w.cause, 'entry', w.entry, 'reason', w.reason,
                    'since', w.since, 'claim', w.epoch) end as parked,",
    );
    // How far a run says it is is asked of the one that is named, not of whole lists.
    sql.push(match filter.job_id {
        Some(_) => {
            " (select to_jsonb(p) from trunkline.progress p where p.job_id = j.job_id) as progress"
        }
        None => " null::jsonb as progress",
    });
    sql.push(" from trunkline.jobs j");
    narrow(&mut sql, filter, rows_max);
    sql
}

/// What a look has found, and where the next one begins.
#[derive(Debug, FromRow)]
pub(crate) struct Frozen {
    pub(crate) found: i64,
    /// Jobs that were looked at, where not only those are read that fit.
    pub(crate) looked: i64,
    pub(crate) last: Option<Uuid>,
}

/// Writes down which jobs fit, newest first, as those that an operation is about. One that is written down already stays.
pub(crate) async fn jobs_freeze(
    conn: &mut PgConnection,
    operation_id: Uuid,
    filter: &Filter,
    rows_max: i64,
) -> Result<Frozen, sqlx::Error> {
    let mut sql =
        QueryBuilder::new("with fits as materialized (select j.job_id from trunkline.jobs j");
    narrow(&mut sql, filter, rows_max);
    sql.push("), frozen as (insert into trunkline.operation_items (operation_id, job_id) select ");
    sql.push_bind(operation_id).push(", job_id from fits on conflict do nothing)");
    sql.push(
        " select (select count(*) from fits) as found, (select count(*) from fits) as looked, (select job_id from fits order by job_id limit 1) as last",
    );
    sql.build_query_as().fetch_one(conn).await
}

/// Joins, conditions, order and limit.
fn narrow(sql: &mut QueryBuilder<Postgres>, filter: &Filter, rows_max: i64) {
    sql.push(" join trunkline.kinds k using (kind_id) join trunkline.queues q using (queue_id)");
    let join = |states: &[State]| match filter.state {
        Some(state) if states.contains(&state) => " join ",
        Some(_) | None => " left join ",
    };
    sql.push(join(&[State::Succeeded, State::Failed, State::Cancelled]));
    sql.push("trunkline.outcomes o on o.job_id = j.job_id and o.retention = j.retention");
    sql.push(join(&[State::Running]));
    sql.push("trunkline.leases l on l.job_id = j.job_id");
    sql.push(join(&[State::Ready]));
    sql.push("trunkline.ready r on r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id");
    sql.push(join(&[State::Scheduled, State::Waiting, State::Parked]));
    sql.push("trunkline.waits w on w.job_id = j.job_id where true");
    match filter.state {
        Some(state @ (State::Succeeded | State::Failed | State::Cancelled)) => {
            sql.push(" and o.state = ").push_bind(state.as_str());
        }
        Some(state @ (State::Scheduled | State::Waiting | State::Parked)) => {
            sql.push(" and w.state = ").push_bind(state.as_str());
        }
        Some(State::Ready | State::Running) | None => {}
    }
    if let Some(job_id) = filter.job_id {
        sql.push(" and j.job_id = ").push_bind(job_id);
    }
    if let Some(job_ids) = &filter.job_ids {
        sql.push(" and j.job_id = any (").push_bind(job_ids.clone()).push(")");
    }
    // By their numbers, so that a row of another one is left before anything is joined to it.
    if let Some(kind) = &filter.kind {
        sql.push(" and j.kind_id = (select kind_id from trunkline.kinds where name = ");
        sql.push_bind(kind.clone()).push(")");
    }
    if !filter.except_kinds.is_empty() {
        sql.push(" and k.name <> all (").push_bind(filter.except_kinds.clone()).push(")");
    }
    if let Some(queue) = &filter.queue {
        sql.push(" and j.queue_id = (select queue_id from trunkline.queues where name = ");
        sql.push_bind(queue.clone()).push(")");
    }
    if let Some(error) = &filter.error {
        sql.push(" and o.state = 'failed' and trunkline.error_pattern(o.error ->> 'message') = ");
        sql.push_bind(error.clone());
    }
    if let Some(tenant) = filter.tenant_id {
        sql.push(" and j.tenant_id = ").push_bind(tenant);
    }
    if let Some(cursor) = filter.older_than {
        sql.push(" and j.job_id < ").push_bind(cursor);
    }
    if let Some(first) = filter.from {
        sql.push(" and j.job_id >= ").push_bind(first);
    }
    sql.push(" order by j.job_id desc limit ").push_bind(rows_max);
}
