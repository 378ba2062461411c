//! Orders about many jobs, at the front door. What they do is a workflow's: `tests/tests/flows/operations.rs`.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::Stage;

const NOBODY: &str = "/v1/admin/operations/019a0000-0000-7000-8000-000000000000";

async fn ask(stage: &Stage, path: &str, body: &Value) -> Answer {
    stage.post(path).as_operator().json(body).send().await
}

#[tokio::test]
async fn an_operation_is_written_down_once_with_its_job_and_nothing_is_done() {
    let stage = Stage::open().await;
    let body = json!({ "deed": "cancel", "state": "ready", "kind": "noop", "since": "1h", "reason": "a flood" });
    let job = stage.noop().await;
    let order = || stage.post("/v1/admin/operations").as_operator().header("idempotency-key", "k");
    let made = order().json(&body).send().await;
    let id = made.is(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/v1/admin/operations/{id}"));
    let again = order().json(&body).send().await;
    assert_eq!(
        (again.is(202)["id"].as_str(), again.header("idempotent-replayed")),
        (Some(&*id), "true")
    );

    let shown = stage.get(&format!("/v1/admin/operations/{id}")).as_operator().send().await.is(200);
    assert_eq!((&shown["state"], &shown["deed"]), (&json!("freezing"), &json!("cancel")));
    assert_eq!(shown["filter"]["kind"], "noop");
    assert!(shown["filter"]["since"].is_string(), "an instant by now: {shown}");
    assert_eq!(stage.job(&id).await["kind"], "operate_jobs");
    assert_eq!(stage.job(&job).await["state"], "ready");
    for record in ["product.audit_log", "trunkline.audit"] {
        let rows = format!("select from {record} where action = 'operation.made'");
        assert_eq!(stage.db.number(&rows).await, 1, "{record}");
    }
    let list = stage.get("/v1/admin/operations?state=freezing").as_operator().send().await.is(200);
    assert_eq!(list["items"][0]["id"], json!(id));
    let list = stage.get("/v1/admin/operations?state=done").as_operator().send().await.is(200);
    assert_eq!(list["items"], json!([]));

    let path = format!("/v1/admin/operations/{id}");
    let start = json!({ "expect": 1, "reason": "a flood" });
    ask(&stage, &format!("{path}/start"), &start).await.problem(409, "wrong_state");
    ask(&stage, &format!("{path}/undo"), &json!({})).await.problem(409, "wrong_state");
    ask(&stage, &format!("{path}/cancel"), &json!({})).await.is(202);
    ask(&stage, &format!("{path}/cancel"), &json!({})).await.problem(409, "wrong_state");
}

#[tokio::test]
async fn what_cannot_be_done_to_many_jobs_is_refused_and_so_is_what_is_not_there() {
    let stage = Stage::open().await;
    for body in [
        json!({ "deed": "retry" }),
        json!({ "deed": "retry", "state": "succeeded" }),
        json!({ "deed": "cancel", "state": "ready", "mode": "terminate" }),
        json!({ "deed": "retry", "state": "failed", "kind": "x".repeat(201) }),
        json!({ "deed": "retry", "state": "failed", "canary": -1 }),
        json!({ "deed": "retry", "state": "failed", "expect": 5 }),
    ] {
        ask(&stage, "/v1/admin/operations", &body).await.problem(422, "invalid_fields");
    }
    assert_eq!(stage.db.number("select from trunkline.operations").await, 0);
    let start = json!({ "expect": 1, "reason": "x" });
    ask(&stage, &format!("{NOBODY}/start"), &start).await.problem(404, "not_found");
    ask(&stage, &format!("{NOBODY}/cancel"), &json!({})).await.problem(404, "not_found");
    ask(&stage, &format!("{NOBODY}/undo"), &json!({})).await.problem(404, "not_found");
    for path in [NOBODY, "/v1/admin/operations/x"] {
        stage.get(path).as_operator().send().await.problem(404, "not_found");
    }
    for body in
        [json!({ "expect": 0, "reason": "x" }), json!({ "reason": "x" }), json!({ "expect": 1 })]
    {
        ask(&stage, &format!("{NOBODY}/start"), &body).await.problem(422, "invalid_fields");
    }
}
