//! What a test must not leave behind, and what no history of any test may lead to.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};

/// Each gives rows only if something is wrong.
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
        "a failed or cancelled job with a deed that stands",
        "select e.job_id from trunkline.effects e join trunkline.outcomes o using (job_id)
         where o.state in ('failed', 'cancelled') and e.state not in ('idle', 'undone', 'skipped', 'resolved')",
    ),
    (
        "a succeeded job with a deed of which nobody knows",
        "select e.job_id from trunkline.effects e join trunkline.outcomes o using (job_id)
         where o.state = 'succeeded' and e.state in ('intent', 'unknown')",
    ),
];

const UNFINISHED: &str = "
    select k.name || ' ' || t.place from trunkline.jobs j join trunkline.kinds k using (kind_id)
    join (select job_id, 'ready' as place from trunkline.ready union all select job_id, 'running' from trunkline.leases
          union all select job_id, state from trunkline.waits) t using (job_id)";

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
    let mut faults = Vec::new();
    for (what, statement) in LAWS {
        match sqlx::query(*statement).fetch_all(&mut connection).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => faults.push(format!("{what} ({} times)", rows.len())),
            Err(error) => faults.push(format!("{what}: {error}")),
        }
    }
    if !may_leave_jobs {
        let left: Vec<String> =
            sqlx::query_scalar(UNFINISHED).fetch_all(&mut connection).await.unwrap_or_default();
        faults.extend(left.into_iter().map(|job| format!("an unfinished job: {job}")));
    }
    connection.close().await.ok();
    faults
}
