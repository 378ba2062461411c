//! What providers post: verified, kept once, answered.

use futures::future::join_all;
use serde_json::json;
use tests::{TWILIO_ACCOUNT, TWILIO_TOKEN, TWILIO_TOKEN_BEFORE};

use crate::stage::{Rows, Stage, Webhook};

const SID: &str = "SM0123456789abcdef0123456789abcdef";

async fn kept(stage: &Stage) -> (i64, i64) {
    let inbox = stage.db.number("select from trunkline.inbox").await;
    (inbox, stage.db.number("select from trunkline.jobs").await)
}

#[tokio::test]
async fn a_signed_webhook_is_kept_with_its_job_and_without_the_person() {
    let stage = Stage::open().await;
    let message = "0190a0a0-0000-7000-8000-000000000001";
    let webhook = Webhook::status(SID, "delivered").query(&format!("sm={message}"));
    let answer = webhook.post(&stage).await;
    answer.is(204);
    assert_eq!(kept(&stage).await, (1, 1));
    let jobs = stage.get("/v1/admin/jobs?kind=sms_status").as_operator().send().await.is(200);
    let path = format!("/v1/admin/jobs/{}", jobs["items"][0]["id"].as_str().unwrap());
    let job = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!((&job["args"]["sid"], &job["args"]["status"]), (&json!(SID), &json!("delivered")));
    assert_eq!(job["args"]["message"], message);
    let person = "select from trunkline.inbox where payload::text like '%664%'";
    assert_eq!(stage.db.number(person).await, 0);
}

#[tokio::test]
async fn without_a_right_signature_nothing_is_read_or_written() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    let right = Webhook::status(SID, "delivered");
    for webhook in [
        right.clone().unsigned(),
        right.clone().forged(""),
        right.clone().forged("bm90IGEgc2lnbmF0dXJl"),
        right.clone().forged("\u{ff}"),
        right.clone().forged(&"A".repeat(10_000)),
        right.clone().signed("another-token-than-ours"),
        right.clone().tampered("MessageStatus", "failed"),
        right.clone().tampered("MessageSid", "SM0123456789abcdef0123456789abcdee"),
    ] {
        webhook.post(&stage).await.problem(401, "bad_signature");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn a_signature_holds_for_its_own_address_only() {
    let stage = Stage::open().await;
    let moved = "sm=0190a0a0-0000-7000-8000-000000000001";
    let signed = Webhook::status(SID, "delivered");
    let body = format!("AccountSid={TWILIO_ACCOUNT}&MessageSid={SID}&MessageStatus=delivered");
    let answer = stage
        .post(&format!("/telephony/sms-status?{moved}"))
        .header("x-twilio-signature", signed.signature())
        .body("application/x-www-form-urlencoded", body)
        .send();
    answer.await.problem(401, "bad_signature");
    assert_eq!(kept(&stage).await, (0, 0));
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_changes_nothing() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let webhook = Webhook::status(SID, "sent");
    let first = webhook.post(&stage).await;
    let again = webhook.post_to(&other).await;
    assert_eq!((first.status, first.text), (204, String::new()));
    assert_eq!((again.status, again.text), (204, String::new()));
    assert_eq!(kept(&stage).await, (1, 1));
    let deliveries = "select from trunkline.inbox where deliveries = 2";
    assert_eq!(stage.db.number(deliveries).await, 1);
    Webhook::status(SID, "delivered").post(&stage).await.is(204);
    assert_eq!(kept(&stage).await, (2, 2), "the next status is another event");
}

#[tokio::test]
async fn of_many_at_once_one_makes_a_job() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let webhook = Webhook::status(SID, "delivered");
    let posted =
        (0..12).map(|number| webhook.post_to(if number % 2 == 0 { &stage.api } else { &other }));
    for answer in join_all(posted).await {
        answer.is(204);
    }
    assert_eq!(kept(&stage).await, (1, 1));
}

