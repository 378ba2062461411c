//! Retry, cancel and vouch. Whatever is done is written down with who did it; what is not done is not.

use serde_json::json;
use tests::Answer;

use crate::stage::{CODE, Guest, Stage};

async fn steer(stage: &Stage, id: &str, verb: &str) -> Answer {
    let body = json!({ "reason": "the customer asked" });
    let path = format!("/v1/admin/jobs/{id}/{verb}");
    stage.post(&path).as_operator().json(&body).send().await
}

/// How often something was done by an operator, with a reason and the job.
async fn audited(stage: &Stage, action: &str) -> i64 {
    let entries = format!(
        "select from product.audit_log where action = '{action}' and actor = 'operator:admin-key'
         and details ->> 'reason' = 'the customer asked' and details ? 'job' and ip_hash is not null"
    );
    stage.db.number(&entries).await
}

#[tokio::test]
async fn a_job_that_has_not_begun_is_cancelled_at_once_and_for_good() {
    let stage = Stage::open().await;
    let later = json!({ "kind": "noop", "run_at": "2099-01-01T00:00:00Z" });
    for id in [stage.noop().await, stage.new_job(&later).await] {
        assert_eq!(steer(&stage, &id, "cancel").await.is(202), json!({ "id": id }));
        let job = stage.job(&id).await;
        assert_eq!(job["state"], "cancelled");
        assert!(job["finished_at"].is_string(), "{job}");
        steer(&stage, &id, "cancel").await.problem(409, "wrong_state");
    }
    assert_eq!(audited(&stage, "job.cancelled").await, 2, "what was refused is not written down");
}

#[tokio::test]
async fn a_key_is_free_once_its_job_is_cancelled() {
    let stage = Stage::open().await;
    let body = json!({ "kind": "noop", "unique_key": "k" });
    let id = stage.new_job(&body).await;
    steer(&stage, &id, "cancel").await.is(202);
    let answer = stage.post("/v1/admin/jobs").as_operator().json(&body).send().await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

#[tokio::test]
async fn a_job_that_was_cancelled_can_be_tried_again() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    steer(&stage, &id, "retry").await.problem(409, "wrong_state");
    steer(&stage, &id, "cancel").await.is(202);
    assert_eq!(steer(&stage, &id, "retry").await.is(202), json!({ "id": id }));
    assert_eq!(stage.job(&id).await["state"], "ready");
    let body = steer(&stage, &id, "retry").await.problem(409, "wrong_state");
    assert_eq!(body["state"], "ready");
    assert_eq!(audited(&stage, "job.retried").await, 1);
    assert_eq!(audited(&stage, "job.cancelled").await, 1);
}

#[tokio::test]
async fn a_reason_is_optional_and_not_a_book() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let path = format!("/v1/admin/jobs/{id}/cancel");
    for reason in [json!(""), json!("x".repeat(501)), json!(7)] {
        let ask = stage.post(&path).as_operator().json(&json!({ "reason": reason }));
        ask.send().await.problem(422, "invalid_fields");
    }
    assert_eq!(stage.job(&id).await["state"], "ready");
    stage.post(&path).as_operator().send().await.is(202);
}

#[tokio::test]
async fn of_ten_that_cancel_at_once_one_does() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let answers = futures::future::join_all((0..10).map(|_| steer(&stage, &id, "cancel"))).await;
    let done = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(done, 1, "{answers:?}");
    assert_eq!(audited(&stage, "job.cancelled").await, 1);
}

#[tokio::test]
async fn an_operator_s_word_verifies_a_phone_and_gives_the_token() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let path = format!("/v1/admin/demo/{}/verify", demo.tenant);
    let vouch =
        || stage.post(&path).as_operator().json(&json!({ "reason": "the customer asked" })).send();
    let body = vouch().await.is(202);
    assert_eq!(stage.status_of(&demo).await, "provisioning");
    let token = body["accessToken"].as_str().unwrap();
    let access = stage.get(&demo.access_path()).bearer(token).send().await;
    access.problem(409, "demo_not_ready");
    assert_eq!(audited(&stage, "demo.verified_by_operator").await, 1);
    let signal = "select from trunkline.signals where payload = '{\"by\":\"operator\"}'";
    assert_eq!(stage.db.number(signal).await, 1);
    let again = vouch().await.problem(409, "wrong_state");
    assert_eq!(again["demoStatus"], "provisioning");
    stage.verify(&demo, CODE).await.problem(400, "code_used");
    assert_eq!(stage.db.number("select from trunkline.signals").await, 1);
}

#[tokio::test]
async fn a_sign_up_without_a_code_can_be_vouched_for_too() {
    let stage = Stage::open().await;
    let demo = stage.sign_up(Guest(1)).await;
    let path = format!("/v1/admin/demo/{}/verify", demo.tenant);
    stage.post(&path).as_operator().send().await.is(202);
    assert_eq!(stage.status_of(&demo).await, "provisioning");
}

#[tokio::test]
async fn a_job_is_cancelled_in_the_way_that_was_asked_for() {
    let stage = Stage::open().await;
    for mode in ["graceful", "undo", "terminate"] {
        let id = stage.noop().await;
        let path = format!("/v1/admin/jobs/{id}/cancel");
        stage.post(&path).as_operator().json(&json!({ "mode": mode })).send().await.is(202);
        assert_eq!(stage.job(&id).await["state"], "cancelled");
    }
    let id = stage.noop().await;
    let path = format!("/v1/admin/jobs/{id}/cancel");
    for mode in [json!("kill"), json!(1), json!("")] {
        let ask = stage.post(&path).as_operator().json(&json!({ "mode": mode }));
        ask.send().await.problem(422, "invalid_fields");
    }
    assert_eq!(stage.job(&id).await["state"], "ready");
}

#[tokio::test]
async fn a_job_that_is_over_is_redriven_where_it_stopped_or_as_a_new_one() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    steer(&stage, &id, "redrive").await.problem(409, "wrong_state");
    steer(&stage, &id, "cancel").await.is(202);
    let body = steer(&stage, &id, "redrive").await.is(202);
    assert_eq!((&body["id"], stage.job(&id).await["state"].as_str()), (&json!(id), Some("ready")));
    steer(&stage, &id, "cancel").await.is(202);
    let path = format!("/v1/admin/jobs/{id}/redrive");
    let ask = |from: serde_json::Value| {
        stage
            .post(&path)
            .as_operator()
            .json(&json!({ "from": from, "reason": "the customer asked" }))
    };
    let new = ask(json!("start")).send().await.is(202)["id"].as_str().unwrap().to_owned();
    assert_ne!(new, id);
    let job = stage.job(&new).await;
    assert_eq!((&job["origin_id"], &job["origin"]), (&json!(id), &json!("redrive")));
    assert_eq!(stage.job(&id).await["state"], "cancelled", "the old one stays as it is");
    ask(json!({ "step": "none" })).send().await.problem(422, "invalid_fields");
    ask(json!("middle")).send().await.problem(422, "invalid_fields");
    let nobody = "/v1/admin/jobs/019a0000-0000-7000-8000-000000000000/redrive";
    stage.post(nobody).as_operator().send().await.problem(404, "not_found");
    assert_eq!(audited(&stage, "job.redriven").await, 2);
}
