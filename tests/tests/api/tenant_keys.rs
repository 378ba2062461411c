//! Programs of tenants: what a key opens, for whom, how often, and who sees to it.

use std::{net::Ipv4Addr, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Ask, TestApi};

use crate::stage::{Demo, Guest, Stage};

const DAY: Duration = Duration::from_hours(24);

impl Stage {
    fn with_key(&self, method: &Method, path: &str, key: &str) -> Ask {
        self.ask(method, path).header("x-api-key", key)
    }

    async fn looks(&self, key: &str) -> Answer {
        self.with_key(&Method::GET, "/api/tenant", key).send().await
    }

    async fn writes(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.with_key(&Method::POST, path, key).json(body).send().await
    }

    async fn set_status(&self, demo: &Demo, status: &str) {
        let path = format!("/v1/admin/businesses/{}", demo.tenant);
        let ask = self.ask(&Method::PATCH, &path).as_operator();
        ask.json(&json!({ "status": status, "reason": "a try" })).send().await.is(200);
    }

    async fn makes_key(&self, cookie: &str, body: &Value) -> Answer {
        self.post("/api/keys").cookie(cookie).json(body).send().await
    }
}

fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

async fn stage_with_tenant() -> (Stage, Demo) {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    (stage, demo)
}

#[tokio::test]
async fn a_program_reads_and_writes_what_people_do_and_the_record_has_its_key_s_id() {
    let (stage, demo) = stage_with_tenant().await;
    let person = "+436607654321";
    let conversation = stage.conversation(&demo, person).await;
    let key = stage.tenant_key(&demo.tenant).await;
    assert_eq!(stage.looks(&key).await.is(200)["tenant"]["id"], json!(demo.tenant));
    let as_bearer = stage.get("/api/conversations").bearer(&key).send().await.is(200);
    assert_eq!(as_bearer["items"][0]["id"], json!(conversation));
    let about = format!("/api/conversations/{conversation}");
    let hers = json!({ "mode": "human" });
    assert_eq!(stage.writes(&key, &format!("{about}/mode"), &hers).await.is(200)["mode"], "human");
    let said = json!({ "body": "we open at nine" });
    stage.writes(&key, &format!("{about}/messages"), &said).await.is(202);
    let notice = json!({ "to": person, "body": "your cake is ready" });
    let sent = stage.writes(&key, "/api/messages", &notice).await.is(202);
    stage.writes(&key, "/api/messaging", &json!({ "smsEnabled": false })).await.is(200);
    stage.writes(&key, "/api/messaging", &json!({ "smsEnabled": false })).await.is(200);
    stage.writes(&key, "/api/voice", &json!({ "voiceMode": "off" })).await.is(200);
    let record = stage.get("/v1/admin/audit?limit=100").as_operator().send().await.is(200);
    let by_key = |action: &str| {
        let items = record["items"].as_array().unwrap().iter();
        let of: Vec<_> = items.filter(|it| it["action"] == action).collect();
        for it in &of {
            assert_eq!(it["actor"], json!(format!("tenant-key:{}", id_of(&key))), "{it}");
            assert_eq!(it["tenant"], json!(demo.tenant), "{it}");
        }
        of
    };
    for (action, times) in
        [("conversation.mode", 1), ("messaging.settings", 1), ("voice.settings", 1)]
    {
        assert_eq!(by_key(action).len(), times, "{action}");
    }
    let ordered = by_key("message.ordered");
    assert_eq!(ordered.len(), 2);
    assert!(ordered.iter().any(|it| it["details"]["message"] == sent["messageId"]), "{ordered:?}");
    let text = record.to_string();
    assert!(!text.contains(person) && !text.contains("nine") && !text.contains("cake"), "{text}");
}

