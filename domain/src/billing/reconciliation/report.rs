//! What a run has found.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{super::compare::Kind, Finding, Tally, note};
use crate::{Conn, Error, error::During};

/// Runs are kept this long, with what they found.
const KEPT_DAYS: i32 = 400;

/// Findings that a report shows; all of them are in the table.
const SHOWN_MAX: i64 = 100;

/// What a run has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// What was compared.
    pub tally: Tally,
    /// Findings by kind, those without left out.
    pub kinds: BTreeMap<String, u64>,
    /// Findings that a person has to see to.
    pub reported: u64,
    /// So much differed that nothing was set right.
    pub suspicious: bool,
}

/// A run begins, or is already under way. Its beginning, by the database's clock.
pub async fn begin(conn: &mut Conn, run: Uuid) -> Result<DateTime<Utc>, Error> {
    let doing = "reconciliation: begin";
    sqlx::query!(
        "delete from product.reconciliation_runs
                  where started_at < trunkline.now() - make_interval(days => $1)",
        KEPT_DAYS
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let row = sqlx::query_scalar!(
        "insert into product.reconciliation_runs (run_id) values ($1)
         on conflict (run_id) do update set run_id = excluded.run_id returning started_at",
        run
    );
    row.fetch_one(conn).await.during(doing)
}

/// The database's clock.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>, Error> {
    sqlx::query_scalar!(r#"select trunkline.now() as "now!""#)
        .fetch_one(conn)
        .await
        .during("reconciliation: clock")
}

/// Tenants that pay for two at Stripe. Never ended by a program: which of them is meant is for a person.
pub async fn duplicates(conn: &mut Conn, run: Uuid) -> Result<Tally, Error> {
    let rows = sqlx::query!(
        r#"select t.tenant_id, array_agg(s.stripe_subscription_id order by s.stripe_subscription_id) as "ids!"
           from product.reconciliation_seen s join product.tenants t using (tenant_id)
           where s.run_id = $1 and s.is_live
           group by t.tenant_id having count(*) > 1"#,
        run
    )
    .fetch_all(&mut *conn)
    .await
    .during("reconciliation: duplicates")?;
    let mut tally = Tally::default();
    for row in rows {
        for id in &row.ids {
            let finding = Finding {
                run,
                kind: Kind::Duplicate,
                stripe_object: id,
                tenant: Some(row.tenant_id.into()),
                fixed: false,
                before: None,
                after: None,
            };
            note(conn, finding).await?;
        }
        tally.mismatches += 1;
    }
    Ok(tally)
}

/// A run ends: its report stays, what it met is forgotten.
pub async fn finish(
    conn: &mut Conn,
    run: Uuid,
    tally: Tally,
    suspicious: bool,
) -> Result<Report, Error> {
    let doing = "reconciliation: finish";
    let rows = sqlx::query!(
        r#"select kind, count(*) as "count!", count(*) filter (where outcome = 'reported') as "reported!"
           from product.reconciliation_findings where run_id = $1 group by kind"#,
        run
    )
    .fetch_all(&mut *conn)
    .await
    .during(doing)?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let report = Report {
        tally,
        reported: rows.iter().map(|row| count(row.reported)).sum(),
        kinds: rows.into_iter().map(|row| (row.kind, count(row.count))).collect(),
        suspicious,
    };
    let written = serde_json::to_value(&report).unwrap_or_default();
    sqlx::query!(
        "update product.reconciliation_runs set finished_at = trunkline.now(), report = $2 where run_id = $1",
        run,
        written,
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    sqlx::query!("delete from product.reconciliation_seen where run_id = $1", run)
        .execute(conn)
        .await
        .during(doing)?;
    Ok(report)
}

/// The newest run, with what is to be seen to.
pub async fn latest(conn: &mut Conn) -> Result<Option<Value>, Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'runId', r.run_id, 'startedAt', r.started_at, 'finishedAt', r.finished_at, 'report', r.report,
               'findings', (select coalesce(jsonb_agg(to_jsonb(f) - 'run_id'), '[]') from (
                   select * from product.reconciliation_findings f where f.run_id = r.run_id
                   order by f.outcome desc, f.kind, f.stripe_object limit $1) f)) as "run!"
           from product.reconciliation_runs r order by r.started_at desc limit 1"#,
        SHOWN_MAX
    )
    .fetch_optional(conn)
    .await
    .during("reconciliation: latest")
}
