//! What operators do to demos, tenants and the pool. Nobody works here: what is ordered is a job.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{DEMO_OVER, Demo, Guest, Stage};

const SID: &str = "PN0123456789abcdef0123456789abcdef";

async fn order(stage: &Stage, demo: &Demo, verb: &str) -> Answer {
    let path = format!("/v1/admin/demo/{}/{verb}", demo.tenant);
    stage.post(&path).as_operator().json(&json!({ "reason": "they called" })).send().await
}

async fn set_status(stage: &Stage, demo: &Demo, status: &str) -> Answer {
    let path = format!("/v1/admin/businesses/{}", demo.tenant);
    stage
        .ask(&reqwest::Method::PATCH, &path)
        .as_operator()
        .json(&json!({ "status": status }))
        .send()
        .await
}

async fn audited(stage: &Stage, action: &str) -> i64 {
    let row = format!(
        "select from product.audit_log where action = '{action}' and actor = 'operator:admin-key' and ip_hash is not null"
    );
    stage.db.number(&row).await
}

async fn numbers(stage: &Stage, query: &str) -> Value {
    stage.get(&format!("/v1/admin/numbers{query}")).as_operator().send().await.is(200)
}

#[tokio::test]
async fn what_is_ordered_for_a_demo_is_one_job_however_often_it_is_ordered() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    for (verb, kind) in [("expire", "demo_expire"), ("convert", "demo_convert")] {
        let first = order(&stage, &demo, verb).await.is(202);
        let second = order(&stage, &demo, verb).await.is(202);
        assert_eq!(first, second);
        let id = first["id"].as_str().unwrap();
        assert_eq!(first["statusUrl"], format!("/v1/admin/jobs/{id}"));
        let job = stage.job(id).await;
        assert_eq!((&job["kind"], &job["tenant_id"]), (&json!(kind), &json!(demo.tenant)));
        assert_eq!(audited(&stage, &format!("demo.{verb}_ordered")).await, 2);
    }
}

#[tokio::test]
async fn what_does_not_fit_where_a_demo_stands_is_refused() {
    let stage = Stage::open().await;
    let (waits, runs) = (stage.invited(Guest(1)).await, stage.active(Guest(2)).await);
    for verb in ["expire", "convert", "restore"] {
        let refused = order(&stage, &waits, verb).await;
        assert_eq!(refused.problem(409, "wrong_state")["tenantStatus"], "demo_pending");
    }
    order(&stage, &runs, "restore").await.problem(409, "wrong_state");
    assert_eq!(
        order(&stage, &runs, "code").await.problem(409, "wrong_state")["demoStatus"],
        "active"
    );
    order(&stage, &waits, "code").await.is(202);
    for verb in ["expire", "convert", "restore", "code"] {
        let path = format!("/v1/admin/demo/{}/{verb}", uuid::Uuid::nil());
        stage.post(&path).as_operator().send().await.problem(404, "not_found");
    }
    let orders = "select from product.audit_log where action like 'demo.%_ordered'";
    assert_eq!(stage.db.number(orders).await, 1, "what was refused is not written down");
}

#[tokio::test]
async fn whoever_is_suspended_is_shut_out_of_everything_at_once_and_let_in_again() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.session(&demo).await;
    let body = set_status(&stage, &demo, "SUSPENDED").await.is(200);
    assert_eq!(body["status"], "suspended");
    for path in ["/api/me", "/api/tenant"] {
        stage.get(path).cookie(&cookie).send().await.problem(403, "tenant_closed");
    }
    let passwords =
        json!({ "currentPassword": Demo::PASSWORD, "newPassword": "my-own-Topfenknoedel-3" });
    let change = stage.post("/api/auth/change-password").cookie(&cookie).json(&passwords);
    change.send().await.problem(403, "tenant_closed");
    stage.login(&demo.guest.email(), Demo::PASSWORD).await.problem(403, "tenant_closed");
    let planned = "select from trunkline.jobs j join trunkline.kinds k using (kind_id)
        where k.name = 'cancel_tenant_jobs'";
    assert_eq!(stage.db.number(planned).await, 1);
    // Twice is once.
    set_status(&stage, &demo, "suspended").await.is(200);
    assert_eq!(stage.db.number(planned).await, 1);
    assert_eq!(audited(&stage, "tenant.suspended").await, 1);
    assert_eq!(set_status(&stage, &demo, "ACTIVE").await.is(200)["status"], "trial");
    stage.get("/api/me").cookie(&cookie).send().await.is(200);
    assert_eq!(set_status(&stage, &demo, "ACTIVE").await.is(200)["status"], "trial");
    assert_eq!(audited(&stage, "tenant.reactivated").await, 1);
    set_status(&stage, &demo, "OFFBOARDED").await.problem(422, "invalid_fields");
    let nobody = format!("/v1/admin/businesses/{}", uuid::Uuid::nil());
    let ask = stage.ask(&reqwest::Method::PATCH, &nobody).as_operator();
    ask.json(&json!({ "status": "SUSPENDED" })).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_demo_whose_time_is_over_stays_shut_when_a_suspension_ends() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    set_status(&stage, &demo, "SUSPENDED").await.is(200);
    stage.db.advance(DEMO_OVER).await;
    set_status(&stage, &demo, "ACTIVE").await.is(200);
    let refused = stage.login(&demo.guest.email(), Demo::PASSWORD).await;
    assert_eq!(refused.problem(403, "demo_expired")["title"], "Demo tenant has expired");
}

