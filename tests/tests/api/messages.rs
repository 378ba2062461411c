//! Texts, both ways: what somebody wrote to one of our numbers, and what a tenant's people do about it.

use std::time::Duration;

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Demo, Guest, Rows, Stage, Webhook};

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const PERSON: &str = "+436607654321";
const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// A tenant with a session, and its number.
struct Shop {
    stage: Stage,
    demo: Demo,
    cookie: String,
    number: String,
}

impl Shop {
    async fn open() -> Shop {
        let stage = Stage::open().await;
        let demo = stage.active(Guest(1)).await;
        let cookie = stage.own_session(&demo).await;
        let number = format!(
            "select phone::text from product.phone_pool where tenant_id = '{}'",
            demo.tenant
        );
        let number = stage.db.text(&number).await;
        Shop { stage, demo, cookie, number }
    }

    async fn get(&self, path: &str) -> Answer {
        self.stage.get(path).cookie(&self.cookie).send().await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.stage.post(path).cookie(&self.cookie).json(body).send().await
    }

    /// A conversation, as a worker files it.
    async fn conversation(&self) -> String {
        self.stage.conversation(&self.demo, PERSON).await
    }
}

#[tokio::test]
async fn a_text_is_kept_with_its_job_and_the_job_does_not_say_what() {
    let shop = Shop::open().await;
    let answer = Webhook::text(SID, PERSON, &shop.number, "my knee hurts").post(&shop.stage).await;
    answer.is_xml(200, EMPTY);
    let jobs = shop.stage.get("/v1/admin/jobs?kind=sms_inbound").as_operator().send().await.is(200);
    let path = format!("/v1/admin/jobs/{}", jobs["items"][0]["id"].as_str().unwrap());
    let job = shop.stage.get(&path).as_operator().send().await.is(200).to_string();
    let inbox = shop.stage.db.text("select payload::text from trunkline.inbox").await;
    for hidden in ["knee", "660765", &shop.number[1..]] {
        assert!(!job.contains(hidden) && !inbox.contains(hidden), "{hidden}: {job} {inbox}");
    }
    let kept = "select from product.message_bodies where body = 'my knee hurts'";
    assert_eq!(shop.stage.db.number(kept).await, 1);
}