#[tokio::test]
async fn a_text_that_is_ordered_again_under_one_idempotency_key_is_sent_once_though_the_program_has_a_new_key()
 {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.another_api().await;
    let (old, new) = (stage.tenant_key(&demo.tenant).await, stage.tenant_key(&demo.tenant).await);
    let notice = json!({ "to": "+436607654321", "body": "your cake is ready" });
    let order = async |at: &TestApi, key: &str, under: &str, body: &Value| {
        let ask = at.post("/api/messages").header("x-api-key", key);
        ask.header("idempotency-key", under).json(body).send().await
    };
    let nowhere = json!({ "to": "+436607654321", "body": "" });
    order(&other, &old, "k-1", &nowhere).await.problem(422, "invalid_fields");
    let orders = (0..8).map(|n| {
        let (at, key) = if n % 2 == 0 { (&stage.api, &old) } else { (&other, &new) };
        order(at, key, "k-1", &notice)
    });
    let answers = futures::future::join_all(orders).await;
    let first = answers[0].is(202);
    for answer in &answers {
        assert_eq!(answer.is(202), first);
    }
    let replayed = answers.iter().filter(|it| it.header("idempotent-replayed") == "true").count();
    assert_eq!(replayed, 7);
    let texts = "select from product.audit_log where action = 'message.ordered'";
    assert_eq!(stage.db.number(texts).await, 1);
    let sends = format!(
        "select from trunkline.jobs j join trunkline.kinds k using (kind_id)
         where k.name = 'send_sms' and j.tenant_id = '{}'",
        demo.tenant
    );
    assert_eq!(stage.db.number(&sends).await, 1);

    let more = json!({ "to": "+436607654321", "body": "and your bread" });
    order(&other, &new, "k-1", &more).await.problem(422, "idempotency_key_reused");
    let second = order(&other, &new, "k-2", &notice).await.is(202);
    assert_ne!(second["jobId"], first["jobId"]);
    let theirs = stage.active(Guest(2)).await;
    let theirs = stage.tenant_key(&theirs.tenant).await;
    let third = order(&stage.api, &theirs, "k-1", &notice).await;
    assert_eq!(third.header("idempotent-replayed"), "", "a key is the tenant's own");
    assert_ne!(third.is(202)["jobId"], first["jobId"]);
    assert_eq!(stage.db.number(texts).await, 3);
    other.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_sent_again_under_its_key_does_not_take_the_conversation_over_again() {
    let (stage, demo) = stage_with_tenant().await;
    let conversation = stage.conversation(&demo, "+436607654321").await;
    let key = stage.tenant_key(&demo.tenant).await;
    let about = format!("/api/conversations/{conversation}");
    let answer = async || {
        let path = format!("{about}/messages");
        let ask = stage.with_key(&Method::POST, &path, &key).header("idempotency-key", "a-1");
        ask.json(&json!({ "body": "we open at nine" })).send().await
    };
    let first = answer().await.is(202);
    let back = json!({ "mode": "ai" });
    stage.writes(&key, &format!("{about}/mode"), &back).await.is(200);
    let again = answer().await;
    assert_eq!((again.is(202), again.header("idempotent-replayed")), (first, "true"));
    let shown = stage.with_key(&Method::GET, &about, &key).send().await.is(200);
    assert_eq!(shown["mode"], "ai");
}

#[tokio::test]
async fn what_a_person_changes_is_in_the_record_under_their_own_id() {
    let (stage, demo) = stage_with_tenant().await;
    let cookie = stage.own_session(&demo).await;
    let notice = json!({ "to": "+436607654321", "body": "your cake is ready" });
    stage.post("/api/messages").cookie(&cookie).json(&notice).send().await.is(202);
    let me = stage.get("/api/me").cookie(&cookie).send().await.is(200);
    let record = stage.get("/v1/admin/audit?action=message.ordered").as_operator();
    let record = record.send().await.is(200);
    let user = format!("user:{}", me["user"]["id"].as_str().unwrap());
    assert_eq!(record["items"][0]["actor"], json!(user));
}

#[tokio::test]
async fn a_key_opens_its_own_tenant_and_no_other() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.active(Guest(2)).await;
    let theirs = stage.conversation(&other, "+436607654321").await;
    let key = stage.tenant_key(&demo.tenant).await;
    assert_eq!(
        stage.with_key(&Method::GET, "/api/conversations", &key).send().await.is(200)["items"],
        json!([])
    );
    let about = format!("/api/conversations/{theirs}");
    stage.with_key(&Method::GET, &about, &key).send().await.problem(404, "not_found");
    let said = json!({ "body": "it is me" });
    stage.writes(&key, &format!("{about}/messages"), &said).await.problem(404, "not_found");
    let ordered = "select from product.audit_log where action = 'message.ordered'";
    assert_eq!(stage.db.number(ordered).await, 0);
}

