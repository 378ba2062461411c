//! Names under which operators look for things in the log, and what stands beside them.

use domain::tenants::{self, TenantStatus};
use serde_json::{Value, json};
use tests::Log;

use crate::stage::{CODE, Guest, Stage, Webhook};

const MESSAGE: &str = "SM0123456789abcdef0123456789abcdef";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const OURS: &str = "+15550100000";
const THEIRS: &str = "+436641234567";

/// Level and target of a line.
fn at(line: &Value) -> (&str, &str) {
    (line["level"].as_str().unwrap(), line["target"].as_str().unwrap())
}

fn ring(to: &str) -> Webhook {
    Webhook::call(CALL, "ringing", to).to("/telephony/incoming")
}

#[tokio::test]
async fn a_webhook_that_is_refused_is_logged_with_its_cause_and_its_path() {
    let (log, _listening) = Log::of_this_thread();
    let stage = Stage::open().await;
    let webhook = Webhook::status(MESSAGE, "delivered");
    webhook.clone().unsigned().post(&stage).await.problem(401, "bad_signature");
    let missing = log.event("twilio_signature_missing");
    assert_eq!(at(&missing), ("WARN", "twilio.webhook-auth"));
    assert_eq!(missing["path"], "/telephony/sms-status");
    assert_eq!(missing["class"], "WEBHOOK_VALIDATION_FAILED");

    webhook.tampered("MessageStatus", "failed").post(&stage).await.problem(401, "bad_signature");
    let invalid = log.event("twilio_signature_invalid");
    assert_eq!(at(&invalid), ("WARN", "twilio.webhook-auth"));
    assert_eq!(invalid["path"], "/telephony/sms-status");
    assert_eq!(invalid["class"], "WEBHOOK_VALIDATION_FAILED");
    assert!(log.events("WEBHOOK_VALIDATION_FAILED").is_empty(), "each is logged once");

    Webhook::status("SM1", "delivered").post(&stage).await.is(400);
    let malformed = log.event("WEBHOOK_VALIDATION_FAILED");
    assert_eq!(at(&malformed), ("WARN", "twilio.webhook-auth"));
    assert!(malformed["why"].as_str().unwrap().contains("MessageSid"), "{malformed}");

    let event = json!({ "id": "evt_1" }).to_string();
    let ask = stage.post("/webhooks/stripe").header("stripe-signature", "t=1,v1=00");
    ask.body("application/json", event).send().await.is(401);
    let lines = log.events("WEBHOOK_VALIDATION_FAILED");
    assert_eq!((lines.len(), lines[1]["target"].as_str()), (2, Some("api::webhooks::stripe")));
}

#[tokio::test]
async fn a_call_and_a_text_that_come_in_are_logged_without_the_person() {
    let (log, _listening) = Log::of_this_thread();
    let stage = Stage::open().await;
    assert_eq!(ring(OURS).post(&stage).await.status, 200);
    let call = log.event("twilio_voice_webhook");
    assert_eq!(at(&call), ("INFO", "twilio.voice"));
    assert_eq!((&call["call_sid"], &call["status"]), (&json!(CALL), &json!("ringing")));

    let text = Webhook::text(MESSAGE, THEIRS, OURS, "my left knee hurts");
    assert_eq!(text.post(&stage).await.status, 200);
    let text = log.event("twilio_sms_webhook");
    assert_eq!(at(&text), ("INFO", "twilio.sms"));
    assert_eq!(text["message_sid"], MESSAGE);
    for canary in [&THEIRS[1..], &OURS[1..], "left knee"] {
        assert!(!log.text().contains(canary), "{canary}: {}", log.text());
    }
}

#[tokio::test]
async fn a_call_and_a_text_to_a_suspended_tenant_are_logged_with_the_tenant() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let number = stage.number_of(&demo).await;
    let mut tx = stage.begin().await;
    tenants::move_to(&mut tx, demo.id(), TenantStatus::Suspended, "did not pay").await.unwrap();
    tx.commit().await.unwrap();
    let (log, _listening) = Log::of_this_thread();

    ring(&number).post(&stage).await.problem(403, "tenant_closed");
    let call = log.event("twilio_voice_business_suspended");
    assert_eq!(at(&call), ("WARN", "twilio.voice"));
    assert_eq!((&call["tenant_id"], &call["why"]), (&json!(demo.tenant), &json!("closed")));

    let text = Webhook::text(MESSAGE, THEIRS, &number, "Hello?");
    text.post(&stage).await.problem(403, "tenant_closed");
    let text = log.event("twilio_sms_business_suspended");
    assert_eq!(at(&text), ("WARN", "twilio.sms"));
    assert_eq!((&text["tenant_id"], &text["why"]), (&json!(demo.tenant), &json!("closed")));
}

#[tokio::test]
async fn a_demo_that_is_asked_for_and_a_phone_that_is_verified_are_logged_with_the_tenant() {
    let (log, _listening) = Log::of_this_thread();
    let stage = Stage::open().await;
    let demo = stage.sign_up(Guest(2)).await;
    let setup = log.event("[DemoSetup]");
    assert_eq!(setup["level"], "INFO");
    assert_eq!((&setup["tenant_id"], &setup["step"]), (&json!(demo.tenant), &json!("accepted")));
    assert!(setup["job.id"].is_string(), "{setup}");

    stage.issue_code(&demo).await;
    stage.verify(&demo, CODE).await.is(202);
    let verified = log.event("phone_verified");
    assert_eq!(verified["level"], "INFO");
    assert_eq!((&verified["tenant_id"], &verified["by"]), (&json!(demo.tenant), &json!("Code")));
    let digits = &Guest(2).phone()[4..];
    assert!(!log.text().contains(digits) && !log.text().contains(CODE), "{}", log.text());
}

#[tokio::test]
async fn a_tenant_that_an_operator_makes_is_logged() {
    let (log, _listening) = Log::of_this_thread();
    let stage = Stage::open().await;
    let order = stage.post("/v1/admin/businesses").as_operator().json(&json!({ "name": "Huber" }));
    let made = order.send().await.is(201);
    let created = log.event("tenant_created");
    assert_eq!(created["level"], "INFO");
    assert_eq!((&created["tenant_id"], &created["by"]), (&made["id"], &json!("operator")));
}
