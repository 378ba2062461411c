//! Keys of operators: shown once, good for what they are for, as long as they are, and not longer.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Ask};

use crate::stage::Stage;

impl Stage {
    async fn new_key(&self, body: &Value) -> String {
        let answer = self.post("/v1/admin/keys").as_operator().json(body).send().await;
        answer.is(201)["key"].as_str().unwrap().to_owned()
    }

    async fn key(&self, scopes: Value) -> String {
        self.new_key(&json!({ "name": "ada", "scopes": scopes })).await
    }

    fn with_key(&self, ask: Ask, key: &str) -> impl Future<Output = Answer> {
        ask.bearer(key).send()
    }

    async fn lists_jobs(&self, key: &str) -> Answer {
        self.with_key(self.get("/v1/admin/jobs"), key).await
    }
}

fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_what_its_scopes_are_for() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read", "jobs"])).await;
    stage.lists_jobs(&key).await.is(200);
    stage.get("/v1/admin/queues").header("x-admin-api-key", &key).send().await.is(200);
    let body = json!({ "kind": "noop" });
    stage.with_key(stage.post("/v1/admin/jobs").json(&body), &key).await.is(201);
    let pause = json!({ "reason": "r" });
    let refused = stage.with_key(stage.post("/v1/admin/queues/try/pause").json(&pause), &key).await;
    assert_eq!(refused.problem(403, "scope_required")["scope"], "queues");
    for (path, scope) in [("/v1/admin/keys", "keys"), ("/v1/admin/numbers/recover", "tenants")] {
        let refused = stage.with_key(stage.post(path).json(&json!({})), &key).await;
        assert_eq!(refused.problem(403, "scope_required")["scope"], scope);
    }
    stage.with_key(stage.get("/v1/admin/keys"), &key).await.problem(403, "scope_required");

    // Whoever did it stands in both records, by name and by the part of the key that may be shown.
    let actor = format!("operator:ada ({})", id_of(&key));
    let written = format!(
        "select from product.audit_log where action = 'job.enqueued' and actor = '{actor}'"
    );
    assert_eq!(stage.db.number(&written).await, 1);
    let job = stage.lists_jobs(&key).await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let cancel = stage.post(&format!("/v1/admin/jobs/{job}/cancel"));
    stage.with_key(cancel, &key).await.is(202);
    let record = stage.get(&format!("/v1/admin/audit/engine?job={job}")).as_operator().send().await;
    assert_eq!(record.is(200)["items"][0]["actor"], json!(actor));

    let listed = stage.get("/v1/admin/keys").as_operator().send().await;
    let secret = key.rsplit('_').next().unwrap();
    assert!(!listed.text.contains(secret) && listed.text.contains("\"works\":true"), "{listed:?}");
    let rows = "select string_agg(k::text, '') from product.api_keys k";
    assert!(!stage.db.text(rows).await.contains(secret), "only a hash is kept");
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over_or_somebody_revokes_it_at_every_instance() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "name": "ada", "scopes": ["read"], "expires_in_days": 1 });
    let short = stage.new_key(&body).await;
    let key = stage.key(json!(["read"])).await;
    let revoke = format!("/v1/admin/keys/{}/revoke", id_of(&key));
    other.post(&revoke).as_operator().json(&json!({ "reason": "lost" })).send().await.is(200);
    stage.lists_jobs(&key).await.problem(401, "admin_key_required");
    other.post(&revoke).as_operator().send().await.problem(404, "not_found");
    stage.lists_jobs(&short).await.is(200);
    stage.db.advance(Duration::from_secs(24 * 3600 + 1)).await;
    stage.lists_jobs(&short).await.problem(401, "admin_key_required");
    stage.get("/v1/admin/jobs").as_operator().send().await.is(200);
    other.stop().await;
}

#[tokio::test]
async fn a_key_is_rotated_and_the_old_one_works_for_a_while_beside_the_new_one() {
    let stage = Stage::open().await;
    let body = json!({ "name": "ada", "scopes": ["read"], "expires_in_days": 10 });
    let old = stage.new_key(&body).await;
    let path = format!("/v1/admin/keys/{}/rotate", id_of(&old));
    let rotate = || stage.post(&path).as_operator().json(&json!({ "grace_secs": 60 }));
    let rotated = rotate().header("idempotency-key", "k").send().await;
    let new = rotated.is(201)["key"].as_str().unwrap().to_owned();
    let again = rotate().header("idempotency-key", "k").send().await;
    assert_eq!(again.is(201), json!({ "id": id_of(&new), "key": null }), "it is told once");
    for key in [&old, &new] {
        stage.lists_jobs(key).await.is(200);
    }
    stage.db.advance(Duration::from_secs(61)).await;
    stage.lists_jobs(&old).await.problem(401, "admin_key_required");
    stage.lists_jobs(&new).await.is(200);
    rotate().send().await.problem(404, "not_found");
    stage.db.advance(Duration::from_hours(9 * 24)).await;
    stage.lists_jobs(&new).await.is(200);
}

#[tokio::test]
async fn nobody_hands_on_what_they_do_not_have() {
    let stage = Stage::open().await;
    let keeper = stage.key(json!(["keys", "read"])).await;
    let make = async |scopes: Value| {
        let body = json!({ "name": "eve", "scopes": scopes });
        stage.with_key(stage.post("/v1/admin/keys").json(&body), &keeper).await
    };
    make(json!(["read"])).await.is(201);
    make(json!(["read", "jobs"])).await.problem(403, "scope_required");
    let strong = stage.key(json!(["jobs"])).await;
    let rotate = stage.post(&format!("/v1/admin/keys/{}/rotate", id_of(&strong)));
    stage.with_key(rotate, &keeper).await.problem(403, "scope_required");
}

#[tokio::test]
async fn a_key_asks_so_often_in_a_minute_and_a_wrong_one_is_never_counted() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "name": "ada", "scopes": ["read"], "per_minute": 3 });
    let key = stage.new_key(&body).await;
    stage.lists_jobs(&key).await.is(200);
    for _ in 0..2 {
        other.get("/v1/admin/jobs").bearer(&key).send().await.is(200);
    }
    let refused = stage.lists_jobs(&key).await;
    refused.problem(429, "rate_limited");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&secs), "{secs}");
    stage.db.advance(Duration::from_secs(61)).await;
    stage.lists_jobs(&key).await.is(200);
    let last = if key.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{last}", &key[..key.len() - 1]);
    let foreign = "tlk_0123456789ab_".to_owned() + &"a".repeat(72);
    for wrong in [typo.as_str(), &foreign, &key[..40]] {
        stage.lists_jobs(wrong).await.problem(401, "admin_key_required");
    }
    other.stop().await;
}
