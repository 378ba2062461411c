//! The log of webhooks: listed, counted, looked at, applied again.

use serde_json::{Value, json};

use crate::stage::{Guest, Stage, Webhook};

const OURS: &str = "+15550109999";

fn call(number: u32) -> String {
    format!("CA{number:032x}")
}

impl Stage {
    async fn webhooks(&self, query: &str) -> Value {
        let path = format!("/v1/admin/webhooks{query}");
        self.get(&path).as_operator().send().await.is(200)
    }
}

#[tokio::test]
async fn what_came_is_listed_newest_first_page_by_page() {
    let stage = Stage::open().await;
    for number in 0..5 {
        Webhook::call(&call(number), "ringing", OURS).post(&stage).await.is(204);
    }
    let message = "SM0123456789abcdef0123456789abcdef";
    Webhook::status(message, "delivered").post(&stage).await.is(204);
    Webhook::status(message, "delivered").post(&stage).await.is(204);
    let (mut query, mut seen) = ("?limit=2".to_owned(), Vec::new());
    loop {
        let page = stage.webhooks(&query).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen.len(), 6);
    let first = &seen[0];
    assert_eq!((&first["event"], &first["deliveries"]), (&json!("message_status"), &json!(2)));
    assert_eq!((&first["object"], &first["state"]), (&json!(message), &json!("ready")));
    let path = format!("?object={}", call(3));
    let of_one = stage.webhooks(&path).await;
    assert_eq!(of_one["items"].as_array().unwrap().len(), 1);
    assert_eq!(of_one["items"][0]["payload"]["from"], "sealed", "{of_one}");
    for nothing in ["?provider=stripe", "?state=failed"] {
        assert_eq!(stage.webhooks(nothing).await["items"], json!([]));
    }
    let path = format!("/v1/admin/webhooks/{}", first["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).as_operator().send().await.is(200), *first);
    let counts = stage.webhooks("/counts").await;
    let counted = json!([{ "provider": "twilio", "state": "ready", "events": 6, "deliveries": 7 }]);
    assert_eq!(counts["counts"], counted);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let stage = Stage::open().await;
    for query in ["?limit=0", "?limit=101", "?state=lost", "?cursor=x", "?page=2", "?object=%00"] {
        let path = format!("/v1/admin/webhooks{query}");
        stage.get(&path).as_operator().send().await.problem(422, "invalid_fields");
    }
    for id in ["x", "dHdpbGlvCng", "dHdpbGlvCgA"] {
        let path = format!("/v1/admin/webhooks/{id}");
        stage.get(&path).as_operator().send().await.problem(404, "not_found");
        let replay = format!("{path}/replay");
        stage.post(&replay).as_operator().send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_was_applied_is_applied_again_when_an_operator_says_so() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(3)).await;
    let query = format!("business_id={}", demo.tenant);
    Webhook::call(&call(1), "ringing", OURS).query(&query).post(&stage).await.is(204);
    let listed = stage.webhooks("").await;
    let path = format!("/v1/admin/webhooks/{}/replay", listed["items"][0]["id"].as_str().unwrap());
    let replay = async || {
        let reason = json!({ "reason": "the job had a bug" });
        stage.post(&path).as_operator().json(&reason).send().await
    };
    // Its job is still to run: twice at once is not what anybody means.
    replay().await.problem(409, "wrong_state");
    let first = listed["items"][0]["job"].as_str().unwrap();
    let cancel = format!("/v1/admin/jobs/{first}/cancel");
    stage.post(&cancel).as_operator().send().await.is(202);

    let answer = replay().await.is(202);
    let again = stage.webhooks("").await["items"][0].clone();
    assert_eq!((&again["job"], &again["deliveries"]), (&answer["job"], &json!(2)));
    assert_ne!(answer["job"], first);
    let job = stage.job(answer["job"].as_str().unwrap()).await;
    assert_eq!((&job["kind"], &job["args"]["sid"]), (&json!("call_status"), &json!(call(1))));
    assert_eq!(job["args"]["tenant"], demo.tenant);
    replay().await.problem(409, "wrong_state");
    let audited = "select from product.audit_log where action = 'webhook.replayed' and details ->> 'reason' is not null";
    assert_eq!(stage.db.number(audited).await, 1);
    let noted = "select from trunkline.audit where action = 'webhook.replayed'";
    assert_eq!(stage.db.number(noted).await, 1);
    // The webhook itself, coming late, is a repeat of what was replayed.
    Webhook::call(&call(1), "ringing", OURS).query(&query).post(&stage).await.is(204);
    assert_eq!(stage.webhooks("").await["items"][0]["deliveries"], 3);
}
