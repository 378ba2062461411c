//! Somebody rings: who takes the call, what is said, and that it is one call however often it is asked about.

use std::time::Duration;

use domain::{
    PhoneNumber, bots, subscriptions,
    subscriptions::DemoTerms,
    switches::{self, Switch},
    tenants::{self, TenantStatus},
};
use serde_json::{Value, json};
use tests::{Log, PUBLIC_BASE_URL, TWILIO_ACCOUNT};

use crate::stage::{Demo, Guest, Rows, Stage, Webhook};

/// Every address of the same handler.
const ADDRESSES: [&str; 4] =
    ["/telephony/incoming", "/twilio/voice", "/api/twilio/voice", "/api/webhooks/twilio/voice"];

const CALLER: &str = "664123";

fn sid(number: u32) -> String {
    format!("CA{number:032x}")
}

/// Somebody rings, now.
fn ring(call: &str, status: &str, to: &str) -> Webhook {
    let form = [
        ("AccountSid", TWILIO_ACCOUNT),
        ("CallSid", call),
        ("CallStatus", status),
        ("Direction", "inbound"),
        ("From", "+436641234567"),
        ("To", to),
    ];
    Webhook::with(&form).to(ADDRESSES[0])
}

/// A tenant that is rung.
struct Line {
    stage: Stage,
    demo: Demo,
    number: String,
}

impl Line {
    async fn open() -> Line {
        let line = Line::unpaid(Stage::open().await).await;
        line.subscribe(50).await;
        line
    }

    /// Without a subscription.
    async fn unpaid(stage: Stage) -> Line {
        let demo = stage.active(Guest(1)).await;
        let number = stage.number_of(&demo).await;
        let mut tx = stage.begin().await;
        let bot = bots::NewBot::demo(demo.bot.parse().unwrap(), demo.id());
        bots::create(&mut tx, bot).await.unwrap();
        tx.commit().await.unwrap();
        Line { stage, demo, number }
    }

    async fn subscribe(&self, daily_calls_max: i32) {
        let mut tx = self.stage.begin().await;
        let lifetime = Duration::from_hours(72);
        let terms = DemoTerms { lifetime, daily_calls_max: Some(daily_calls_max) };
        subscriptions::open_demo(&mut tx, self.demo.id(), terms).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn wants(&self, wishes: Value) {
        let path = format!("/v1/admin/businesses/{}/voice", self.demo.tenant);
        self.stage.post(&path).as_operator().json(&wishes).send().await.is(200);
    }

    fn ring(&self, number: u32) -> Webhook {
        ring(&sid(number), "ringing", &self.number)
    }

    /// What is said to somebody who rings.
    async fn says(&self, number: u32) -> String {
        let answer = self.ring(number).post(&self.stage).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/xml; charset=utf-8")
        );
        answer.text
    }

    async fn jobs(&self, kind: &str) -> i64 {
        let of_kind = format!(
            "select from trunkline.jobs j join trunkline.kinds k using (kind_id) where k.name = '{kind}'"
        );
        self.stage.db.number(&of_kind).await
    }

    async fn outcome(&self, number: u32) -> String {
        let outcome =
            format!("select outcome from product.call_answers where call_sid = '{}'", sid(number));
        self.stage.db.text(&outcome).await
    }
}

#[tokio::test]
async fn a_call_is_greeted_by_the_assistant_and_sent_on_to_a_worker() {
    let line = Line::open().await;
    let said = line.says(1).await;
    let session = line.stage.db.text("select session_id::text from product.voice_sessions").await;
    let url = format!("{PUBLIC_BASE_URL}/telephony/route?s={session}");
    let expected = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say language="de-DE" voice="Polly.Vicki">Guten Tag, hier ist Bäckerei. Wie kann ich Ihnen helfen?</Say><Redirect method="POST">{url}</Redirect></Response>"#
    );
    assert_eq!(said, expected);
    assert_eq!((line.jobs("voice_session").await, line.jobs("missed_call_textback").await), (1, 0));
    let row = "select from product.calls c join product.voice_sessions s using (call_id, tenant_id)
               where c.status = 'ringing' and c.direction = 'inbound' and c.from_phone is not null";
    assert_eq!(line.stage.db.number(row).await, 1);
    for table in ["inbox where payload", "jobs where args"] {
        let person = format!("select from trunkline.{table}::text ~ '{CALLER}|1555010'");
        assert_eq!(line.stage.db.number(&person).await, 0, "{table}");
    }

    line.wants(json!({ "greeting": "Praxis Huber & Co, grüß Gott!" })).await;
    let said = line.says(2).await;
    assert!(said.contains("Praxis Huber &amp; Co, grüß Gott!"), "{said}");
}

