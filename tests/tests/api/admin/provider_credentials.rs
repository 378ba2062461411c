//! What providers know us by: set, exchanged and retired while everything runs, and told to nobody.

use std::time::Duration;

use clients::stripe::signature;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, TWILIO_TOKEN, TWILIO_TOKEN_BEFORE, TestApi, TestDb, holds, wait_until};

use crate::stage::{Rows, Stage, Webhook};

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const PATH: &str = "/v1/admin/provider-credentials";
const TWILIO: &str = "/v1/admin/provider-credentials/twilio_auth_token";
const NEW: &str = "canary-of-a-token-that-is-new-1";
const NEWER: &str = "canary-of-a-token-that-is-newer";

const GRACE: Duration = Duration::from_mins(10);

impl Stage {
    async fn told(&self, path: &str, body: Value) -> Answer {
        self.post(path).as_operator().json(&body).send().await
    }

    async fn set_token(&self, secret: &str) -> Value {
        let body = json!({ "secret": secret, "grace_secs": GRACE.as_secs(), "reason": "in turn" });
        self.told(TWILIO, body).await.is(201)
    }

    async fn listed(&self) -> Vec<Value> {
        let listed = self.get(PATH).as_operator().send().await;
        assert!(!listed.text.contains("canary"), "a list shows no secret: {}", listed.text);
        listed.is(200)["items"].as_array().unwrap().clone()
    }
}

async fn is_taken(api: &TestApi, token: &str) -> bool {
    let answer = Webhook::status(SID, "delivered").signed(token).post_to(api).await;
    assert!([204, 401].contains(&answer.status), "{answer:?}");
    answer.status == 204
}

async fn comes_to_be_taken(api: &TestApi, token: &str, wanted: bool) {
    let what = format!("a signature is {}", if wanted { "taken" } else { "refused" });
    wait_until(&what, async || holds(is_taken(api, token).await == wanted)).await;
}

/// What is kept anywhere, as text.
async fn kept(db: &TestDb) -> String {
    let mut kept = String::new();
    for table in ["product.provider_credentials", "product.kept_answers", "product.audit_log"] {
        let rows = format!("select coalesce(string_agg(t::text, ''), '') from {table} t");
        kept += &db.text(&rows).await;
    }
    kept
}

