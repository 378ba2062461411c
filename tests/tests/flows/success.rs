//! When nothing goes wrong.

use engine::State;
use serde_json::json;

use crate::{
    census::Census,
    stage::{Props, Stage},
};

#[tokio::test]
async fn a_sign_up_becomes_a_tenant_that_can_log_in() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let signup = stage.sign_up().await;
    assert_eq!(stage.status(&signup).await, "pending_verification");
    let token = stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::whole());
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 1);

    let path = format!("/api/demo/{}/access", signup.tenant);
    let (status, first) = stage.get(&path, &token).await;
    assert_eq!(status, 200, "{first}");
    let password = first["access"]["temporaryPassword"].as_str().unwrap_or_default();
    assert!(!password.is_empty(), "{first}");
    let login = json!({ "email": signup.email, "password": password });
    let (status, answer) = stage.post("/api/auth/login", &login).await;
    assert_eq!(status, 200, "{answer}");
    let (_, second) = stage.get(&path, &token).await;
    assert!(second["access"]["temporaryPassword"].is_null(), "it is told once");
    assert_eq!(Census::of(&stage.db, signup.tenant).await.passwords, 0);

    stage.comes_to_rest().await;
    drop(worker);
}

#[tokio::test]
async fn the_timeline_of_a_run_tells_every_step_in_order() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    let job = stage.run_becomes(&signup, State::Succeeded).await;
    let deeds: Vec<_> = job.effects.iter().map(|deed| deed.key.as_str()).collect();
    assert_eq!(
        deeds,
        [
            "open_signup",
            "open_tenant",
            "send_sms",
            "open_subscription",
            "create_bot",
            "allocate_number",
            "create_user"
        ]
    );
    assert!(job.effects.iter().all(|deed| deed.state == "done"), "{:#?}", job.effects);
    for step in ["open_tenant", "issue_code", "activate"] {
        assert!(job.steps.iter().any(|it| it.name == step), "{step} is missing");
    }
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn without_a_provider_an_operator_verifies() {
    let stage = Stage::with(Props { twilio: false, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    tests::wait_until("the message is skipped", async || {
        let skipped =
            stage.db.number("select from product.messages where status = 'skipped'").await;
        tests::holds(skipped == 1)
    })
    .await;
    let path = format!("/v1/admin/demo/{}/verify", signup.tenant);
    let (status, answer) = stage.post(&path, &json!({ "reason": "called back" })).await;
    assert_eq!(status, 202, "{answer}");
    stage.becomes(&signup, "active").await;
    let expected = Census { ..Census::whole() };
    assert_eq!(Census::of(&stage.db, signup.tenant).await, expected);
    let audited = "select from product.audit_log where action = 'demo.verified_by_operator'";
    assert_eq!(stage.db.number(audited).await, 1);
    assert_eq!(stage.phone.requests_total(), 0);
    stage.comes_to_rest().await;
}
