//! What Twilio posts about calls and recordings, at every address it may have been told.

use domain::tenants::{self, TenantStatus};
use serde_json::json;
use tests::{PUBLIC_BASE_URL, TWILIO_ACCOUNT, TWILIO_TOKEN};

use crate::stage::{Guest, Rows, Stage, Webhook};

const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const OTHER: &str = "CA0123456789abcdef0123456789abcdee";
const RECORDING: &str = "RE0123456789abcdef0123456789abcdef";
const OURS: &str = "+15550109999";

/// Every address of the same handler.
const ADDRESSES: [&str; 4] =
    ["/telephony/status", "/telephony/recording", "/twilio/status", "/api/twilio/status"];

async fn jobs(stage: &Stage, kind: &str) -> i64 {
    let of_kind = format!(
        "select from trunkline.jobs j join trunkline.kinds k using (kind_id) where k.name = '{kind}'"
    );
    stage.db.number(&of_kind).await
}

fn recording() -> Webhook {
    Webhook::with(&[
        ("AccountSid", TWILIO_ACCOUNT),
        ("CallSid", CALL),
        ("RecordingSid", RECORDING),
        ("RecordingStatus", "completed"),
        ("RecordingDuration", "17"),
        ("RecordingChannels", "2"),
        ("RecordingStartTime", "Sat, 21 Nov 2026 08:00:00 +0000"),
        ("RecordingUrl", "https://api.twilio.com/…"),
        ("ErrorCode", "0"),
    ])
}

#[tokio::test]
async fn a_call_s_report_is_kept_with_its_job_and_without_the_phones() {
    let stage = Stage::open().await;
    let webhook = Webhook::call(CALL, "completed", OURS).and("CallDuration", "42");
    webhook.post(&stage).await.is(204);
    webhook.post(&stage).await.is(204);
    assert_eq!(jobs(&stage, "call_status").await, 1);
    let listed = stage.get("/v1/admin/jobs?kind=call_status").as_operator().send().await.is(200);
    let path = format!("/v1/admin/jobs/{}", listed["items"][0]["id"].as_str().unwrap());
    let job = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!(job["args"]["duration_secs"], 42);
    assert_eq!(job["args"]["from"], json!("sealed"));
    for table in ["inbox where payload", "jobs where args"] {
        let person = format!("select from trunkline.{table}::text ~ '664|1555010'");
        assert_eq!(stage.db.number(&person).await, 0, "{table}");
    }
}

#[tokio::test]
async fn every_address_is_signed_by_itself() {
    let stage = Stage::open().await;
    for (number, signed) in ADDRESSES.iter().enumerate() {
        let call = format!("CA{number:032x}");
        let webhook = Webhook::call(&call, "ringing", OURS).to(signed);
        for posted in ADDRESSES {
            let answer = webhook.clone().strayed_to(posted).post(&stage).await;
            if posted == *signed {
                answer.is(204);
            } else {
                answer.problem(401, "bad_signature");
            }
        }
        webhook.clone().strayed_to(&format!("{signed}?x=1")).post(&stage).await.is(401);
    }
    assert_eq!(jobs(&stage, "call_status").await, 4);
}

#[tokio::test]
async fn one_address_is_told_of_calls_and_of_recordings() {
    let stage = Stage::open().await;
    for address in ADDRESSES {
        recording().to(address).post(&stage).await.is(204);
    }
    assert_eq!((jobs(&stage, "recording").await, jobs(&stage, "call_status").await), (1, 0));
    // An end that tells of the recording, too, is both.
    let both = Webhook::call(CALL, "completed", OURS)
        .and("RecordingSid", &RECORDING.replace('f', "e"))
        .and("RecordingDuration", "17");
    both.post(&stage).await.is(204);
    assert_eq!((jobs(&stage, "recording").await, jobs(&stage, "call_status").await), (2, 1));
}

#[tokio::test]
async fn for_a_suspended_tenant_nothing_begins_and_what_had_begun_ends() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(7)).await;
    let mut tx = stage.begin().await;
    let number = domain::numbers::of_tenant(&mut tx, demo.id()).await.unwrap().unwrap();
    let about = domain::calls::About { tenant: Some(demo.id()), ..Default::default() };
    let news = domain::calls::News {
        status: domain::calls::CallStatus::InProgress,
        at: None,
        duration_secs: None,
        sip_response_code: None,
    };
    domain::calls::apply(&mut tx, CALL, about, &news).await.unwrap();
    tenants::move_to(&mut tx, demo.id(), TenantStatus::Suspended, "did not pay").await.unwrap();
    tx.commit().await.unwrap();

    let before = Rows::count(&stage.db).await;
    let begins = Webhook::call(OTHER, "ringing", number.as_e164());
    begins.post(&stage).await.problem(403, "tenant_closed");
    let named = Webhook::call(OTHER, "ringing", OURS);
    let named = named.query(&format!("business_id={}", demo.tenant));
    named.post(&stage).await.problem(403, "tenant_closed");
    assert_eq!(Rows::count(&stage.db).await, before, "nothing is kept of what was refused");
    begins.unsigned().post(&stage).await.problem(401, "bad_signature");

    Webhook::call(CALL, "completed", number.as_e164()).post(&stage).await.is(204);
    assert_eq!(jobs(&stage, "call_status").await, 1, "or its end would never be billed");
}

