//! What is sent twice under one key is done once, whichever instance hears of it.

use std::time::Duration;

use api::{Guard, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, TestApi};

use crate::stage::{Guest, Rows, Stage};

async fn enqueue(api: &TestApi, key: &str, body: &Value) -> Answer {
    let ask = api.post("/v1/admin/jobs").as_operator().header("idempotency-key", key);
    ask.json(body).send().await
}

#[tokio::test]
async fn of_many_requests_under_one_key_at_two_instances_one_is_carried_out_and_all_hear_its_answer()
 {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "kind": "noop" });
    let asks = (0..12).map(|n| enqueue(if n % 2 == 0 { &stage.api } else { &other }, "k-1", &body));
    let answers = futures::future::join_all(asks).await;
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 1);
    let first = answers[0].is(201);
    for answer in &answers {
        assert_eq!(answer.is(201), first);
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    let replayed = answers.iter().filter(|it| it.header("idempotent-replayed") == "true").count();
    assert_eq!(replayed, 11);
    assert_eq!(
        stage.db.number("select from product.audit_log where action = 'job.enqueued'").await,
        1
    );
    let more = json!({ "kind": "noop", "priority": 1 });
    enqueue(&other, "k-1", &more).await.problem(422, "idempotency_key_reused");
    enqueue(&other, "k-2", &more).await.is(201);
    let path = format!("/v1/admin/jobs/{}/cancel", first["id"].as_str().unwrap());
    let cancel = stage.post(&path).as_operator().header("idempotency-key", "k-1");
    cancel.send().await.problem(422, "idempotency_key_reused");
    other.stop().await;
}

