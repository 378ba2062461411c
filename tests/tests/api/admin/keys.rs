//! Keys of operators: shown once, good for what they are for, as long as they are, and not longer.

use std::time::Duration;

use api::{Guard, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Ask};

use crate::stage::{Guest, Stage};

const DAY: Duration = Duration::from_hours(24);

impl Stage {
    pub(crate) async fn new_key(&self, body: &Value) -> String {
        let answer = self.post("/v1/admin/keys").as_operator().json(body).send().await;
        answer.is(201)["key"].as_str().unwrap().to_owned()
    }

    /// Ada's, for these scopes.
    pub(crate) async fn key(&self, scopes: Value) -> String {
        self.new_key(&json!({ "name": "ada", "scopes": scopes })).await
    }

    async fn lists_jobs(&self, key: &str) -> Answer {
        self.get("/v1/admin/jobs").bearer(key).send().await
    }

    async fn rotate(&self, key: &str) -> Answer {
        let path = format!("/v1/admin/keys/{}/rotate", id_of(key));
        self.post(&path).as_operator().json(&json!({ "grace_secs": 60 })).send().await
    }

    /// What is kept anywhere of operators' orders, as text.
    async fn kept(&self) -> String {
        let mut kept = String::new();
        for table in ["product.api_keys", "product.kept_answers", "product.audit_log"] {
            let rows = format!("select coalesce(string_agg(t::text, ''), '') from {table} t");
            kept += &self.db.text(&rows).await;
        }
        kept
    }
}

fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

/// What of a key nobody but its holder has.
fn secret_of(key: &str) -> &str {
    key.rsplit('_').next().unwrap()
}

#[tokio::test]
async fn a_key_is_shown_once_and_whoever_repeats_the_order_hears_which_one_it_was() {
    let stage = Stage::open().await;
    let make = async || {
        let ask = stage.post("/v1/admin/keys").as_operator().header("idempotency-key", "k");
        ask.json(&json!({ "name": "ada", "role": "operator", "reason": "on call" })).send().await
    };
    let key = make().await.is(201)["key"].as_str().unwrap().to_owned();
    let again = make().await;
    assert_eq!(again.problem(409, "told_once")["id"], json!(id_of(&key)));
    assert_eq!(stage.db.number("select from product.api_keys").await, 1);
    stage.lists_jobs(&key).await.is(200);
    let listed = stage.get("/v1/admin/keys").as_operator().send().await;
    let shown = &listed.is(200)["items"][0];
    assert_eq!((&shown["id"], &shown["role"]), (&json!(id_of(&key)), &json!("operator")));
    assert_eq!(shown["scopes"], json!(["read", "jobs", "queues", "switches"]));
    assert!(shown["works"] == true && shown["last_used_at"].is_string(), "{shown}");
    let kept = stage.kept().await;
    assert!(kept.contains(&id_of(&key)) && kept.contains("on call"), "it is looked at: {kept}");
    for text in [kept, listed.text, again.text] {
        assert!(!text.contains(secret_of(&key)) && !text.contains(&key), "only a hash is kept");
    }
}