#[tokio::test]
async fn a_conversation_that_begins_is_logged_once_with_its_call_session_and_tenant() {
    let (log, _listening) = Log::of_this_thread();
    let line = Line::open().await;
    line.says(1).await;
    line.says(1).await;
    let begun = log.event("conversation_start");
    let session = line.stage.db.text("select session_id::text from product.voice_sessions").await;
    assert_eq!((&begun["level"], &begun["target"]), (&json!("INFO"), &json!("twilio.voice")));
    assert_eq!((&begun["call_sid"], &begun["session.id"]), (&json!(sid(1)), &json!(session)));
    assert_eq!(
        (&begun["tenant_id"], &begun["channel"]),
        (&json!(line.demo.tenant), &json!("voice"))
    );
    assert_eq!(log.events("twilio_voice_webhook").len(), 2, "Twilio has asked twice");
    assert!(!log.text().contains(CALLER), "{}", log.text());
}

#[tokio::test]
async fn whoever_asks_again_at_whatever_address_is_told_the_same_and_it_is_one_session() {
    let line = Line::open().await;
    let other = line.stage.another_api().await;
    let said = line.says(1).await;
    // What the tenant wants later changes nothing about this call.
    line.wants(json!({ "greeting": "Hello!", "voiceMode": "off" })).await;
    for address in ADDRESSES {
        let again = line.ring(1).to(address).post_to(&other).await;
        assert_eq!((again.status, &again.text), (200, &said));
    }
    assert_eq!(line.jobs("voice_session").await, 1);
    assert_eq!(line.stage.db.number("select from product.voice_sessions").await, 1);
    let inbox = "select from trunkline.inbox where dedupe_key like '%:incoming'";
    assert_eq!(line.stage.db.number(inbox).await, 1);
    // Ten at once are one, too.
    let at_once = futures::future::join_all((0..10).map(|_| async {
        let webhook = line.ring(2);
        webhook.post(&line.stage).await.text
    }));
    let answers: std::collections::BTreeSet<String> = at_once.await.into_iter().collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(line.outcome(2).await == "voice_off");
    assert_eq!(line.jobs("missed_call_textback").await, 1);
}

#[tokio::test]
async fn of_sixty_calls_at_once_of_a_demo_with_fifty_a_day_fifty_are_let_in() {
    let line = Line::open().await;
    let other = line.stage.another_api().await;
    let calls = (0..60).map(|number| {
        let (line, other) = (&line, &other);
        async move {
            let api = if number % 2 == 0 { &line.stage.api } else { other };
            line.ring(number).post_to(api).await.text
        }
    });
    let answers = futures::future::join_all(calls).await;
    let let_in = answers.iter().filter(|said| said.contains("<Redirect")).count();
    assert_eq!(let_in, 50);
    let refused = answers
        .iter()
        .filter(|said| said.contains("morgen wieder an") && said.contains("<Hangup/>"));
    assert_eq!(refused.count(), 10);
    assert_eq!(line.jobs("voice_session").await, 50);
    assert_eq!(line.jobs("missed_call_textback").await, 10, "they are written to");
    let noted = "select from product.call_answers where outcome = 'daily_calls'";
    assert_eq!(line.stage.db.number(noted).await, 10);
    // They end, and tomorrow is another day.
    let end = "update product.calls set status = 'completed', rank = 4, ended_at = started_at, duration_secs = 60";
    let mut superuser = line.stage.db.superuser().await;
    sqlx::raw_sql(end).execute(&mut superuser).await.unwrap();
    line.stage.db.advance(Duration::from_hours(24)).await;
    assert!(line.says(100).await.contains("<Redirect"));
}