#[tokio::test]
async fn while_the_token_is_rotated_both_count() {
    let stage = Stage::open().await;
    for (token, status) in [(TWILIO_TOKEN, "sent"), (TWILIO_TOKEN_BEFORE, "delivered")] {
        Webhook::status(SID, status).signed(token).post(&stage).await.is(204);
    }
    assert_eq!(kept(&stage).await, (2, 2));
}

#[tokio::test]
async fn without_any_token_every_webhook_is_refused() {
    let unset =
        [("TWILIO_ACCOUNT_SID", ""), ("TWILIO_AUTH_TOKEN", ""), ("TWILIO_AUTH_TOKEN_PREVIOUS", "")];
    let stage = Stage::with(&unset).await;
    let webhook = Webhook::status(SID, "delivered");
    for webhook in [webhook.clone(), webhook.signed(""), Webhook::with(&[]).signed("")] {
        webhook.post(&stage).await.problem(401, "bad_signature");
    }
}

#[tokio::test]
async fn repeated_names_and_any_letters_are_signed_and_read() {
    let stage = Stage::open().await;
    let webhook = Webhook::status(SID, "delivered")
        .and("Note", "größe & maß=ß+%2B")
        .and("Note", "日本語 🎷")
        .and("Note", "größe & maß=ß+%2B")
        .and("Empty", "")
        .and("messageSid", "another case")
        .and("Body", "a\r\nb\u{202e}");
    webhook.post(&stage).await.is(204);
    webhook.tampered("Empty", "no more").post(&stage).await.problem(401, "bad_signature");
    assert_eq!(kept(&stage).await, (1, 1));
}

#[tokio::test]
async fn what_is_signed_and_is_no_status_is_malformed() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    let right = Webhook::status(SID, "delivered");
    for webhook in [
        Webhook::with(&[]),
        Webhook::with(&[("AccountSid", TWILIO_ACCOUNT), ("MessageSid", SID)]),
        Webhook::with(&[("MessageStatus", "delivered"), ("MessageSid", SID)]),
        Webhook::status("", "delivered"),
        Webhook::status("SM1", "delivered"),
        Webhook::status("CA0123456789abcdef0123456789abcdef", "delivered"),
        Webhook::status("'; drop table trunkline.jobs; --", "delivered"),
        Webhook::status(SID, "teleported"),
        Webhook::status(SID, "DELIVERED"),
        right.clone().and("ErrorCode", "many"),
        right.clone().and("ErrorCode", "4294967295"),
        right.clone().and("ErrorCode", "-1"),
        right.clone().and("Note", "nul\0"),
        right.clone().query("sm=mine"),
        right.query("sm="),
    ] {
        webhook.post(&stage).await.problem(400, "malformed_webhook");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused_even_if_it_is_signed() {
    let stage = Stage::open().await;
    let signed = |body: &str, query: &str| {
        let signature = Webhook::with(&[]).query(query).signature().to_owned();
        let path = format!("/telephony/sms-status?{query}");
        let ask = stage.post(&path).header("x-twilio-signature", &signature);
        ask.body("application/json", body).send()
    };
    // The hash of `{}`, as Twilio puts it into the address of a JSON webhook.
    let hash = "bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    signed("{}", hash).await.problem(400, "malformed_webhook");
    signed("{\"a\":1}", hash).await.problem(401, "bad_signature");
    signed("{}", "x=1").await.problem(401, "bad_signature");
    assert_eq!(kept(&stage).await, (0, 0));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read_to_its_end() {
    let stage = Stage::open().await;
    let large = |bytes: usize| Webhook::status(SID, "delivered").and("Body", &"x".repeat(bytes));
    large(60 * 1024).post(&stage).await.is(204);
    large(64 * 1024).post(&stage).await.problem(413, "too_large");
    large(64 * 1024).unsigned().post(&stage).await.problem(401, "bad_signature");
    assert_eq!(kept(&stage).await, (1, 1));
}
