//! The records of who did what: chained after the fact, so that whoever changes one cannot hide it.

use std::time::Duration;

use domain::{
    audit::{self, Entry},
    scope,
};
use engine::{CancelMode, NewJob, Operator, Start, Tx};
use serde_json::{Value, json};
use sqlx::Executor;
use workflows::chain_audit::ChainAudit;

use crate::stage::{ADMIN_KEY, Props, Stage};

const TABLES: [&str; 4] =
    ["trunkline.audit", "product.audit_log", "trunkline.audit_links", "product.audit_links"];

async fn a_stage() -> Stage {
    Stage::with(Props { try_kinds: true, ..Props::default() }).await
}

/// A deed that stands in both records, not yet committed.
async fn a_deed(stage: &Stage) -> Tx {
    // Far from now: no worker is quicker than the one who cancels it.
    let job = NewJob::of_kind("noop", "try", json!({}));
    let job = job.start(Start::After(Duration::from_hours(1_000)));
    let id = job.id;
    stage.engine.enqueue(job).await.unwrap();
    let mut tx = stage.engine.begin().await.unwrap();
    tx.cancel(id, CancelMode::Undo, &Operator::new("operator:ada")).await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let (action, actor, details) = ("job.cancelled", "operator:ada", json!({ "job": id }));
    let entry = Entry { action, tenant: None, actor, phone: None, ip: None, details };
    audit::record(&mut tx, entry).await.unwrap();
    tx
}

/// Some of them, committed and chained.
async fn deeds(stage: &Stage, count: usize) {
    for _ in 0..count {
        a_deed(stage).await.commit().await.unwrap();
    }
    stage.run(ChainAudit {}).await;
}

async fn verify(stage: &Stage, query: &str) -> Value {
    let path = format!("/v1/admin/audit/verify?record={query}");
    let (status, found) = stage.get(&path, ADMIN_KEY).await;
    assert_eq!(status, 200, "{found}");
    found
}

async fn verify_whole(stage: &Stage, record: &str, rows: usize, waiting: usize) -> Value {
    let whole = verify(stage, record).await;
    let seen = (&whole["broken"], &whole["checked"], &whole["last"], &whole["waiting"]);
    assert_eq!(seen, (&Value::Null, &json!(rows), &json!(rows), &json!(waiting)), "{whole}");
    whole
}

/// What only a superuser can do, and not by accident.
async fn tamper(stage: &Stage, statement: &'static str) {
    let mut superuser = stage.db.superuser().await;
    superuser.execute("set session_replication_role = replica").await.unwrap();
    let done = superuser.execute(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
}

#[tokio::test]
async fn whoever_changes_a_record_is_found_out_at_the_first_place_that_they_changed() {
    let stage = a_stage().await;
    let _worker = stage.worker().await;
    deeds(&stage, 6).await;
    deeds(&stage, 2).await;
    verify_whole(&stage, "product", 8, 0).await;
    let whole = verify_whole(&stage, "engine", 8, 0).await;
    let noted = format!("engine&noted=8:{}", whole["hash"].as_str().unwrap());
    assert_eq!(verify(&stage, &noted).await["broken"], Value::Null);

    let expect = async |query: &str, link: Value, id: Value, what: &str| {
        let found = verify(&stage, query).await;
        assert_eq!(found["broken"], json!({ "link": link, "id": id, "what": what }), "{found}");
    };
    tamper(&stage, "delete from trunkline.audit where audit_id = 8").await;
    tamper(&stage, "delete from trunkline.audit_links where link = 8").await;
    verify_whole(&stage, "engine", 7, 0).await;
    expect(&noted, json!(8), Value::Null, "not_as_noted").await;
    tamper(&stage, "update trunkline.audit set reason = 'another' where audit_id = 6").await;
    expect("engine", json!(6), json!(6), "changed").await;
    tamper(
        &stage,
        "update trunkline.audit a set job_id = b.job_id from trunkline.audit b
         where (a.audit_id, b.audit_id) in ((4, 5), (5, 4))",
    )
    .await;
    expect("engine", json!(4), json!(4), "changed").await;
    tamper(&stage, "delete from trunkline.audit where audit_id = 3").await;
    expect("engine", json!(3), json!(3), "row_gone").await;
    tamper(&stage, "delete from trunkline.audit_links where link = 2").await;
    expect("engine", json!(2), Value::Null, "link_gone").await;

    stage.db.advance(Duration::from_hours(2)).await;
    deeds(&stage, 1).await;
    tamper(
        &stage,
        "insert into product.audit_log (audit_id, at, action, actor) overriding system value
         values (1000, trunkline.now() - interval '90 minutes', 'job.cancelled', 'operator:bob')",
    )
    .await;
    deeds(&stage, 1).await;
    expect("product", Value::Null, json!(1000), "inserted").await;
    tamper(&stage, "update product.audit_log set actor = 'operator:bob' where audit_id = 1").await;
    expect("product", json!(1), json!(1), "changed").await;
}

#[tokio::test]
async fn nobody_changes_a_record_whatever_their_role_allows_them() {
    let stage = a_stage().await;
    for table in TABLES {
        for change in [format!("delete from {table}"), format!("truncate {table}")] {
            let by_owner = sqlx::raw_sql(sqlx::AssertSqlSafe(change.clone()));
            let refused = by_owner.execute(stage.db.owner()).await.unwrap_err().to_string();
            assert!(refused.contains("only grows"), "{change}: {refused}");
            let mut tx = stage.engine.begin().await.unwrap();
            let by_us = sqlx::query(sqlx::AssertSqlSafe(change)).execute(&mut *tx).await;
            assert!(by_us.unwrap_err().to_string().contains("permission denied"), "{table}");
        }
    }
}

#[tokio::test]
async fn writers_and_chainers_do_not_wait_for_each_other_and_make_one_chain() {
    let stage = a_stage().await;
    let _workers = (stage.worker().await, stage.worker().await);
    let slow = a_deed(&stage).await;
    deeds(&stage, 3).await;
    // The slow one has the lowest number, and its place behind the others.
    slow.commit().await.unwrap();
    verify_whole(&stage, "product", 3, 0).await;
    for _ in 0..6 {
        stage.engine.enqueue(engine::Workflow::job(&ChainAudit {})).await.unwrap();
    }
    stage.comes_to_rest().await;
    for record in ["engine", "product"] {
        verify_whole(&stage, record, 4, 0).await;
    }
    a_deed(&stage).await.commit().await.unwrap();
    verify_whole(&stage, "engine", 4, 1).await;
    let late = "select from trunkline.audit_links where link = 4 and audit_id = 1";
    assert_eq!(stage.db.number(late).await, 1);
}