#[tokio::test]
async fn a_call_is_its_numbers_tenants_unless_the_address_names_one() {
    let stage = Stage::open().await;
    let (one, two) = (stage.active(Guest(1)).await, stage.active(Guest(2)).await);
    let mut tx = stage.begin().await;
    let number = domain::numbers::of_tenant(&mut tx, one.id()).await.unwrap().unwrap();
    drop(tx);
    let to = number.as_e164();
    let post = async |call: &str, query: &str| {
        Webhook::call(call, "ringing", to).query(query).post(&stage).await
    };
    post(CALL, "").await.is(204);
    post(OTHER, &format!("business_id={}", two.tenant)).await.is(204);
    let gone = "business_id=0190a0a0-0000-7000-8000-000000000001";
    post(&OTHER.replace('e', "d"), gone).await.is(204);
    post(CALL, "business_id=mine").await.problem(400, "malformed_webhook");
    let of =
        |demo: &str| format!("select from trunkline.inbox where payload ->> 'tenant' = '{demo}'");
    assert_eq!(stage.db.number(&of(&one.tenant)).await, 2);
    assert_eq!(stage.db.number(&of(&two.tenant)).await, 1);
}

#[tokio::test]
async fn where_a_word_is_shared_every_address_must_carry_it() {
    let words = [
        ("TWILIO_WEBHOOK_AUTH_TOKEN", "the-word-of-today"),
        ("TWILIO_WEBHOOK_AUTH_TOKEN_PREVIOUS", "the-word-of-yesterday"),
    ];
    let stage = Stage::with(&words).await;
    let post =
        async |query: &str| Webhook::call(CALL, "ringing", OURS).query(query).post(&stage).await;
    for query in ["", "webhook_token=", "webhook_token=another-word-than-ours"] {
        post(query).await.problem(401, "bad_signature");
    }
    post("webhook_token=the-word-of-today").await.is(204);
    post("webhook_token=the-word-of-yesterday&x=1").await.is(204);
    // It is no substitute for the signature.
    let unsigned = Webhook::call(CALL, "ringing", OURS).query("webhook_token=the-word-of-today");
    unsigned.unsigned().post(&stage).await.problem(401, "bad_signature");
}

#[tokio::test]
async fn a_body_of_json_is_read_like_a_form_if_its_hash_is_signed() {
    let stage = Stage::open().await;
    let body = json!({ "AccountSid": TWILIO_ACCOUNT, "CallSid": CALL, "CallStatus": "completed", "CallDuration": 3 });
    let body = body.to_string();
    let hash = clients::twilio::signature::body_hash(body.as_bytes());
    let path = format!("/telephony/status?bodySHA256={hash}");
    let url = format!("{PUBLIC_BASE_URL}{path}");
    let signature = clients::twilio::signature::sign(&url, &[], &TWILIO_TOKEN.into());
    let post = async |body: &str| {
        let ask = stage.post(&path).header("x-twilio-signature", &signature);
        ask.body("application/json", body).send().await
    };
    post(&body).await.is(204);
    post(&format!("{body} ")).await.problem(401, "bad_signature");
    assert_eq!(jobs(&stage, "call_status").await, 1);
}

#[tokio::test]
async fn on_this_machine_alone_the_check_can_be_switched_off() {
    let off = [("TWILIO_VALIDATE_SIGNATURE", "0"), ("PUBLIC_BASE_URL", "http://127.0.0.1:8080")];
    let stage = Stage::with(&off).await;
    Webhook::call(CALL, "ringing", OURS).unsigned().post(&stage).await.is(204);
    assert_eq!(jobs(&stage, "call_status").await, 1);
}

#[tokio::test]
async fn what_is_signed_and_is_no_news_of_a_call_is_malformed() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    let right = Webhook::call(CALL, "ringing", OURS);
    for webhook in [
        Webhook::with(&[]).to("/telephony/status"),
        Webhook::call("CA1", "ringing", OURS),
        Webhook::call(RECORDING, "ringing", OURS),
        Webhook::call(CALL, "", OURS),
        Webhook::call(CALL, "lost", OURS),
        Webhook::call(CALL, "COMPLETED", OURS),
        right.clone().and("CallDuration", "long"),
        right.clone().and("CallDuration", "-1"),
        right.clone().and("RecordingSid", CALL),
        right.clone().and("RecordingSid", RECORDING).and("RecordingStatus", "lost"),
        right.and("Note", "nul\0"),
    ] {
        webhook.post(&stage).await.problem(400, "malformed_webhook");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}
