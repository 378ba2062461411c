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

#[tokio::test]
async fn an_hour_that_stripe_was_not_told_of_is_listed_and_settled_by_a_person_once() {
    let stage = Stage::open().await;
    let tenant = a_tenant(&stage).await;
    let hours = format!(
        "insert into product.usage_events (tenant_id, hour, kind, quantity, telling_quantity, telling_since, left_why, left_for)
         values ('{tenant}', '2026-11-01T10:00Z', 'messages_out', 12, 10, trunkline.now(), 'doubtful', 'texts cus_1'),
                ('{tenant}', '2026-11-01T11:00Z', 'talk_secs', 60, null, null, 'refused', 'talk cus_1'),
                ('{tenant}', '2026-11-01T12:00Z', 'talk_secs', 60, null, null, null, null)"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(hours)).execute(&stage.db.every_row()).await.unwrap();
    let list = "/v1/admin/billing/usage-left";
    let first = stage.get(&format!("{list}?limit=1")).as_operator().send().await.is(200);
    let doubtful = &first["items"][0];
    assert_eq!((&doubtful["why"], &doubtful["telling"]), (&json!("doubtful"), &json!(10)));
    assert_eq!((&doubtful["meter"], &doubtful["customer"]), (&json!("texts"), &json!("cus_1")));
    let next = first["next_cursor"].as_str().unwrap();
    let rest = stage.get(&format!("{list}?cursor={next}")).as_operator().send().await.is(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1, "what may yet be told is not left");
    assert_eq!((&rest["items"][0]["why"], &rest["next_cursor"]), (&json!("refused"), &Value::Null));

    let path = format!("/v1/admin/businesses/{tenant}/usage/settle");
    let settle = async |body: Value| stage.post(&path).as_operator().json(&body).send().await;
    let order = |hour: &str, kind: &str, found: &str| json!({ "hour": hour, "kind": kind, "found": found, "reason": "looked" });
    settle(order("2026-11-01T10:30:00Z", "messages_out", "counted"))
        .await
        .problem(422, "invalid_fields");
    settle(order("2026-11-01T10:00:00Z", "calls", "counted")).await.problem(422, "invalid_fields");
    settle(order("2026-11-01T10:00:00Z", "messages_out", "lost"))
        .await
        .problem(422, "invalid_fields");
    settle(order("2026-11-01T12:00:00Z", "talk_secs", "counted")).await.problem(409, "wrong_state");
    let counted = order("2026-11-01T10:00:00Z", "messages_out", "counted");
    assert_eq!(settle(counted.clone()).await.is(200)["found"], json!("counted"));
    settle(counted).await.problem(409, "wrong_state");
    settle(order("2026-11-01T11:00:00Z", "talk_secs", "not_counted")).await.is(200);
    let told = "select from product.usage_events
                where (kind = 'messages_out' and reported_quantity = 10 or kind = 'talk_secs' and reported_quantity = 0)
                  and left_why is null and left_for is null and telling_quantity is null";
    assert_eq!(stage.db.number(told).await, 3);
    let audited = "select from product.audit_log where action = 'usage.settled' and details ->> 'reason' = 'looked'";
    assert_eq!(stage.db.number(audited).await, 2);
    assert_eq!(stage.get(list).as_operator().send().await.is(200)["items"], json!([]));
    stage.db.may_leave_jobs();
}
