//! The requests that the customer's documents show, sent as they stand there: with curl's content type where they say none,
//! with a signature where a provider would sign. docs/from-your-documents.md has the table.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{ADMIN_KEY, TWILIO_ACCOUNT};

use crate::stage::{Stage, Webhook};

const CLOCK: &str = "the-key-of-the-outside-clock";

/// What curl says of a body when nobody says anything.
const CURLS_OWN: &str = "application/x-www-form-urlencoded";

/// With which key a request comes.
#[derive(Debug, Clone, Copy)]
enum Key {
    None,
    Operators,
    Clocks,
}

/// A request of a document: key, method, path, content type and body, the status, and a member of the answer that says it.
type Request = (Key, &'static str, &'static str, &'static str, &'static str, u16, &'static str);

const SIGN_UP: &str = r#"{"companyName":"Test Company","contactEmail":"test@example.com","contactPhone":"+4367712345678",
    "firstName":"John","lastName":"Doe","industry":"Technology","useCase":"Customer Support"}"#;
const DOOR: &str = r#"{"mode": "demo_disabled", "reason": "Emergency maintenance"}"#;
const JSON: &str = "application/json";

/// All of them that are for us, in the order of the documents. (Those for Twilio, OpenAI and a web site are not.)
const REQUESTS: &[Request] = &[
    // Demo tenants.
    (Key::None, "POST", "/api/demo/create-tenant", JSON, SIGN_UP, 202, "tenantId"),
    (Key::Operators, "GET", "/api/health/detailed", "", "", 503, "process"),
    (
        Key::None,
        "POST",
        "/api/demo/verify-phone",
        JSON,
        r#"{"tenantId": "demo-tenant-id", "code": "123456"}"#,
        422,
        "invalid_fields",
    ),
    (
        Key::None,
        "POST",
        "/telephony/incoming",
        CURLS_OWN,
        "CallSid=test&From=%2B4367712345678&To=%2B43677987654321",
        401,
        "bad_signature",
    ),
    (Key::Operators, "POST", "/api/admin/maintenance", CURLS_OWN, DOOR, 415, "unsupported"),
    (Key::Operators, "POST", "/api/admin/maintenance", JSON, DOOR, 200, "demo_disabled"),
    (Key::Operators, "POST", "/api/admin/maintenance", JSON, r#"{"mode":"normal"}"#, 200, "normal"),
    (
        Key::None,
        "POST",
        "/api/demo/setup",
        JSON,
        r#"{"phoneNumber": "+4367712345678"}"#,
        202,
        "expiresIn",
    ),
    (Key::None, "GET", "/health/detailed", "", "", 401, "admin_key_required"),
    (Key::None, "GET", "/api/admin/background-jobs/status", "", "", 401, "admin_key_required"),
    // Operations.
    (Key::Clocks, "POST", "/api/cron", "", "", 200, "results"),
    (Key::Clocks, "GET", "/api/cron/process-scheduled", "", "", 202, "jobId"),
    (Key::Clocks, "GET", "/api/cron/check-missed-calls", "", "", 202, "jobId"),
    (Key::Clocks, "POST", "/api/cron/auto-review-response", "", "", 501, "not_built_yet"),
    (Key::Clocks, "POST", "/api/cron/send-nps", "", "", 501, "not_built_yet"),
    (Key::Clocks, "POST", "/api/cron/trial-reminders", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/no-show-recovery", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/win-back", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/daily-summary", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/weekly-summary", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/agency-digest", "", "", 501, "not_built_yet"),
    (Key::Clocks, "GET", "/api/cron/stripe-reconciliation", "", "", 202, "jobId"),
    // Deployment.
    (Key::None, "GET", "/health", "", "", 200, "healthy"),
    // Pilot: shown as a method and a path.
    (
        Key::Operators,
        "POST",
        "/v1/admin/businesses",
        JSON,
        r#"{"id":"b1","name":"B"}"#,
        422,
        "invalid_fields",
    ),
    (Key::Operators, "POST", "/v1/admin/businesses", JSON, r#"{"name":"B"}"#, 201, "active"),
    (Key::Operators, "GET", "/v1/admin/businesses/usage.csv", "", "", 200, "tenant_id,name"),
    (Key::Operators, "POST", "/v1/admin/businesses/b1/rotate-key", "", "", 404, "not_found"),
    (
        Key::Operators,
        "POST",
        "/v1/admin/businesses/b1/rotate-widget-token",
        "",
        "",
        404,
        "not_found",
    ),
    (
        Key::Operators,
        "POST",
        "/v1/admin/demo-tenants",
        JSON,
        r#"{"despite_production":true}"#,
        202,
        "Steinbach",
    ),
];

#[tokio::test]
async fn every_request_of_the_documents_is_answered_as_our_table_says() {
    let stage = Stage::with(&[("CRON_SECRET", CLOCK)]).await;
    for (key, method, path, content_type, body, status, says) in REQUESTS {
        let method: Method = method.parse().unwrap();
        let ask = stage.ask(&method, path).header("cf-cron", "true");
        let ask = match key {
            Key::None => ask,
            Key::Operators => ask.bearer(ADMIN_KEY),
            Key::Clocks => ask.bearer(CLOCK),
        };
        let ask = if body.is_empty() { ask } else { ask.body(content_type, *body) };
        let answer = ask.send_unchecked().await;
        let told = answer.text_without_instance();
        assert!(told.contains(says), "{method} {path}: {told}");
        assert_eq!(answer.status, *status, "{method} {path}: {told}");
    }
}

#[tokio::test]
async fn what_the_documents_have_providers_post_is_taken_when_it_is_signed() {
    let stage = Stage::open().await;
    let call = |path: &str| {
        Webhook::with(&[
            ("AccountSid", TWILIO_ACCOUNT),
            ("CallSid", "CA00000000000000000000000000000001"),
            ("From", "+4367712345678"),
            ("To", "+43677987654321"),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
        ])
        .to(path)
    };
    for path in ["/telephony/incoming", "/twilio/voice", "/api/twilio/voice"] {
        let answer = call(path).post(&stage).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains("<Response"), "nobody has this number");
        assert_eq!(call(path).unsigned().post(&stage).await.status, 401, "{path}");
    }
    let status = call("/api/twilio/status").post(&stage).await;
    assert!(status.status < 300, "{}", status.text_without_instance());
    for path in ["/twilio/sms", "/api/twilio/sms"] {
        let sid = format!("SM{:032x}", path.len());
        let text = Webhook::text(&sid, "+4367712345678", "+43677987654321", "STOP").to(path);
        assert!(text.post(&stage).await.status < 300, "{path}");
        assert_eq!(text.unsigned().post(&stage).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_tenant_is_suspended_by_the_request_of_the_document() {
    let stage = Stage::open().await;
    let demo = stage.active(crate::stage::Guest(1)).await;
    let path = format!("/v1/admin/businesses/{}", demo.tenant);
    let ask = stage.ask(&Method::PATCH, &path).as_operator();
    let told: Value = ask.json(&json!({ "status": "SUSPENDED" })).send().await.is(200);
    assert_eq!(told["status"], "suspended");
}
