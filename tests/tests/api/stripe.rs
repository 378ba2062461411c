//! What Stripe posts: the raw body, any signature, two secrets, five minutes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clients::stripe::signature;
use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Rows, Stage};

const SECRET: &str = "whsec_of_the_tests_now";
const BEFORE: &str = "whsec_of_the_tests_before";
const PATHS: [&str; 2] = ["/webhooks/stripe", "/api/webhooks/stripe"];

fn event(id: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": "customer.subscription.updated", "created": 1, "livemode": false,
        "data": { "object": { "id": "sub_1", "object": "subscription", "customer": "cus_geheim" } },
    })
}

impl Stage {
    async fn with_stripe() -> Stage {
        let secrets =
            [("STRIPE_WEBHOOK_SECRET", SECRET), ("STRIPE_WEBHOOK_SECRET_PREVIOUS", BEFORE)];
        Stage::with(&secrets).await
    }

    async fn clock_of_the_database(&self) -> DateTime<Utc> {
        self.begin().await.now().await.unwrap()
    }

    async fn hook(&self, path: &str, body: &str, header: &str) -> Answer {
        let ask = self.post(path).header("stripe-signature", header);
        ask.body("application/json; charset=utf-8", body).send().await
    }

    async fn signed(&self, body: &str, secret: &str) -> String {
        signature::sign(body.as_bytes(), self.clock_of_the_database().await, &secret.into())
    }
}

#[tokio::test]
async fn an_event_is_kept_once_with_its_job_and_as_a_hint_only() {
    let stage = Stage::with_stripe().await;
    let body = event("evt_1").to_string();
    for path in PATHS {
        let header = stage.signed(&body, SECRET).await;
        stage.hook(path, &body, &header).await.is(204);
    }
    let listed = stage.get("/v1/admin/webhooks").as_operator().send().await.is(200);
    let kept = &listed["items"][0];
    assert_eq!((&kept["provider"], &kept["deliveries"]), (&json!("stripe"), &json!(2)));
    assert_eq!((&kept["key"], &kept["object"]), (&json!("evt_1"), &json!("sub_1")));
    assert!(!listed.to_string().contains("cus_geheim"), "the object itself is asked for");
    let job = stage.get(&format!("/v1/admin/jobs/{}", kept["job"].as_str().unwrap()));
    let job = job.as_operator().send().await.is(200);
    assert_eq!(job["kind"], "apply_stripe_event");
    assert_eq!((&job["args"]["event"], &job["args"]["object"]), (&json!("evt_1"), &json!("sub_1")));
}

#[tokio::test]
async fn both_secrets_count_and_any_signature_of_several() {
    let stage = Stage::with_stripe().await;
    let (one, two) = (event("evt_1").to_string(), event("evt_2").to_string());
    let before = stage.signed(&one, BEFORE).await;
    stage.hook(PATHS[0], &one, &before).await.is(204);
    let good = stage.signed(&two, SECRET).await;
    let (time, fits) = good.split_once(",v1=").unwrap();
    let several = format!("{time},v1={},v0=x,v1={fits}", "0".repeat(64));
    stage.hook(PATHS[0], &two, &several).await.is(204);
}

#[tokio::test]
async fn what_stripe_did_not_sign_just_now_is_refused() {
    let stage = Stage::with_stripe().await;
    let rows = Rows::count(&stage.db).await;
    let body = event("evt_1").to_string();
    let good = stage.signed(&body, SECRET).await;
    for header in ["", "t=1", "garbage", &good.replace("v1=", "v0="), &good.replace(',', ", ")] {
        stage.hook(PATHS[0], &body, header).await.problem(401, "bad_signature");
    }
    stage.hook(PATHS[0], &format!("{body} "), &good).await.problem(401, "bad_signature");
    let another = stage.signed(&body, "whsec_of_somebody_else").await;
    stage.hook(PATHS[0], &body, &another).await.problem(401, "bad_signature");
    stage
        .post(PATHS[0])
        .body("application/json", body.clone())
        .send()
        .await
        .problem(401, "bad_signature");
    stage.db.advance(Duration::from_secs(302)).await;
    stage.hook(PATHS[0], &body, &good).await.problem(401, "bad_signature");
    assert_eq!(Rows::count(&stage.db).await, rows);
    let unset = Stage::open().await;
    let header = unset.signed(&body, "").await;
    unset.hook(PATHS[0], &body, &header).await.problem(401, "bad_signature");
}

#[tokio::test]
async fn what_is_signed_and_is_no_event_is_malformed() {
    let stage = Stage::with_stripe().await;
    let rows = Rows::count(&stage.db).await;
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"id":"evt_1"}"#,
        &event("sub_1").to_string(),
        &event("evt_1'; drop").to_string(),
        &event(&format!("evt_{}", "1".repeat(300))).to_string(),
        &event("evt_1").to_string().replace("\"event\"", "\"v2.core.event\""),
    ] {
        let header = stage.signed(body, SECRET).await;
        stage.hook(PATHS[0], body, &header).await.problem(400, "malformed_webhook");
    }
    assert_eq!(Rows::count(&stage.db).await, rows);
}