#[tokio::test]
async fn a_page_s_origin_is_asked_about_for_sessions_and_not_for_keys() {
    let (stage, demo) = stage_with_tenant().await;
    let cookie = stage.own_session(&demo).await;
    let key = stage.tenant_key(&demo.tenant).await;
    let set = || stage.post("/api/messaging").header("origin", "https://evil.example");
    let off = json!({ "smsEnabled": false });
    set().cookie(&cookie).json(&off).send().await.problem(403, "foreign_origin");
    set().header("x-api-key", &key).json(&off).send().await.is(200);
    // A page that has no key, but a browser's cookie beside it, gains nothing.
    let wrong = set().header("x-api-key", "x").cookie(&cookie).json(&off).send().await;
    wrong.problem(401, "tenant_context_required");
}

#[tokio::test]
async fn a_key_is_shut_out_with_its_tenant_and_let_in_with_it_again() {
    let (stage, demo) = stage_with_tenant().await;
    let key = stage.tenant_key(&demo.tenant).await;
    stage.set_status(&demo, "SUSPENDED").await;
    stage.looks(&key).await.problem(403, "tenant_closed");
    let off = json!({ "smsEnabled": false });
    stage.writes(&key, "/api/messaging", &off).await.problem(403, "tenant_closed");
    stage.set_status(&demo, "ACTIVE").await;
    stage.looks(&key).await.is(200);
    let other = stage.active(Guest(2)).await;
    let key = stage.tenant_key(&other.tenant).await;
    stage.db.advance(3 * DAY + Duration::from_secs(1)).await;
    stage.looks(&key).await.problem(403, "demo_expired");
    let mut tx = stage.begin().await;
    domain::tenants::delete_demo(&mut tx, other.id()).await.unwrap();
    tx.commit().await.unwrap();
    stage.looks(&key).await.problem(401, "tenant_context_required");
}

#[tokio::test]
async fn a_key_that_is_revoked_over_or_replaced_opens_nothing_at_any_instance() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.another_api().await;
    let order = async |what: String, body: Value| {
        let path = format!("/v1/admin/businesses/{}{what}", demo.tenant);
        other.post(&path).as_operator().json(&body).send().await
    };
    let key = stage.tenant_key(&demo.tenant).await;
    stage.looks(&key).await.is(200);
    let rotated = order(format!("/keys/{}/rotate", id_of(&key)), json!({ "grace_secs": 60 })).await;
    let new = rotated.is(201)["key"].as_str().unwrap().to_owned();
    for key in [&key, &new] {
        stage.looks(key).await.is(200);
    }
    stage.db.advance(Duration::from_secs(61)).await;
    stage.looks(&key).await.problem(401, "tenant_context_required");
    stage.looks(&new).await.is(200);
    let leaked = order("/rotate-key".to_owned(), json!({})).await;
    let newest = leaked.is(201)["key"].as_str().unwrap().to_owned();
    stage.looks(&new).await.problem(401, "tenant_context_required");
    stage.looks(&newest).await.is(200);
    order(format!("/keys/{}/revoke", id_of(&newest)), json!({})).await.is(200);
    stage.looks(&newest).await.problem(401, "tenant_context_required");
    let short = json!({ "name": "till", "expires_in_days": 1 });
    let short = order("/keys".to_owned(), short).await.is(201)["key"].as_str().unwrap().to_owned();
    stage.looks(&short).await.is(200);
    stage.db.advance(DAY).await;
    stage.looks(&short).await.problem(401, "tenant_context_required");
    other.stop().await;
}