#[tokio::test]
async fn every_route_of_operators_opens_to_its_scope_and_to_no_other() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let scopes = ["read", "jobs", "queues", "tenants", "billing", "switches", "keys"];
    let mut keys = Vec::new();
    for scope in scopes {
        let body = json!({ "name": scope, "scopes": [scope], "per_minute": 6000 });
        keys.push((scope, stage.new_key(&body).await));
    }
    let nobody = uuid::Uuid::nil().to_string();
    for route in ROUTES.iter().filter(|route| route.guard == Guard::AdminKey) {
        let needed = route.scope.unwrap().as_str();
        let path = route.path.replace("{tenant}", &demo.tenant).replace("{name}", "nowhere");
        let path = path.replace("{id}", &nobody);
        assert!(!path.contains('{'), "{path} has a parameter that is not known here");
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        for (scope, key) in &keys {
            // A field that nobody knows: what opens does nothing all the same.
            let ask = stage.ask(&method, &path).bearer(key);
            let ask = if method == Method::GET { ask } else { ask.json(&json!({ "x": 1 })) };
            // A system in which nobody works is not well, and one route says so.
            let answer = ask.send_unchecked().await;
            if *scope == needed {
                assert!(!matches!(answer.status, 401 | 403), "{scope} {answer:?}");
            } else {
                assert_eq!(answer.problem(403, "scope_required")["scope"], needed, "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn both_records_and_what_is_set_say_whose_key_it_was() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read", "jobs", "queues", "switches", "tenants"])).await;
    let actor = format!("operator:ada ({})", id_of(&key));
    let job = stage.post("/v1/admin/jobs").bearer(&key).json(&json!({ "kind": "noop" }));
    let job = job.send().await.is(201)["id"].as_str().unwrap().to_owned();
    stage.post(&format!("/v1/admin/jobs/{job}/cancel")).bearer(&key).send().await.is(202);
    let engine = stage.get(&format!("/v1/admin/audit/engine?job={job}")).bearer(&key).send().await;
    assert_eq!(engine.is(200)["items"][0]["actor"], json!(actor));
    let mode = json!({ "mode": "sms_bypass", "reason": "the carrier is down" });
    stage.post("/api/admin/maintenance").bearer(&key).json(&mode).send().await.is(200);
    let number = json!({ "phone": "+436601234567" });
    stage.post("/v1/admin/numbers").bearer(&key).json(&number).send().await.is(201);
    let recorded = stage.get("/v1/admin/audit").bearer(&key).send().await.is(200);
    let by = |action: &str| {
        let items = recorded["items"].as_array().unwrap().iter();
        items.filter(|it| it["action"] == action).map(|it| it["actor"].clone()).collect::<Vec<_>>()
    };
    for action in ["job.enqueued", "job.cancelled", "maintenance.set", "number.added"] {
        assert_eq!(by(action), [json!(actor)], "{action}");
    }
    assert_eq!(by("key.created"), ["operator:admin-key"]);
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over_or_somebody_revokes_it_at_every_instance() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "name": "ada", "role": "viewer", "expires_in_days": 1 });
    let short = stage.new_key(&body).await;
    let key = stage.key(json!(["read"])).await;
    stage.lists_jobs(&key).await.is(200);
    let revoke = format!("/v1/admin/keys/{}/revoke", id_of(&key));
    other.post(&revoke).as_operator().json(&json!({ "reason": "lost" })).send().await.is(200);
    stage.lists_jobs(&key).await.problem(401, "admin_key_required");
    other.post(&revoke).as_operator().send().await.problem(404, "not_found");
    stage.rotate(&key).await.problem(404, "not_found");
    stage.lists_jobs(&short).await.is(200);
    stage.db.advance(DAY + Duration::from_secs(1)).await;
    stage.lists_jobs(&short).await.problem(401, "admin_key_required");
    stage.get("/v1/admin/jobs").as_operator().send().await.is(200);
    let listed = stage.get("/v1/admin/keys").as_operator().send().await.is(200);
    let works: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| &it["works"]).collect();
    assert_eq!(works, [&json!(false); 2]);
    assert_eq!(listed["items"][0]["revoked_by"], "operator:admin-key");
    other.stop().await;
}