#[tokio::test]
async fn a_deed_is_not_done_again_though_it_could_be() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let ask = async |verb: &str, key: &str| {
        let ask = stage.post(&format!("/v1/admin/jobs/{id}/{verb}")).as_operator();
        ask.header("idempotency-key", key).send().await
    };
    ask("cancel", "a").await.is(202);
    ask("retry", "b").await.is(202);
    let again = ask("cancel", "a").await;
    assert_eq!((again.is(202), again.header("idempotent-replayed")), (json!({ "id": id }), "true"));
    assert_eq!(
        stage.job(&id).await["state"],
        "ready",
        "the first click was answered, not done again"
    );
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again_under_its_key_and_a_key_is_free_after_two_days() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let retry = async || {
        let ask = stage.post(&format!("/v1/admin/jobs/{id}/retry")).as_operator();
        ask.header("idempotency-key", "k").send().await
    };
    retry().await.problem(409, "wrong_state");
    stage.post(&format!("/v1/admin/jobs/{id}/cancel")).as_operator().send().await.is(202);
    retry().await.is(202);
    stage.db.advance(Duration::from_hours(49)).await;
    let noop = json!({ "kind": "noop" });
    let first = enqueue(&stage.api, "another", &noop).await.is(201);
    let kept = stage.db.number("select from product.kept_answers").await;
    assert_eq!(kept, 1, "old answers go");
    retry().await.problem(409, "wrong_state");
    stage.db.advance(Duration::from_hours(49)).await;
    // Its old answer is still kept: nothing else has come since then.
    let second = enqueue(&stage.api, "another", &noop).await.is(201);
    assert_ne!(first["id"], second["id"], "the key is free");
    for bad in ["", &"x".repeat(201)] {
        enqueue(&stage.api, bad, &json!({ "kind": "noop" })).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn whatever_operators_send_that_is_no_get_reads_its_key() {
    let stage = Stage::open().await;
    let orders = ROUTES.iter().filter(|it| it.guard == Guard::AdminKey && it.method != "GET");
    let too_long = "x".repeat(201);
    for route in orders {
        let nobody = "0190a0a0-0000-7000-8000-000000000001";
        let path = route.path.replace("{tenant}", nobody).replace("{id}", nobody);
        let path = path.replace("{name}", "try");
        let ask = stage.ask(&Method::from_bytes(route.method.as_bytes()).unwrap(), &path);
        let ask = ask.as_operator().header("idempotency-key", &too_long).json(&json!({}));
        let refused = ask.send().await.problem(400, "bad_request");
        let why = refused["detail"].as_str().unwrap();
        assert!(why.starts_with("Idempotency-Key must be"), "{path}: {why}");
    }
}

#[tokio::test]
async fn an_order_about_demos_tenants_money_numbers_calls_or_switches_is_carried_out_once() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let (waits, runs) = (stage.invited(Guest(1)).await, stage.active(Guest(2)).await);
    let number = async |condition: String| {
        let id = format!("select number_id::text from product.phone_pool where {condition}");
        stage.db.text(&id).await
    };
    let theirs = number(format!("tenant_id = '{}'", runs.tenant)).await;
    let free = number("status = 'available' order by phone limit 1".to_owned()).await;
    let demo = |it: &str| format!("/v1/admin/demo/{}/{it}", runs.tenant);
    let business = |it: &str| format!("/v1/admin/businesses/{}{it}", runs.tenant);
    let plan = json!({
        "plan": "starter", "daily_calls_max": 9, "talk_secs_max": 99, "stripe_price_id": "price_1",
    });
    let out_of_pool = format!("/v1/admin/numbers/{free}/maintenance");
    let orders = [
        ("/v1/admin/plans".to_owned(), plan),
        (format!("/v1/admin/demo/{}/code", waits.tenant), json!({})),
        (demo("convert"), json!({})),
        (demo("expire"), json!({})),
        (business("/subscription"), json!({ "plan": "starter" })),
        (business("/subscription/cancel"), json!({ "at": "now" })),
        (business("/subscription/change-plan"), json!({ "plan": "starter" })),
        (business("/voice"), json!({ "greeting": "Good day" })),
        ("/v1/admin/numbers".to_owned(), json!({ "phone": "+43720123456", "reason": "bought" })),
        (out_of_pool.clone(), json!({ "reason": "it crackles" })),
        (out_of_pool, json!({ "enabled": false })),
        (format!("/v1/admin/numbers/{theirs}/release"), json!({})),
        ("/v1/admin/numbers/recover".to_owned(), json!({ "demos": "expired", "reason": "x" })),
        ("/v1/admin/demo-tenants".to_owned(), json!({ "despite_production": true })),
        ("/api/admin/maintenance".to_owned(), json!({ "mode": "sms_bypass", "reason": "x" })),
        (business(""), json!({ "status": "SUSPENDED" })),
    ];
    for (number, (path, body)) in orders.iter().enumerate() {
        // One of them says how a tenant is to be, by another method.
        let method = if body["status"].is_null() { Method::POST } else { Method::PATCH };
        let order = async |api: &TestApi| {
            let ask = api.ask(&method, path).as_operator();
            ask.header("idempotency-key", &format!("k-{number}")).json(body).send().await
        };
        let first = order(&stage.api).await;
        assert!((200..300).contains(&first.status), "{first:?}");
        assert_eq!(first.header("idempotent-replayed"), "", "{path}");
        // What is counted of requests goes by the minute.
        let count = async || Rows::count(&stage.db).await.but_for("product.rate_limits");
        let written = count().await;
        let again = order(&other).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{path}");
        assert_eq!(again.is(first.status), first.json(), "{path}");
        assert_eq!(again.header("location"), first.header("location"), "{path}");
        assert_eq!(count().await, written, "{path} was carried out twice");
    }
    other.stop().await;
}

#[tokio::test]
async fn a_switch_that_was_turned_off_meanwhile_is_not_turned_on_by_a_repeat() {
    let stage = Stage::open().await;
    let order = async |key: &str, body: Value| {
        let ask = stage.post("/api/admin/maintenance").as_operator();
        ask.header("idempotency-key", key).json(&body).send().await.is(200)
    };
    let on = json!({ "mode": "demo_disabled", "reason": "the pool is being moved" });
    order("on", on.clone()).await;
    order("off", json!({ "mode": "normal" })).await;
    assert_eq!(order("on", on).await["mode"], "demo_disabled", "as it was answered then");
    let now = stage.get("/api/admin/maintenance").as_operator().send().await.is(200);
    assert_eq!(now["mode"], "normal");
}

#[tokio::test]
async fn a_phone_is_vouched_for_once_and_the_token_is_told_once() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let vouch = async || {
        let ask = stage.post(&format!("/v1/admin/demo/{}/verify", demo.tenant)).as_operator();
        ask.header("idempotency-key", "k").send().await
    };
    let token = vouch().await.is(202)["accessToken"].as_str().unwrap().to_owned();
    let again = vouch().await;
    assert_eq!(again.problem(409, "told_once")["id"], json!(demo.tenant));
    let kept = "select string_agg(t::text, '') from product.kept_answers t";
    assert!(!stage.db.text(kept).await.contains(&token), "it is kept");
}