#[tokio::test]
async fn a_key_asks_so_often_in_a_minute_over_all_instances_and_not_for_its_address() {
    let stage = Stage::with(&[("TRUNKLINE_REQUESTS_PER_MINUTE", "2")]).await;
    let demo = stage.active(Guest(1)).await;
    let other = stage.another_api().await;
    let path = format!("/v1/admin/businesses/{}/keys", demo.tenant);
    let body = json!({ "name": "till", "per_minute": 3 });
    let made = stage.post(&path).as_operator().json(&body).send().await;
    let key = made.is(201)["key"].as_str().unwrap().to_owned();
    let ip = Ipv4Addr::new(203, 0, 113, 9);
    let look = async |api: bool| {
        let ask = if api { other.get("/api/tenant") } else { stage.get("/api/tenant") };
        ask.from_ip(ip).header("x-api-key", &key).send().await
    };
    let first = look(false).await;
    first.is(200);
    assert_eq!(first.header("ratelimit-policy"), "\"per-key\";q=3;w=60");
    assert!(first.header("ratelimit").starts_with("\"per-key\";r=2;t="), "{first:?}");
    look(true).await.is(200);
    look(false).await.is(200);
    let refused = look(true).await;
    refused.problem(429, "rate_limited");
    // Somebody at the same address has their own.
    let person = stage.get("/api/tenant").from_ip(ip).send().await;
    person.problem(401, "tenant_context_required");
    assert!(person.header("ratelimit-policy").starts_with("\"per-ip\""), "{person:?}");
    stage.db.advance(Duration::from_mins(1)).await;
    look(false).await.is(200);
    other.stop().await;
}

#[tokio::test]
async fn twenty_wrong_keys_of_an_address_are_looked_at_and_a_right_one_is_let_in_after_any_number()
{
    let (stage, demo) = stage_with_tenant().await;
    let key = stage.tenant_key(&demo.tenant).await;
    let unknown = domain::tenant_keys::TenantKey::generate(&mut rand::rng());
    let swapped = key.replace(id_of(&key), unknown.id());
    let ip = Ipv4Addr::new(203, 0, 113, 8);
    let look =
        async |key: &str| stage.with_key(&Method::GET, "/api/tenant", key).from_ip(ip).send().await;
    for _ in 0..5 {
        for wrong in ["x", unknown.expose(), &swapped, &key[..40]] {
            let refused = look(wrong).await;
            refused.problem(401, "tenant_context_required");
            assert!(refused.header("ratelimit-policy").starts_with("\"wrong-keys\";q=20"));
        }
    }
    look(unknown.expose()).await.problem(429, "rate_limited");
    look(&key).await.is(200);
    // Operators' keys are counted apart.
    let operator = stage.get("/v1/admin/jobs").from_ip(ip).bearer("wrong").send().await;
    operator.problem(401, "admin_key_required");
}