#[tokio::test]
async fn time_to_talk_that_is_used_up_is_used_up() {
    let line = Line::open().await;
    line.says(1).await;
    let limited = "select from product.call_answers where talk_max_secs = 3600";
    assert_eq!(line.stage.db.number(limited).await, 1, "no call is longer than an hour");
    let spoken = Webhook::call(&sid(1), "completed", &line.number).and("CallDuration", "7000");
    spoken.post(&line.stage).await.is(204);
    // A worker applies that.
    let mut tx = line.stage.begin().await;
    let news = |secs| domain::calls::News {
        status: domain::calls::CallStatus::Completed,
        at: None,
        duration_secs: Some(secs),
        sip_response_code: None,
    };
    domain::calls::apply(&mut tx, &sid(1), domain::calls::About::default(), &news(7000))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    line.says(2).await;
    let limited = "select from product.call_answers where talk_max_secs between 190 and 200";
    assert_eq!(line.stage.db.number(limited).await, 1, "what is left of two hours");
    let mut tx = line.stage.begin().await;
    domain::calls::apply(&mut tx, &sid(2), domain::calls::About::default(), &news(200))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let said = line.says(3).await;
    assert!(said.contains("später wieder") && line.outcome(3).await == "talk_time", "{said}");
}

#[tokio::test]
async fn without_a_subscription_nobody_is_answered() {
    let line = Line::unpaid(Stage::open().await).await;
    assert!(line.says(1).await.contains("nimmt derzeit keine Anrufe an"));
    assert_eq!(
        (line.outcome(1).await.as_str(), line.jobs("voice_session").await),
        ("no_subscription", 0)
    );
}

#[tokio::test]
async fn the_mode_and_the_hour_decide_who_picks_up() {
    let line = Line::open().await;
    let today = "select lower(to_char(trunkline.now() at time zone 'Europe/Vienna', 'Dy'))";
    let today = line.stage.db.text(today).await;
    let open = json!({ &today: ["00:00-24:00"] });
    let other = if today == "mon" { "tue" } else { "mon" };
    let closed = json!({ other: ["08:00-09:00"] });
    let turns = [
        ("always", &closed, Value::Null, "assistant"),
        ("after_hours", &open, Value::Null, "voice_off"),
        ("after_hours", &open, json!("+436645556666"), "person"),
        ("after_hours", &closed, json!("+436645556666"), "assistant"),
        ("business_hours", &open, Value::Null, "assistant"),
        ("business_hours", &closed, json!("+436645556666"), "out_of_hours"),
        ("off", &open, Value::Null, "voice_off"),
        ("off", &closed, json!("+436645556666"), "person"),
    ];
    for (number, (mode, hours, person, outcome)) in (1..).zip(turns) {
        line.wants(json!({ "voiceMode": mode, "businessHours": hours, "transferPhone": person }))
            .await;
        let said = line.says(number).await;
        assert_eq!(line.outcome(number).await, outcome, "{mode} {hours}");
        let does = match outcome {
            "assistant" => "<Redirect",
            "person" => "+436645556666</Dial>",
            _ => "<Hangup/>",
        };
        assert!(said.contains(does), "{said}");
    }
    assert_eq!(line.jobs("voice_session").await, 3);
    assert_eq!(line.jobs("missed_call_textback").await, 3);
}

#[tokio::test]
async fn while_operators_have_switched_calls_off_callers_are_told_and_nobody_is_answered() {
    let line = Line::open().await;
    let on = json!({ "mode": "calls_disabled", "reason": "moving house" });
    line.stage.post("/api/admin/maintenance").as_operator().json(&on).send().await.is(200);
    assert!(line.says(1).await.contains("Wartungsarbeiten"));
    assert_eq!(line.outcome(1).await, "calls_disabled");
    let mut tx = line.stage.begin().await;
    switches::turn_off(&mut tx, Switch::CallsDisabled, None, "operator").await.unwrap();
    tx.commit().await.unwrap();
    assert!(line.says(2).await.contains("<Redirect"));
}