#[tokio::test]
async fn a_text_posted_again_by_any_of_its_addresses_is_one_text() {
    let shop = Shop::open().await;
    let other = shop.stage.another_api().await;
    let text = Webhook::text(SID, PERSON, &shop.number, "Hello?");
    for path in ["/telephony/sms", "/twilio/sms", "/api/twilio/sms", "/telephony/sms"] {
        text.clone().to(path).post(&shop.stage).await.is_xml(200, EMPTY);
        text.clone().to(path).post_to(&other).await.is_xml(200, EMPTY);
    }
    let counted = async |what: &str| shop.stage.db.number(what).await;
    assert_eq!(counted("select from product.messages where direction = 'inbound'").await, 1);
    assert_eq!(counted("select from trunkline.inbox where dedupe_key like 'SM%'").await, 1);
    let jobs = shop.stage.get("/v1/admin/jobs?kind=sms_inbound").as_operator().send().await.is(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_signs_for_itself_alone() {
    let shop = Shop::open().await;
    let before = Rows::count(&shop.stage.db).await;
    let text = Webhook::text(SID, PERSON, &shop.number, "Hello?");
    let signature = text.signature().to_owned();
    let elsewhere = text.clone().to("/twilio/sms").forged(&signature);
    elsewhere.post(&shop.stage).await.problem(401, "bad_signature");
    text.clone().unsigned().post(&shop.stage).await.problem(401, "bad_signature");
    text.tampered("Body", "STOP").post(&shop.stage).await.problem(401, "bad_signature");
    assert_eq!(Rows::count(&shop.stage.db).await, before);
}

#[tokio::test]
async fn what_is_signed_and_is_no_text_is_malformed() {
    let shop = Shop::open().await;
    let before = Rows::count(&shop.stage.db).await;
    for webhook in [
        Webhook::with(&[]).to("/telephony/sms"),
        Webhook::text("", PERSON, &shop.number, "x"),
        Webhook::text("SM1", PERSON, &shop.number, "x"),
        Webhook::text(SID, "", &shop.number, "x"),
        Webhook::text(SID, PERSON, "", "x"),
        Webhook::text(SID, PERSON, "12345", "x"),
        Webhook::text(SID, PERSON, &shop.number, "nul\0"),
    ] {
        webhook.post(&shop.stage).await.problem(400, "malformed_webhook");
    }
    // A short code cannot be answered: nothing is kept, and nobody is told off.
    Webhook::text(SID, "12345", &shop.number, "Win!").post(&shop.stage).await.is_xml(200, EMPTY);
    assert_eq!(Rows::count(&shop.stage.db).await, before);
    Webhook::text(SID, PERSON, &shop.number, "").post(&shop.stage).await.is_xml(200, EMPTY);
}

#[tokio::test]
async fn a_person_takes_a_conversation_over_and_gives_it_back() {
    let shop = Shop::open().await;
    let id = shop.conversation().await;
    let path = format!("/api/conversations/{id}");
    let listed = shop.get("/api/conversations").await.is(200);
    assert_eq!(listed["items"][0]["id"], id);
    assert_eq!(listed["items"][0]["mode"], "ai");
    let mode = format!("{path}/mode");
    for wanted in ["human", "human", "ai"] {
        let body = shop.post(&mode, &json!({ "mode": wanted })).await.is(200);
        assert_eq!(body["mode"], wanted);
    }
    let audited = "select from product.audit_log where action = 'conversation.mode'";
    assert_eq!(shop.stage.db.number(audited).await, 2, "the same again is no change");
    shop.post(&mode, &json!({ "mode": "awaiting_human" })).await.problem(422, "invalid_fields");
    shop.post(&mode, &json!({})).await.problem(422, "invalid_fields");
}

#[tokio::test]
async fn who_answers_has_taken_over() {
    let shop = Shop::open().await;
    let id = shop.conversation().await;
    let path = format!("/api/conversations/{id}/messages");
    let written = shop.post(&path, &json!({ "body": "Tomorrow at nine." })).await.is(202);
    assert!(written["messageId"].is_string() && written["jobId"].is_string(), "{written}");
    let mode = shop.get(&format!("/api/conversations/{id}")).await.is(200)["mode"].clone();
    assert_eq!(mode, "human");
    let jobs = shop.stage.get("/v1/admin/jobs?kind=send_sms").as_operator().send().await.is(200);
    assert_eq!(jobs["items"][0]["id"], written["jobId"]);
    for body in [json!({}), json!({ "body": " " }), json!({ "body": "x".repeat(1601) })] {
        shop.post(&path, &body).await.problem(422, "invalid_fields");
    }
}

#[tokio::test]
async fn a_text_can_be_planned_but_not_for_next_year() {
    let shop = Shop::open().await;
    let in_an_hour = shop.stage.db.now().await + chrono::TimeDelta::hours(1);
    let body = json!({ "to": PERSON, "body": "See you", "sendAt": in_an_hour.to_rfc3339() });
    let written = shop.post("/api/messages", &body).await.is(202);
    let path = format!("/v1/admin/jobs/{}", written["jobId"].as_str().unwrap());
    let job = shop.stage.get(&path).as_operator().send().await.is(200);
    assert_eq!(job["state"], "scheduled");
    let text = job.to_string();
    assert!(!text.contains("See you") && !text.contains("660765"), "{text}");
    let far = in_an_hour + chrono::TimeDelta::days(400);
    let body = json!({ "to": PERSON, "body": "x", "sendAt": far.to_rfc3339() });
    shop.post("/api/messages", &body).await.problem(422, "invalid_fields");
    let body = json!({ "to": "abc", "body": "x" });
    shop.post("/api/messages", &body).await.problem(400, "invalid_phone");
}

#[tokio::test]
async fn wishes_are_kept_and_those_that_make_no_sense_refused() {
    let shop = Shop::open().await;
    let usual = shop.get("/api/messaging").await.is(200);
    assert_eq!(usual["quietHours"], "21:00-08:00");
    let wanted = json!({ "timeZone": "America/New_York", "quietHours": "none", "aiResponseEnabled": false,
                         "ownerPhone": "0664 1234567" });
    let changed = shop.post("/api/messaging", &wanted).await.is(200);
    assert_eq!(changed, shop.get("/api/messaging").await.is(200));
    assert_eq!(changed["ownerPhone"], "+436641234567");
    assert_eq!(changed["smsEnabled"], true, "what is not named stays");
    for wrong in [
        json!({ "timeZone": "Europe/Atlantis" }),
        json!({ "quietHours": "21-8" }),
        json!({ "smsEnabled": "yes" }),
        json!({ "emailEnabled": true }),
    ] {
        shop.post("/api/messaging", &wrong).await.problem(422, "invalid_fields");
    }
    assert_eq!(shop.get("/api/messaging").await.is(200), changed);
}

#[tokio::test]
async fn nobody_sees_or_touches_another_tenants_conversations() {
    let shop = Shop::open().await;
    let id = shop.conversation().await;
    let stranger = shop.stage.active(Guest(2)).await;
    let cookie = shop.stage.own_session(&stranger).await;
    let listed = shop.stage.get("/api/conversations").cookie(&cookie).send().await.is(200);
    assert_eq!(listed["items"], json!([]));
    let path = format!("/api/conversations/{id}");
    shop.stage.get(&path).cookie(&cookie).send().await.problem(404, "not_found");
    for (path, body) in [
        (format!("{path}/mode"), json!({ "mode": "human" })),
        (format!("{path}/messages"), json!({ "body": "Hello" })),
    ] {
        let ask = shop.stage.post(&path).cookie(&cookie).json(&body);
        ask.send().await.problem(404, "not_found");
    }
    assert_eq!(shop.get(&path).await.is(200)["mode"], "ai");
    let foreign = shop.stage.post(&format!("{path}/mode")).cookie(&shop.cookie);
    let foreign = foreign.header("origin", "https://evil.example");
    foreign.json(&json!({ "mode": "human" })).send().await.problem(403, "foreign_origin");
    shop.stage.db.advance(Duration::from_hours(80)).await;
    shop.get("/api/conversations").await.problem(401, "tenant_context_required");
}

#[tokio::test]
async fn conversations_are_paged_through_while_people_write() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.own_session(&demo).await;
    let mut all = Vec::new();
    for person in 1..=5 {
        all.push(stage.conversation(&demo, &format!("+43660000000{person}")).await);
        stage.db.advance(std::time::Duration::from_secs(1)).await;
    }
    let page = async |query: &str| {
        stage.get(&format!("/api/conversations?{query}")).cookie(&cookie).send().await
    };
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = page("limit=2").await.is(200);
    assert_eq!(ids(&first), [all[4].clone(), all[3].clone()]);
    // Somebody writes: that conversation is at the front now, and the pages behind have no gap.
    stage.conversation(&demo, "+436600000005").await;
    let next = first["next_cursor"].as_str().unwrap();
    let second = page(&format!("limit=2&cursor={next}")).await.is(200);
    assert_eq!(ids(&second), [all[2].clone(), all[1].clone()]);
    let next = second["next_cursor"].as_str().unwrap();
    let last = page(&format!("limit=2&cursor={next}")).await.is(200);
    assert_eq!((ids(&last), &last["next_cursor"]), (vec![all[0].clone()], &Value::Null));
    for wrong in ["cursor=x", "cursor=c1.1.x", "limit=0"] {
        page(wrong).await.problem(422, "invalid_fields");
    }
}