#[tokio::test]
async fn people_see_to_their_own_tenant_s_keys_and_do_not_read_which_operator_made_one() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.active(Guest(2)).await;
    let cookie = stage.own_session(&demo).await;
    let theirs = stage.tenant_key(&other.tenant).await;
    let ours = stage.tenant_key(&demo.tenant).await;
    stage.db.advance(Duration::from_secs(1)).await;
    let made = stage
        .makes_key(&cookie, &json!({ "name": "till", "perMinute": 60, "expiresInDays": 9 }))
        .await;
    let key = made.is(201)["key"].as_str().unwrap().to_owned();
    stage.looks(&key).await.is(200);
    let listed = stage.get("/api/keys").cookie(&cookie).send().await;
    let items = listed.is(200)["items"].clone();
    let ids: Vec<_> = items.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [json!(id_of(&key)), json!(id_of(&ours))]);
    assert!(items[0]["madeBy"].as_str().unwrap().starts_with("user:"), "{items}");
    assert_eq!((&items[1]["madeBy"], &items[0]["perMinute"]), (&json!("operator"), &json!(60)));
    assert!(items[0]["lastUsedAt"].is_string() && items[0]["works"] == true, "{items}");
    assert!(!listed.text.contains(key.rsplit('_').next().unwrap()), "it is shown once");
    let revoke =
        async |id: &str| stage.post(&format!("/api/keys/{id}/revoke")).cookie(&cookie).send().await;
    revoke(id_of(&theirs)).await.problem(404, "not_found");
    revoke("nothing").await.problem(404, "not_found");
    revoke(id_of(&key)).await.is(200);
    revoke(id_of(&key)).await.problem(404, "not_found");
    stage.looks(&key).await.problem(401, "tenant_context_required");
    stage.looks(&theirs).await.is(200);
    let record = stage.get("/v1/admin/audit?limit=100").as_operator().send().await.is(200);
    for action in ["tenant_key.created", "tenant_key.revoked"] {
        let items = record["items"].as_array().unwrap().iter();
        let by_person = |it: &&Value| it["actor"].as_str().unwrap().starts_with("user:");
        let of: Vec<_> = items.filter(|it| it["action"] == action).filter(by_person).collect();
        assert_eq!(of.len(), 1, "{action}");
        assert_eq!(of[0]["details"]["key"], json!(id_of(&key)));
    }
}

#[tokio::test]
async fn a_person_whose_answer_was_lost_makes_no_second_key_and_hears_which_one_to_revoke() {
    let (stage, demo) = stage_with_tenant().await;
    let other = stage.another_api().await;
    let cookie = stage.own_session(&demo).await;
    let make = async |api: &TestApi, under: &str, name: &str| {
        let ask = api.post("/api/keys").cookie(&cookie).header("idempotency-key", under);
        ask.json(&json!({ "name": name })).send().await
    };
    let key = make(&stage.api, "k", "till").await.is(201)["key"].as_str().unwrap().to_owned();
    let again = make(&other, "k", "till").await;
    assert_eq!(again.problem(409, "told_once")["id"], json!(id_of(&key)));
    assert!(!again.text.contains(&key));
    make(&other, "k", "scales").await.problem(422, "idempotency_key_reused");
    let keys = "select from product.tenant_keys";
    assert_eq!(stage.db.number(keys).await, 1);
    assert_eq!(
        stage.db.number("select from product.kept_answers t where t::text like '%tlt_%'").await,
        0
    );
    make(&other, "k-2", "till").await.is(201);
    assert_eq!(stage.db.number(keys).await, 2);
    make(&stage.api, &"x".repeat(201), "till").await.problem(400, "bad_request");
    other.stop().await;
}

#[tokio::test]
async fn people_make_so_many_keys_at_once_and_in_a_day_and_none_that_asks_without_end() {
    let (stage, demo) = stage_with_tenant().await;
    let cookie = stage.own_session(&demo).await;
    let till = json!({ "name": "till" });
    for wrong in [json!({ "name": "till", "perMinute": 601 }), json!({ "name": "" }), json!({})] {
        stage.makes_key(&cookie, &wrong).await.problem(422, "invalid_fields");
    }
    for _ in 0..20 {
        stage.makes_key(&cookie, &till).await.is(201);
    }
    for _ in 0..20 {
        stage.makes_key(&cookie, &till).await.problem(409, "wrong_state");
    }
    stage.makes_key(&cookie, &till).await.problem(429, "rate_limited");
}