#[tokio::test]
async fn a_closed_tenant_s_calls_are_refused_and_a_number_that_serves_nobody_is_not_picked_up() {
    let line = Line::open().await;
    let mut tx = line.stage.begin().await;
    tenants::move_to(&mut tx, line.demo.id(), TenantStatus::Suspended, "did not pay")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let before = Rows::count(&line.stage.db).await;
    line.ring(1).post(&line.stage).await.problem(403, "tenant_closed");
    let named = ring(&sid(1), "ringing", "+15550107777").to(ADDRESSES[1]);
    let named = named.query(&format!("business_id={}", line.demo.tenant));
    named.post(&line.stage).await.problem(403, "tenant_closed");
    let nobody = ring(&sid(1), "ringing", "+15550107777");
    let xml =
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="rejected"/></Response>"#;
    nobody.post(&line.stage).await.is_xml(200, xml);
    assert_eq!(Rows::count(&line.stage.db).await, before, "nothing is kept of what was refused");

    let expired = Line::open().await;
    expired.stage.db.advance(Duration::from_hours(73)).await;
    expired.ring(1).post(&expired.stage).await.problem(403, "demo_expired");
}

#[tokio::test]
async fn a_tenant_that_the_address_names_goes_before_the_number() {
    let line = Line::open().await;
    let named = ring(&sid(1), "ringing", "+15550107777").to(ADDRESSES[2]);
    let named = named.query(&format!("business_id={}", line.demo.tenant));
    let answer = named.post(&line.stage).await;
    assert!(answer.text.contains("<Redirect"), "{}", answer.text);
}

#[tokio::test]
async fn what_is_no_call_that_came_in_is_malformed_and_what_is_over_is_hung_up() {
    let line = Line::open().await;
    let before = Rows::count(&line.stage.db).await;
    for webhook in [
        Webhook::with(&[]).to(ADDRESSES[0]),
        ring("CA1", "ringing", &line.number),
        ring(&sid(1), "lost", &line.number),
        line.ring(1).tampered("Direction", "outbound-api").to(ADDRESSES[0]),
        line.ring(1).and("Note", "nul\0"),
    ] {
        webhook.post(&line.stage).await.problem(400, "malformed_webhook");
    }
    line.ring(1).unsigned().post(&line.stage).await.problem(401, "bad_signature");
    line.ring(1).strayed_to(ADDRESSES[1]).post(&line.stage).await.problem(401, "bad_signature");
    let over = ring(&sid(1), "completed", &line.number);
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>"#;
    over.post(&line.stage).await.is_xml(200, xml);
    assert_eq!(Rows::count(&line.stage.db).await, before);
}

#[tokio::test]
async fn who_is_put_through_and_reaches_nobody_is_told_so_and_written_to_once() {
    let line = Line::open().await;
    line.wants(json!({ "voiceMode": "off", "transferPhone": "+436645556666" })).await;
    let said = line.says(1).await;
    assert!(said.contains("/telephony/dialed") && said.contains("<Dial"), "{said}");
    let dialed = |number: u32, word: &str| {
        let webhook = ring(&sid(number), "in-progress", &line.number);
        webhook.and("DialCallStatus", word).to("/telephony/dialed")
    };
    for _ in 0..2 {
        let answer = dialed(1, "no-answer").post(&line.stage).await;
        assert!(answer.status == 200 && answer.text.contains("hebt niemand ab"), "{}", answer.text);
    }
    assert_eq!(line.jobs("missed_call_textback").await, 1);
    line.says(2).await;
    let answer = dialed(2, "completed").post(&line.stage).await;
    assert!(!answer.text.contains("<Say"), "{}", answer.text);
    assert_eq!(line.jobs("missed_call_textback").await, 1);
    dialed(1, "maybe").post(&line.stage).await.problem(400, "malformed_webhook");
    let noted = "select from product.call_answers where dialled in ('no-answer', 'completed')";
    assert_eq!(line.stage.db.number(noted).await, 2);
}

/// A number, by its tenant.
impl Stage {
    pub(crate) async fn number_of(&self, demo: &Demo) -> String {
        let mut tx = self.begin().await;
        let number: PhoneNumber =
            domain::numbers::of_tenant(&mut tx, demo.id()).await.unwrap().unwrap();
        number.as_e164().to_owned()
    }
}
