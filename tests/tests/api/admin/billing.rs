//! What tenants pay for: checked, written down and enqueued. Nobody here speaks to Stripe.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Guest, Stage};

async fn a_plan(stage: &Stage) {
    let body = json!({
        "plan": "starter", "daily_calls_max": 100, "talk_secs_max": 36_000, "stripe_price_id": "price_starter",
    });
    stage.post("/v1/admin/plans").as_operator().json(&body).send().await.is(200);
}

/// A tenant with a demo.
async fn a_tenant(stage: &Stage) -> String {
    stage.active(Guest(1)).await.tenant
}

async fn post(stage: &Stage, tenant: &str, what: &str, body: Value) -> Answer {
    let path = format!("/v1/admin/businesses/{tenant}/subscription{what}");
    stage.post(&path).as_operator().json(&body).send().await
}

#[tokio::test]
async fn a_subscription_is_one_job_however_often_it_is_asked_for_and_audited_once() {
    let stage = Stage::open().await;
    a_plan(&stage).await;
    let tenant = a_tenant(&stage).await;
    let first =
        post(&stage, &tenant, "", json!({ "plan": "starter", "reason": "signed" })).await.is(202);
    let again = post(&stage, &tenant, "", json!({ "plan": "starter" })).await.is(202);
    assert_eq!((&first["isNew"], &again["isNew"]), (&json!(true), &json!(false)));
    assert_eq!(first["jobId"], again["jobId"]);
    let cancel = post(&stage, &tenant, "/cancel", json!({ "at": "now" })).await.is(202);
    assert_eq!(cancel["jobId"], first["jobId"], "one job about a tenant's money at a time");
    let job = stage.job(first["jobId"].as_str().unwrap()).await;
    assert_eq!((&job["kind"], &job["queue"]), (&json!("create_subscription"), &json!("billing")));
    assert_eq!(job["args"]["tenant"], json!(tenant));
    let audited = "select from product.audit_log where action like 'subscription.%'";
    assert_eq!(stage.db.number(audited).await, 1);
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn a_demo_is_converted_with_the_plan_that_it_buys_or_not_at_all() {
    let stage = Stage::open().await;
    a_plan(&stage).await;
    let tenant = a_tenant(&stage).await;
    let path = format!("/v1/admin/demo/{tenant}/convert");
    let convert = async |body: Value| stage.post(&path).as_operator().json(&body).send().await;
    for body in [
        json!({ "plan": "starter", "quantity": 0 }),
        json!({ "plan": "starter", "coupon": "x" }),
        json!({ "payment_method": "pm_card_visa" }),
    ] {
        convert(body).await.problem(422, "invalid_fields");
    }
    convert(json!({ "plan": "platinum" })).await.problem(422, "unknown_name");
    let wanted = json!({ "plan": "starter", "quantity": 2, "payment_method": "pm_card_visa" });
    let ordered = convert(wanted).await.is(202);
    let job = stage.job(ordered["id"].as_str().unwrap()).await;
    let buys = &job["args"]["subscription"];
    assert_eq!((&buys["plan"], &buys["quantity"]), (&json!("starter"), &json!(2)));
    assert_eq!(buys["tenant"], json!(tenant));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_nothing_is_enqueued() {
    let stage = Stage::open().await;
    a_plan(&stage).await;
    let tenant = a_tenant(&stage).await;
    let before = stage.db.number("select job_id from trunkline.jobs").await;
    for (what, body) in [
        ("", json!({})),
        ("", json!({ "plan": "Starter" })),
        ("", json!({ "plan": "starter", "quantity": 0 })),
        ("", json!({ "plan": "starter", "trial_days": 731 })),
        ("", json!({ "plan": "starter", "collection": "barter" })),
        ("", json!({ "plan": "starter", "payment_method": "card_1" })),
        ("", json!({ "plan": "starter", "coupon": "x" })),
        ("/cancel", json!({ "at": "soon" })),
        ("/change-plan", json!({ "plan": "starter", "proration": "later" })),
    ] {
        post(&stage, &tenant, what, body).await.problem(422, "invalid_fields");
    }
    post(&stage, &tenant, "", json!({ "plan": "platinum" })).await.problem(422, "unknown_name");
    post(&stage, &tenant, "", json!({ "plan": "demo" })).await.problem(422, "unknown_name");
    let nobody = "00000000-0000-7000-8000-000000000000";
    post(&stage, nobody, "/cancel", json!({ "at": "now" })).await.problem(404, "not_found");
    post(&stage, "x", "/cancel", json!({ "at": "now" })).await.problem(404, "not_found");
    assert_eq!(stage.db.number("select job_id from trunkline.jobs").await, before);
}

#[tokio::test]
async fn operators_see_how_a_tenant_stands_and_why_it_has_to_pay() {
    let stage = Stage::open().await;
    let tenant = a_tenant(&stage).await;
    let path = format!("/v1/admin/businesses/{tenant}/billing");
    let never = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!(never["billingRequiredBecause"], json!("no_subscription"));
    let demo = format!(
        "insert into product.subscriptions
             (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, ends_at)
         values (gen_random_uuid(), '{tenant}', 'demo', 50, 7200, trunkline.now() + interval '72 hours')"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(demo)).execute(&stage.db.every_row()).await.unwrap();
    let shown = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!((&shown["plan"], &shown["billingRequired"]), (&json!("demo"), &json!(false)));
    stage.db.advance(std::time::Duration::from_hours(73)).await;
    let shown = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!(shown["billingRequired"], json!(true));
    assert_eq!(shown["billingRequiredBecause"], json!("ended"));
    let nobody = "/v1/admin/businesses/00000000-0000-7000-8000-000000000000/billing";
    stage.get(nobody).as_operator().send().await.problem(404, "not_found");
}

#[tokio::test]
async fn the_report_of_the_last_reconciliation_is_there_when_there_was_one() {
    let stage = Stage::open().await;
    let path = "/v1/admin/billing/reconciliation";
    stage.get(path).as_operator().send().await.problem(404, "not_found");
    let run = "00000000-0000-7000-8000-000000000001";
    let rows = format!(
        "insert into product.reconciliation_runs (run_id, finished_at, report)
         values ('{run}', trunkline.now(), '{{\"reported\": 1}}');
         insert into product.reconciliation_findings (run_id, stripe_object, kind, outcome)
         values ('{run}', 'cus_1', 'orphan_customer', 'reported')"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&stage.db.every_row()).await.unwrap();
    let shown = stage.get(path).as_operator().send().await.is(200);
    assert_eq!(shown["report"]["reported"], json!(1));
    assert_eq!(shown["findings"][0]["kind"], json!("orphan_customer"));
}
