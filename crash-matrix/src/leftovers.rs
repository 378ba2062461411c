//! What a test must not leave behind, and what no history of any test may lead to.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};

use crate::TestDb;

/// Each gives rows only if something is wrong. They hold at every instant, not only when all is over.
const LAWS: &[(&str, &str)] = &[
    (
        "a job that stands in no place or in several",
        "select j.job_id from trunkline.jobs j
         left join (select job_id from trunkline.ready union all select job_id from trunkline.leases
                    union all select job_id from trunkline.waits union all select job_id from trunkline.outcomes) t
             using (job_id)
         group by j.job_id having count(t.job_id) <> 1",
    ),
    (
        "a token without a job",
        "select job_id from (select job_id from trunkline.ready union all select job_id from trunkline.leases
                             union all select job_id from trunkline.waits) t
         where not exists (select from trunkline.jobs j where j.job_id = t.job_id)",
    ),
    (
        "a finished job that holds its unique key",
        "select u.job_id from trunkline.uniques u join trunkline.outcomes o using (job_id) where u.until is null",
    ),
    (
        "a finished job with signals that nobody will take",
        // (Those of jobs that never waited are tidied away later.)
        "select s.job_id from trunkline.signals s join trunkline.outcomes o using (job_id) where o.epoch > 1",
    ),
    (
        "a permit of a job that neither runs nor is about to run again",
        "select p.job_id from trunkline.permits p
         where p.form <> 'hold' and not exists (select from trunkline.leases l where l.job_id = p.job_id)
           and not exists (select from trunkline.waits w where w.job_id = p.job_id and w.blocked)
           -- or was one that is over, and is about to be ended
           and not exists (select from trunkline.ready r where r.job_id = p.job_id and r.lane is not null)",
    ),
    (
        "a permit that a finished job holds",
        "select p.job_id from trunkline.permits p join trunkline.outcomes o using (job_id)",
    ),
    (
        "a job that came past its gates",
        "select r.job_id from trunkline.ready r join trunkline.jobs j using (job_id)
         where j.gates is not null and r.course = 0 and (j.expires_at is null or r.epoch > 0)
           and (j.deadline_at is null or j.deadline_at > trunkline.now())",
    ),
    (
        "a job that stays before its gates when its time is over",
        "select w.job_id from trunkline.waits w join trunkline.jobs j using (job_id)
         where w.blocked and least(j.deadline_at, case when w.epoch = 0 then j.expires_at end) is distinct from w.due",
    ),
    (
        "a failed or cancelled job with a deed that stands",
        "select e.job_id from trunkline.effects e join trunkline.outcomes o using (job_id)
         where o.state in ('failed', 'cancelled') and not o.kept and e.state not in ('idle', 'undone', 'skipped', 'resolved')",
    ),
    (
        "a succeeded job with a deed of which nobody knows",
        "select e.job_id from trunkline.effects e join trunkline.outcomes o using (job_id)
         where o.state = 'succeeded' and e.state in ('intent', 'unknown')",
    ),
    (
        "a deed that was taken back before a younger one",
        "select old.job_id from trunkline.effects old join trunkline.effects young using (job_id)
         where old.seq < young.seq and old.undone_at < young.undone_at",
    ),
    (
        "a parked job that does not say why",
        "select job_id from trunkline.waits where state = 'parked' and coalesce(reason, '') = ''",
    ),
];

/// Everything that is written about jobs, for a look whether it has changed.
const TABLES: [&str; 8] =
    ["jobs", "ready", "leases", "waits", "outcomes", "checkpoints", "effects", "signals"];

const UNFINISHED: &str = "
    select k.name || ' ' || t.place from trunkline.jobs j join trunkline.kinds k using (kind_id)
    join (select job_id, 'ready' as place from trunkline.ready union all select job_id, 'running' from trunkline.leases
          union all
          select job_id, concat_ws(', ', state, case when blocked then 'before its gates' end, nullif(reason, ''),
                                   'due in ' || (due - trunkline.now()), 'wakes on ' || nullif(wakes::text, '{}'))
          from trunkline.waits) t using (job_id)";

/// What is wrong in a database at the end of its test.
pub(crate) async fn of(
    superuser: &SecretString,
    database: &str,
    may_leave_jobs: bool,
) -> Vec<String> {
    let mut url: url::Url = superuser.expose_secret().parse().expect("a URL");
    url.set_path(database);
    let mut connection = match PgConnection::connect(url.as_str()).await {
        Ok(connection) => connection,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = broken(&mut connection).await;
    if !may_leave_jobs {
        let left: Vec<String> =
            sqlx::query_scalar(UNFINISHED).fetch_all(&mut connection).await.unwrap_or_default();
        faults.extend(left.into_iter().map(|job| format!("an unfinished job: {job}")));
    }
    connection.close().await.ok();
    faults
}

/// What of the laws does not hold now.
pub(crate) async fn of_runs(db: &TestDb) -> Vec<String> {
    let mut connection = db.superuser().await;
    let faults = broken(&mut connection).await;
    connection.close().await.ok();
    faults
}

async fn broken(connection: &mut PgConnection) -> Vec<String> {
    let mut faults = Vec::new();
    for (what, statement) in LAWS {
        match sqlx::query(*statement).fetch_all(&mut *connection).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => faults.push(format!("{what} ({} times)", rows.len())),
            Err(error) => faults.push(format!("{what}: {error}")),
        }
    }
    faults
}

/// Jobs that are not over, and where they stand.
pub(crate) async fn unfinished(db: &TestDb) -> Vec<String> {
    let mut connection = db.superuser().await;
    let left = sqlx::query_scalar(UNFINISHED).fetch_all(&mut connection).await;
    connection.close().await.ok();
    left.unwrap_or_else(|error| vec![error.to_string()])
}

/// A fingerprint of each table about jobs.
pub(crate) async fn everything(db: &TestDb) -> BTreeMap<&'static str, String> {
    let mut connection = db.superuser().await;
    let mut all = BTreeMap::new();
    for table in TABLES {
        let statement = sqlx::AssertSqlSafe(format!(
            "select coalesce(md5(string_agg(t::text, '\n' order by t::text)), '') from trunkline.{table} t"
        ));
        let text = sqlx::query_scalar(statement).fetch_one(&mut connection).await;
        all.insert(table, text.unwrap_or_else(|error| error.to_string()));
    }
    connection.close().await.ok();
    all
}