#[tokio::test]
async fn a_rotated_key_works_for_a_while_beside_its_successor_and_never_are_there_three() {
    let stage = Stage::open().await;
    let body = json!({ "name": "ada", "role": "viewer", "expires_in_days": 10 });
    let old = stage.new_key(&body).await;
    let (one, two) = tokio::join!(stage.rotate(&old), stage.rotate(&old));
    let won = if one.status == 201 { &one } else { &two };
    let new = won.is(201)["key"].as_str().unwrap().to_owned();
    let lost = if one.status == 201 { &two } else { &one };
    lost.problem(409, "wrong_state");
    for key in [&old, &new] {
        stage.lists_jobs(key).await.is(200);
        stage.rotate(key).await.problem(409, "wrong_state");
    }
    stage.db.advance(Duration::from_secs(61)).await;
    stage.lists_jobs(&old).await.problem(401, "admin_key_required");
    stage.lists_jobs(&new).await.is(200);
    stage.rotate(&old).await.problem(404, "not_found");
    // The new one lasts as long as the old one was made for.
    stage.db.advance(9 * DAY).await;
    stage.lists_jobs(&new).await.is(200);
    stage.rotate(&new).await.is(201);
    stage.db.advance(DAY).await;
    stage.lists_jobs(&new).await.problem(401, "admin_key_required");
}

#[tokio::test]
async fn nobody_hands_on_what_they_do_not_have() {
    let stage = Stage::open().await;
    let keeper = stage.key(json!(["keys", "read"])).await;
    let make =
        async |body: Value| stage.post("/v1/admin/keys").bearer(&keeper).json(&body).send().await;
    make(json!({ "name": "eve", "scopes": ["read"] })).await.is(201);
    let more = make(json!({ "name": "eve", "scopes": ["read", "jobs"] })).await;
    assert_eq!(more.problem(403, "scope_required")["scope"], "jobs");
    make(json!({ "name": "eve", "role": "admin" })).await.problem(403, "scope_required");
    let strong = stage.key(json!(["jobs"])).await;
    let rotate = stage.post(&format!("/v1/admin/keys/{}/rotate", id_of(&strong)));
    rotate.bearer(&keeper).send().await.problem(403, "scope_required");
    assert_eq!(stage.db.number("select from product.api_keys").await, 3);
}

#[tokio::test]
async fn a_key_asks_so_often_in_a_minute_over_all_instances_and_is_told_how_often_yet() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "name": "ada", "scopes": ["read"], "per_minute": 3 });
    let key = stage.new_key(&body).await;
    let first = stage.lists_jobs(&key).await;
    first.is(200);
    assert_eq!(first.header("ratelimit-policy"), "\"per-key\";q=3;w=60");
    assert!(first.header("ratelimit").starts_with("\"per-key\";r=2;t="), "{first:?}");
    // What it is not for counts, too.
    other.post("/v1/admin/jobs").bearer(&key).send().await.problem(403, "scope_required");
    other.get("/v1/admin/jobs").bearer(&key).send().await.is(200);
    let refused = stage.lists_jobs(&key).await;
    refused.problem(429, "rate_limited");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&secs), "{secs}");
    assert_eq!(refused.header("ratelimit"), format!("\"per-key\";r=0;t={secs}"));
    let another = stage.key(json!(["read"])).await;
    stage.lists_jobs(&another).await.is(200);
    stage.db.advance(Duration::from_secs(secs)).await;
    stage.lists_jobs(&key).await.is(200);
    let root = stage.get("/v1/admin/jobs").as_operator().send().await;
    assert_eq!(root.header("ratelimit"), "", "the configured key is not counted");
    other.stop().await;
}

#[tokio::test]
async fn a_key_that_is_mistyped_or_was_never_made_opens_nothing() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read"])).await;
    let with = |ask: Ask, key: &str| ask.header("x-admin-api-key", key).send();
    with(stage.get("/v1/admin/jobs"), &key).await.is(200);
    let last = if key.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{last}", &key[..key.len() - 1]);
    // Whole and well-formed, but with another secret; and with another's id.
    let stolen = domain::api_keys::ApiKey::generate(&mut rand::rng());
    let swapped = key.replace(&id_of(&key), stolen.id());
    for wrong in [typo.as_str(), &key[..40], stolen.expose(), &swapped, &format!("{key}0")] {
        with(stage.get("/v1/admin/jobs"), wrong).await.problem(401, "admin_key_required");
    }
}
