//! What operators change: the entry at which a parked run stands, the arguments of a job that has not begun.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A parked run that is locked until the end of the transaction.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) cause: Option<String>,
    pub(crate) entry: Option<String>,
    pub(crate) reason: String,
    pub(crate) course: i16,
}

/// Locks a parked run against other operators. No worker waits for this lock: the committer writes leases, and whoever
/// wakes runs skips what is locked. `None`: it is not parked, or again since this claim.
pub(crate) async fn parked_hold(
    conn: &mut PgConnection,
    job_id: Uuid,
    epoch: i32,
) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        "select cause, entry, reason, course from trunkline.waits
         where job_id = $1 and epoch = $2 and state = 'parked' for update",
        job_id,
        epoch,
    )
    .fetch_optional(conn)
    .await
}

/// The body's attempts are counted anew: a person has seen to what went wrong.
pub(crate) async fn parked_refresh(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update trunkline.waits set attempt = 0 where job_id = $1", job_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// An entry of the ledger that is not settled.
#[derive(Debug)]
pub(crate) struct StandingEntry {
    pub(crate) key: String,
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) input: Value,
}

/// The entry with this key, if it is neither taken back nor decided yet.
pub(crate) async fn entry_standing(
    conn: &mut PgConnection,
    job_id: Uuid,
    key: &str,
) -> Result<Option<StandingEntry>, sqlx::Error> {
    sqlx::query_as!(
        StandingEntry,
        "select key, form, name, state, input from trunkline.effects
         where job_id = $1 and key = $2 and state in ('intent', 'unknown', 'done')",
        job_id,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// Writes what an operator has decided about an entry.
pub(crate) async fn entry_decide(
    conn: &mut PgConnection,
    job_id: Uuid,
    key: &str,
    state: &str,
    output: Option<&Value>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.effects
         set state = $3, output = coalesce($4, output),
             finished_at = case when $3 = 'done' then trunkline.now() else finished_at end
         where job_id = $1 and key = $2 and state in ('intent', 'unknown', 'done')",
        job_id,
        key,
        state,
        output,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives an entry another input.
pub(crate) async fn entry_edit(
    conn: &mut PgConnection,
    job_id: Uuid,
    key: &str,
    input: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.effects set input = $3
         where job_id = $1 and key = $2 and state in ('intent', 'unknown', 'done')",
        job_id,
        key,
        input,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An entry that is taken back or decided about since the run turned round, or a child that is about to be taken back: the
/// body cannot go on as if nothing had happened. What a race took back on the way does not count.
pub(crate) async fn first_undone(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select e.key from trunkline.effects e
        where e.job_id = $1
          and (e.state in ('skipped', 'resolved')
               or e.state = 'undone' and e.undone_at >= coalesce(
                   (select max(failed_at) from trunkline.failures f
                    where f.job_id = $1 and f.retention = e.retention and f.key is null and f.phase = 'do'),
                   '-infinity')
               or e.form = 'child' and e.state = 'done' and (
                   exists (select from trunkline.outcomes o
                           where o.job_id = (e.output #>> '{}')::uuid and o.undone and o.state = 'cancelled')
                   or exists (select from trunkline.waits w where w.job_id = (e.output #>> '{}')::uuid and w.course > 0)
                   or exists (select from trunkline.leases l where l.job_id = (e.output #>> '{}')::uuid and l.course > 0)
                   or exists (select from trunkline.cancels c where c.job_id = (e.output #>> '{}')::uuid)))
        order by e.seq
        limit 1
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Makes the token of a job that has not begun anew, where it stands. A claim that has seen the old one finds it gone, so
/// that none can be on its way with what is about to be changed. False: it has begun, or is over.
pub(crate) async fn unstarted_hold(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let in_ready = sqlx::query!(
        "with gone as (
             delete from trunkline.ready r using trunkline.jobs j
             where j.job_id = $1 and r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = $1
               and r.epoch = 0 and r.course = 0
             returning r.*
         )
         insert into trunkline.ready select * from gone",
        job_id,
    )
    .execute(&mut *conn)
    .await?;
    if in_ready.rows_affected() == 1 {
        return Ok(true);
    }
    let in_waits = sqlx::query!(
        "with gone as (
             delete from trunkline.waits where job_id = $1 and epoch = 0 and course = 0 returning *
         )
         insert into trunkline.waits select * from gone",
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(in_waits.rows_affected() == 1)
}

/// What a job is asked to do.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) kind: String,
    pub(crate) retention: i16,
    pub(crate) args: Value,
}

/// The arguments of a job.
pub(crate) async fn args_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Asked>, sqlx::Error> {
    sqlx::query_as!(
        Asked,
        "select k.name as kind, j.retention, j.args from trunkline.jobs j join trunkline.kinds k using (kind_id)
         where j.job_id = $1",
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Gives a job other arguments: the one way in which a row of `jobs` ever changes.
pub(crate) async fn args_edit(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
    args: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.jobs set args = $3 where job_id = $1 and retention = $2",
        job_id,
        retention,
        args,
    )
    .execute(conn)
    .await?;
    Ok(())
}