#[tokio::test]
async fn a_token_that_was_set_counts_at_every_instance_without_a_restart_beside_what_was_configured()
 {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    assert!(!is_taken(&stage.api, NEW).await && is_taken(&stage.api, TWILIO_TOKEN).await);
    let set = stage.set_token(NEW).await;
    assert_eq!((&set["credential"], &set["version"]), (&json!("twilio_auth_token"), &json!(1)));
    for api in [&stage.api, &other] {
        comes_to_be_taken(api, NEW, true).await;
        // The first one in the database takes the place of the environment's: that has its grace, too.
        assert!(is_taken(api, TWILIO_TOKEN).await && is_taken(api, TWILIO_TOKEN_BEFORE).await);
    }
    // A process that starts now has looked before it answers anybody.
    let late = stage.another_api().await;
    assert!(is_taken(&late, NEW).await && is_taken(&late, TWILIO_TOKEN).await);
    stage.db.advance(GRACE + Duration::from_secs(1)).await;
    for api in [&stage.api, &other] {
        comes_to_be_taken(api, TWILIO_TOKEN, false).await;
        assert!(is_taken(api, NEW).await && !is_taken(api, TWILIO_TOKEN_BEFORE).await);
    }
    late.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn signatures_by_the_old_and_by_the_new_one_are_taken_until_the_grace_is_over() {
    let stage = Stage::open().await;
    stage.set_token(NEW).await;
    comes_to_be_taken(&stage.api, NEW, true).await;
    stage.set_token(NEWER).await;
    comes_to_be_taken(&stage.api, NEWER, true).await;
    assert!(is_taken(&stage.api, NEW).await, "whoever signs with the old one is not lost");
    let listed = stage.listed().await;
    let told: Vec<_> = listed.iter().map(|it| (&it["version"], &it["newest"])).collect();
    assert_eq!(told, [(&json!(2), &json!(true)), (&json!(1), &json!(false))]);
    assert!(listed.iter().all(|it| it["counts"] == true && it["provider"] == "twilio"));
    assert_ne!(listed[0]["fingerprint"], listed[1]["fingerprint"]);
    stage.db.advance(GRACE + Duration::from_secs(1)).await;
    comes_to_be_taken(&stage.api, NEW, false).await;
    assert!(is_taken(&stage.api, NEWER).await);
    assert_eq!(stage.listed().await[1]["counts"], false);
    // With the next order what is over is forgotten, and stays in the list.
    stage.set_token("canary-of-a-token-that-is-next").await;
    let boxes = "select from product.provider_credentials where sealed is not null";
    assert_eq!(stage.db.number(boxes).await, 2);
    assert_eq!(stage.listed().await.len(), 3);
}

#[tokio::test]
async fn retired_it_ends_at_once_and_the_environment_counts_again() {
    let stage = Stage::open().await;
    let retire = async |body: Value| stage.told(&format!("{TWILIO}/retire"), body).await;
    retire(json!({ "reason": "r" })).await.problem(404, "not_found");
    stage.set_token(NEW).await;
    stage.set_token(NEWER).await;
    comes_to_be_taken(&stage.api, NEWER, true).await;
    // It was seen: what was replaced does not keep its grace.
    retire(json!({ "previous_only": true, "reason": "it was seen" })).await.is(200);
    comes_to_be_taken(&stage.api, NEW, false).await;
    assert!(is_taken(&stage.api, NEWER).await && !is_taken(&stage.api, TWILIO_TOKEN).await);
    retire(json!({ "reason": "back to the files" })).await.is(200);
    comes_to_be_taken(&stage.api, NEWER, false).await;
    assert!(is_taken(&stage.api, TWILIO_TOKEN).await);
    let listed = stage.listed().await;
    assert!(listed.iter().all(|it| it["counts"] == false && it["retired_by"].is_string()));
    let boxes = "select from product.provider_credentials where sealed is not null";
    assert_eq!(stage.db.number(boxes).await, 0, "what is over is not kept");
}

#[tokio::test]
async fn stripe_s_webhooks_are_taken_by_a_secret_that_was_set_though_none_was_configured() {
    let stage = Stage::open().await;
    let secret = "whsec_canary_of_the_tests";
    let body = json!({
        "id": "evt_1", "object": "event", "type": "customer.subscription.updated",
        "data": { "object": { "id": "sub_1", "object": "subscription" } },
    })
    .to_string();
    let hook = async || {
        let now = stage.begin().await.now().await.unwrap();
        let header = signature::sign(body.as_bytes(), now, &secret.into());
        let ask = stage.post("/webhooks/stripe").header("stripe-signature", &header);
        ask.body("application/json", &*body).send().await.status
    };
    assert_eq!(hook().await, 401);
    let path = format!("{PATH}/stripe_webhook_secret");
    let order = json!({ "secret": secret, "reason": "the first one" });
    stage.told(&path, order).await.is(201);
    wait_until("the event is taken", async || holds(hook().await == 204)).await;
}

#[tokio::test]
async fn only_who_keeps_keys_sees_or_changes_what_providers_know_us_by() {
    let stage = Stage::open().await;
    let before = stage.db.number("select from product.provider_credentials").await;
    let others = ["read", "jobs", "queues", "tenants", "billing", "switches"];
    let key = stage.key(json!(others)).await;
    let body = json!({ "secret": NEW, "reason": "r" });
    let retire = format!("{TWILIO}/retire");
    for (method, path) in
        [(Method::GET, PATH), (Method::POST, TWILIO), (Method::POST, retire.as_str())]
    {
        let ask = stage.ask(&method, path).bearer(&key);
        let ask = if method == Method::GET { ask } else { ask.json(&body) };
        assert_eq!(ask.send().await.problem(403, "scope_required")["scope"], "keys");
        let nobody = stage.ask(&method, path).send().await;
        nobody.problem(401, "admin_key_required");
    }
    assert_eq!(stage.db.number("select from product.provider_credentials").await, before);
    let keeper = stage.key(json!(["keys"])).await;
    stage.post(TWILIO).bearer(&keeper).json(&body).send().await.is(201);
    stage.get(PATH).bearer(&keeper).send().await.is(200);
}

#[tokio::test]
async fn an_order_says_why_is_carried_out_once_and_written_down_without_the_secret() {
    let stage = Stage::open().await;
    let without = json!({ "secret": NEW });
    stage.told(TWILIO, without).await.problem(422, "invalid_fields");
    let order = async || {
        let ask = stage.post(TWILIO).as_operator().header("idempotency-key", "k");
        ask.json(&json!({ "secret": NEW, "reason": "seen on a screen" })).send().await
    };
    let first = order().await;
    assert_eq!(order().await.is(201), first.is(201));
    assert_eq!(stage.db.number("select from product.provider_credentials").await, 1);
    // Another order for the same secret would end the grace of what was before.
    let again = json!({ "secret": NEW, "reason": "r" });
    stage.told(TWILIO, again).await.problem(409, "wrong_state");
    let audit = stage.get("/v1/admin/audit?action=provider_credential.set").as_operator();
    let audit = audit.send().await;
    let entry = &audit.is(200)["items"][0];
    assert_eq!(entry["details"]["reason"], "seen on a screen");
    assert_eq!(entry["details"]["fingerprint"], first.is(201)["fingerprint"]);
    let kept = kept(&stage.db).await;
    assert!(kept.contains("seen on a screen"), "it is looked at: {kept}");
    for text in [&kept, &audit.text, &first.text] {
        assert!(!text.contains(NEW), "{text}");
    }
    let plain = format!(
        "select from product.provider_credentials where position(convert_to('{NEW}', 'UTF8') in sealed) > 0"
    );
    assert_eq!(stage.db.number(&plain).await, 0, "what is sealed has no plain byte of it");
}

#[tokio::test]
async fn what_is_no_secret_of_its_provider_s_is_refused_and_not_said_back() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    let long = format!("canary{}", "x".repeat(500));
    for (name, secret) in [
        ("twilio_auth_token", "canary"),
        ("twilio_auth_token", "canary with blanks in it"),
        ("twilio_auth_token", &long),
        ("stripe_secret_key", "whsec_canary_0123456789"),
        ("stripe_webhook_secret", "sk_live_canary_0123456789"),
    ] {
        let body = json!({ "secret": secret, "reason": "r" });
        let answer = stage.told(&format!("{PATH}/{name}"), body).await;
        answer.problem(422, "invalid_fields");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    let elsewhere = json!({ "secret": NEW, "reason": "r" });
    let answer = stage.told(&format!("{PATH}/aws_secret"), elsewhere).await;
    answer.problem(404, "not_found");
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn of_several_who_exchange_one_at_once_each_finds_what_the_one_before_did_and_five_count() {
    let stage = Stage::open().await;
    let set = async |number: usize| {
        let body = json!({ "secret": format!("canary-of-token-number-{number}"), "reason": "r" });
        stage.told(TWILIO, body).await
    };
    let answers = futures::future::join_all((0..8).map(set)).await;
    let mut versions: Vec<_> = answers
        .iter()
        .filter(|it| it.status == 201)
        .map(|it| it.is(201)["version"].as_i64())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5].map(Some));
    for refused in answers.iter().filter(|it| it.status != 201) {
        refused.problem(409, "wrong_state");
    }
    let newest = "select from product.provider_credentials where expires_at is null";
    assert_eq!(stage.db.number(newest).await, 1);
}