#[tokio::test]
async fn a_number_is_added_once_listed_taken_out_and_put_back() {
    let stage = Stage::open().await;
    let body = json!({ "phone": "+43720123456", "twilio_sid": SID });
    let add = async || stage.post("/v1/admin/numbers").as_operator().json(&body).send().await;
    let id = add().await.is(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(add().await.is(200)["id"], id);
    let other = json!({ "phone": "+43720123457", "twilio_sid": SID });
    let taken = stage.post("/v1/admin/numbers").as_operator().json(&other).send().await;
    taken.problem(409, "wrong_state");
    let shown = numbers(&stage, "").await;
    assert_eq!(shown["items"][0]["phone"], "+43720123456");
    assert_eq!(shown["items"][0]["twilio_sid"], SID);
    assert_eq!(shown["pool"]["available"], 1);
    let path = format!("/v1/admin/numbers/{id}/maintenance");
    let out = stage.post(&path).as_operator().json(&json!({ "reason": "crackles" })).send().await;
    out.is(200);
    let shown = numbers(&stage, "?status=maintenance").await;
    assert_eq!(shown["items"][0]["note"], "crackles");
    assert_eq!(numbers(&stage, "?status=available").await["items"], json!([]));
    stage.post(&path).as_operator().json(&json!({ "enabled": false })).send().await.is(200);
    assert_eq!(numbers(&stage, "").await["items"][0]["status"], "available");
    stage.post(&path).as_operator().json(&json!({})).send().await.problem(422, "invalid_fields");
    for action in ["number.added", "number.taken_out", "number.put_back"] {
        assert_eq!(audited(&stage, action).await, 1, "{action}");
    }
    for bad in
        [json!({ "phone": "0720123456" }), json!({ "phone": "+43720123456", "twilio_sid": "PN1" })]
    {
        let ask = stage.post("/v1/admin/numbers").as_operator().json(&bad);
        ask.send().await.problem(422, "invalid_fields");
    }
}

#[tokio::test]
async fn a_number_that_a_tenant_has_is_released_by_a_job_and_never_taken_out_under_it() {
    let stage = Stage::open().await;
    stage.active(Guest(1)).await;
    let shown = numbers(&stage, "?status=allocated").await;
    let id = shown["items"][0]["id"].as_str().unwrap().to_owned();
    let path = |verb: &str| format!("/v1/admin/numbers/{id}/{verb}");
    let reason = json!({ "reason": "crackles" });
    let out = stage.post(&path("maintenance")).as_operator().json(&reason).send().await;
    out.problem(409, "wrong_state");
    let job = stage.post(&path("release")).as_operator().json(&reason).send().await.is(202);
    assert_eq!(stage.job(job["id"].as_str().unwrap()).await["kind"], "release_number");
    let free = numbers(&stage, "?status=available&limit=1").await["items"][0]["id"].clone();
    let path = format!("/v1/admin/numbers/{}/release", free.as_str().unwrap());
    stage.post(&path).as_operator().send().await.problem(409, "wrong_state");
    let nothing = format!("/v1/admin/numbers/{}/release", uuid::Uuid::nil());
    stage.post(&nothing).as_operator().send().await.problem(404, "not_found");
}

#[tokio::test]
async fn the_pool_is_paged_through_without_a_gap() {
    let stage = Stage::open().await;
    stage.active(Guest(1)).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut query = "?limit=7".to_owned();
    loop {
        let page = numbers(&stage, &query).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().all(|item| seen.insert(item["id"].as_str().unwrap().to_owned())));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=7&cursor={cursor}");
    }
    assert_eq!(seen.len(), 20);
    let bad = stage.get("/v1/admin/numbers?cursor=x").as_operator().send().await;
    bad.problem(422, "invalid_fields");
}
