//! How much there is to do, in seconds: what autoscalers ask.

use std::time::Duration;

use engine::{Start, State, Workflow};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::holds;

use crate::toy::{Act, Rig, Script, operator};

/// What is estimated of the queue: ready, running, seconds.
async fn estimate(rig: &Rig) -> (i64, i64, f64) {
    let asked = sqlx::query_as(
        "select ready_jobs, running_jobs, work_seconds from trunkline.estimated_work() where queue = 'toys'",
    );
    asked.fetch_one(rig.db.owner()).await.unwrap()
}

/// So many attempts of the kind of scripts, which took so long together, and so long ago.
async fn took(rig: &Rig, attempts: i64, busy_ms: i64, ago: &str) {
    let insert = "
        insert into trunkline.paces (kind_id, slice_at, attempts, busy_ms)
        select kind_id, trunkline.now() - $3::interval, $1, $2 from trunkline.kinds where name = 'script'";
    let insert = sqlx::query(AssertSqlSafe(insert)).bind(attempts).bind(busy_ms);
    insert.bind(ago.to_owned()).execute(rig.db.owner()).await.unwrap();
}

fn about(seconds: f64, wanted: f64) {
    assert!((seconds - wanted).abs() < 0.001, "{seconds} seconds, not {wanted}");
}

#[tokio::test]
async fn what_is_ready_counts_by_how_long_its_kind_has_taken_lately() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    rig.play(Vec::new()).await;
    rig.play(Vec::new()).await;
    about(estimate(&rig).await.2, 2.0);
    took(&rig, 4, 12_000, "5 hours").await;
    about(estimate(&rig).await.2, 6.0);
    took(&rig, 10, 5_000, "6 minutes").await;
    assert_eq!(estimate(&rig).await.0, 2);
    about(estimate(&rig).await.2, 1.0);
    rig.db.advance(Duration::from_hours(25)).await;
    about(estimate(&rig).await.2, 2.0);
}

#[tokio::test]
async fn only_work_that_another_worker_could_do_is_counted() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    rig.play(Vec::new()).await;
    rig.play(Vec::new()).await;
    rig.play(Vec::new()).await;
    rig.enqueue(Script(Vec::new()).job().start(Start::After(Duration::from_hours(1)))).await;
    assert_eq!(estimate(&rig).await, (3, 0, 3.0));
    let mut tx = rig.engine.begin().await.unwrap();
    tx.limit_queue("toys", Some(2), &operator()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(estimate(&rig).await, (3, 0, 2.0));
    let mut tx = rig.engine.begin().await.unwrap();
    tx.pause_queue("toys", None, &operator().because("a migration")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(estimate(&rig).await, (0, 0, 0.0));
}

#[tokio::test]
async fn workers_write_down_how_long_jobs_held_their_places() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    for _ in 0..3 {
        let job = rig.play([Act::Step("one".to_owned())]).await;
        rig.becomes(job, State::Succeeded).await;
    }
    worker.drain(Duration::from_secs(20)).await;
    let paces = "select from trunkline.paces p join trunkline.kinds k using (kind_id)
                 where k.name = 'script' and p.attempts = 3 and p.busy_ms < 60000";
    assert!(holds(rig.db.number(paces).await == 1).is_some());
}

/// As the role of autoscalers.
async fn autoscaler(rig: &Rig) -> PgConnection {
    let mut connection = rig.db.superuser().await;
    sqlx::raw_sql("set role trunkline_metrics").execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn an_autoscaler_may_ask_this_question_and_no_other() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    rig.play(Vec::new()).await;
    let mut autoscaler = autoscaler(&rig).await;
    let manifest = include_str!("../../../ops/k8s/overlays/example/scaling.yml");
    let query = manifest.lines().find_map(|line| line.trim().strip_prefix("query: ")).unwrap();
    let asked: i64 = sqlx::query_scalar(query).fetch_one(&mut autoscaler).await.unwrap();
    assert_eq!(asked, 1, "a job of a kind that nobody has seen yet: a second");

    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('trunkline', 'product')",
    )
    .fetch_all(rig.db.owner())
    .await
    .unwrap();
    assert!(tables.len() > 50, "{} tables", tables.len());
    for statement in tables
        .iter()
        .map(|table| format!("select from {table}"))
        .chain(["insert into trunkline.ready default values".to_owned()])
        .chain(["select trunkline.partitions_make(now(), 1)".to_owned()])
        .chain(["select trunkline.runs_live_below(null)".to_owned()])
        .chain(["select * from trunkline.snapshot_holders()".to_owned()])
        .chain(["create table trunkline.mine ()".to_owned()])
    {
        let refused =
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut autoscaler).await;
        let error = refused.expect_err(&statement);
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    autoscaler.close().await.unwrap();
}
