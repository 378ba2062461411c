//! What must not be written anywhere but where it belongs: phones, e-mails, codes, passwords, keys, tokens. All of them are
//! sent, rightly and wrongly, and then looked for in the log at its most talkative, in the metrics, and in every error.

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tests::{ADMIN_KEY, Answer, Log, PEPPER, TWILIO_TOKEN, TWILIO_TOKEN_BEFORE, holds, wait_until};

use crate::stage::{CODE, Demo, Guest, Stage, WRONG_CODE, Webhook};

const OWN: &str = "my-own-Marillenknoedel-5";
const WRONG_PASSWORD: &str = "guessed-Palatschinken-8";
const WRONG_KEY: &str = "guessed-operators-key-77";
const SID: &str = "SM0123456789abcdef0123456789abcdef";
const PERSON: &str = "Marie-Theresia";
const PROVIDER_TOKEN: &str = "canary-of-a-provider-s-token-0123";

/// Every answer that was an error.
#[derive(Default)]
struct Errors(Vec<Answer>);

impl Errors {
    fn keep(&mut self, answer: Answer) -> Answer {
        if answer.status >= 400 {
            self.0.push(answer.clone());
        }
        answer
    }
}

/// A sign-up with everything that can go wrong, up to the end of the session.
async fn play(stage: &Stage, errors: &mut Errors) -> Vec<String> {
    let guest = Guest(4242);
    let mut form = guest.form();
    form["firstName"] = PERSON.into();
    let demo = sign_up(stage, errors, guest, &form).await;
    let token = errors.keep(stage.verify(&demo, CODE).await).is(202)["accessToken"].clone();
    let token = token.as_str().unwrap().to_owned();
    stage.provision(&demo).await;
    errors.keep(stage.get(&demo.access_path()).bearer(&token).send().await).is(200);
    errors.keep(stage.get(&demo.access_path()).bearer(&"ab".repeat(32)).send().await).is(401);
    let cookie = people(stage, errors, &demo).await;
    operators(stage, errors, &demo).await;
    webhooks(stage, errors, &demo).await;
    money(stage, errors, &demo).await;
    texts(stage, errors, &cookie).await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    let key = keys(stage, errors).await;
    credentials(stage, errors).await;
    let theirs = tenant_keys(stage, errors, &demo, &cookie).await;
    let secret = |key: &str| key.rsplit('_').next().unwrap().to_owned();
    vec![token, session, secret(&key), key, secret(&theirs), theirs]
}

async fn sign_up(stage: &Stage, errors: &mut Errors, guest: Guest, form: &Value) -> Demo {
    let post = |path: &str, body: &Value| stage.post(path).from_ip(guest.ip()).json(body).send();
    let path = "/api/demo/create-tenant";
    let body = errors.keep(post(path, form).await).is(202);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let demo = Demo { guest, tenant: text("tenantId"), bot: text("botId"), token: String::new() };
    errors.keep(post(path, form).await).is(409);
    for name in ["contactPhone", "contactEmail", "firstName", "companyName"] {
        let mut wrong = form.clone();
        wrong[name] = format!("{}\0{}", guest.phone(), guest.email()).into();
        errors.keep(post(path, &wrong).await).is(422);
        wrong[name] = format!("{}{}", guest.phone(), guest.phone()).repeat(60).into();
        errors.keep(post(path, &wrong).await);
    }
    let twice = format!("{{\"phoneNumber\":\"{0}\",\"phoneNumber\":\"{0}\"}}", guest.phone());
    errors.keep(stage.post("/api/demo/setup").body("application/json", twice).send().await).is(422);
    let cut = format!("{{\"phoneNumber\":\"{}", guest.phone());
    errors.keep(stage.post("/api/demo/setup").body("application/json", cut).send().await).is(400);
    for _ in 0..3 {
        errors.keep(post("/api/demo/setup", &json!({ "phoneNumber": guest.phone() })).await);
    }
    stage.issue_code(&demo).await;
    errors.keep(stage.verify(&demo, WRONG_CODE).await).is(400);
    errors.keep(stage.verify_by_phone(&guest.phone(), WRONG_CODE).await).is(400);
    let mixture = json!({ "phoneNumber": guest.phone(), "code": CODE, "email": guest.email() });
    errors.keep(post("/api/demo/verify-phone", &mixture).await);
    let in_query = format!("/api/demo/verify-phone?code={CODE}&wait={}", guest.email());
    errors.keep(post(&in_query, &json!({ "tenantId": demo.tenant, "code": CODE })).await).is(422);
    demo
}

async fn people(stage: &Stage, errors: &mut Errors, demo: &Demo) -> String {
    let email = demo.guest.email();
    errors.keep(stage.login(&email, WRONG_PASSWORD).await).is(401);
    errors.keep(stage.login("nobody@example.com", WRONG_PASSWORD).await).is(401);
    errors.keep(stage.login(&email, "\0").await).is(422);
    let opened = errors.keep(stage.login(&email, Demo::PASSWORD).await);
    opened.is(200);
    let cookie = opened.cookie();
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        stage.post("/api/auth/change-password").cookie(&cookie).json(&body).send().await
    };
    errors.keep(stage.get("/api/tenant").cookie(&cookie).send().await).is(403);
    errors.keep(change(WRONG_PASSWORD, OWN).await).is(403);
    errors.keep(change(Demo::PASSWORD, Demo::PASSWORD).await).is(422);
    let changed = errors.keep(change(Demo::PASSWORD, OWN).await);
    changed.is(200);
    errors.keep(stage.get("/api/me").cookie(&cookie).send().await).is(401);
    changed.cookie()
}

async fn operators(stage: &Stage, errors: &mut Errors, demo: &Demo) {
    errors.keep(stage.get("/v1/admin/jobs").bearer(WRONG_KEY).send().await).is(401);
    errors.keep(stage.get("/v1/admin/jobs").as_operator().send().await).is(200);
    let path = format!("/v1/admin/jobs?kind={}&page={WRONG_KEY}", demo.guest.email());
    errors.keep(stage.get(&path).as_operator().send().await).is(422);
    let ask = |body: Value| stage.post("/v1/admin/jobs").as_operator().json(&body).send();
    let phone = demo.guest.phone();
    let wrong = json!({ "kind": "sleep", "args": { "ms": phone }, "unique_key": "" });
    errors.keep(ask(wrong).await).is(422);
    let wrong = json!({ "kind": phone, "queue": demo.guest.email(), "tenant_id": PERSON });
    errors.keep(ask(wrong).await).is(422);
    let path = format!("/v1/admin/demo/{}/verify", demo.tenant);
    errors.keep(stage.post(&path).as_operator().send().await).is(409);
    erasures(stage, errors, &phone).await;
    let probing = format!("/{}/{}?key={ADMIN_KEY}", demo.guest.phone(), demo.guest.email());
    errors.keep(stage.get(&probing).send().await).is(404);
}

/// Somebody is to be erased, rightly and wrongly.
async fn erasures(stage: &Stage, errors: &mut Errors, phone: &str) {
    let path = "/v1/admin/erasures";
    let ask = |path: &str, body: Value| stage.post(path).as_operator().json(&body).send();
    errors.keep(ask(&format!("{path}/preview"), json!({ "phone": phone })).await).is(409);
    errors.keep(ask(path, json!({ "phone": phone, "reason": "asked" })).await).is(409);
    errors.keep(ask(path, json!({ "phone": phone, "reason": phone })).await).is(422);
    let wrong = json!({ "phone": format!("{phone}x"), "person": phone, "tenant": phone });
    errors.keep(ask(path, wrong).await).is(422);
    errors.keep(stage.get(&format!("{path}?cursor={phone}")).as_operator().send().await).is(422);
}

/// A key of an operator, made, used rightly and wrongly, and asked for again.
async fn keys(stage: &Stage, errors: &mut Errors) -> String {
    let order = async |key: &str| {
        let ask = stage.post("/v1/admin/keys").bearer(key).header("idempotency-key", "once");
        ask.json(&json!({ "name": "ada", "role": "viewer" })).send().await
    };
    let made = errors.keep(order(ADMIN_KEY).await).is(201);
    let key = made["key"].as_str().unwrap().to_owned();
    errors.keep(order(ADMIN_KEY).await).is(409);
    errors.keep(order(&key).await).is(403);
    errors.keep(stage.get("/v1/admin/jobs").bearer(&key).send().await).is(200);
    errors.keep(stage.get("/v1/admin/jobs").bearer(&key[..80]).send().await).is(401);
    errors.keep(stage.get(&format!("/v1/admin/jobs?kind={key}")).bearer(&key).send().await);
    key
}

/// What a provider knows us by, set rightly and wrongly, and used.
async fn credentials(stage: &Stage, errors: &mut Errors) {
    let path = "/v1/admin/provider-credentials";
    let order = async |name: &str, body: Value| {
        stage.post(&format!("{path}/{name}")).as_operator().json(&body).send().await
    };
    let body = json!({ "secret": PROVIDER_TOKEN, "reason": "in turn" });
    errors.keep(order("twilio_auth_token", body.clone()).await).is(201);
    errors.keep(order("twilio_auth_token", body.clone()).await).is(409);
    errors.keep(order("stripe_webhook_secret", body.clone()).await).is(422);
    errors.keep(order(PROVIDER_TOKEN, body).await).is(404);
    let wrong = json!({ "secret": format!("{PROVIDER_TOKEN}\0"), "grace_secs": PROVIDER_TOKEN });
    errors.keep(order("twilio_auth_token", wrong).await).is(422);
    let listed = stage.get(path).as_operator().send().await;
    assert!(listed.is(200)["items"][0]["counts"] == true && !listed.text.contains(PROVIDER_TOKEN));
    let signed = Webhook::status(SID, "sent").signed(PROVIDER_TOKEN);
    let is_taken = async || holds(signed.post(stage).await.status == 204);
    wait_until("the token counts", is_taken).await;
}

/// A key of the tenant's, made by a person, used rightly and wrongly, and rotated by an operator.
async fn tenant_keys(stage: &Stage, errors: &mut Errors, demo: &Demo, cookie: &str) -> String {
    let name = json!({ "name": PERSON });
    let made = errors.keep(stage.post("/api/keys").cookie(cookie).json(&name).send().await).is(201);
    let key = made["key"].as_str().unwrap().to_owned();
    let look = |key: &str| stage.get("/api/tenant").header("x-api-key", key).send();
    errors.keep(look(&key).await).is(200);
    errors.keep(look(&key[..80]).await).is(401);
    errors.keep(look(&format!("{key}0")).await).is(401);
    let about =
        |key: &str| stage.get(&format!("/api/conversations?cursor={key}")).bearer(key).send();
    errors.keep(about(&key).await).is(422);
    let wrong = json!({ "name": key, "perMinute": key, "expiresInDays": key });
    errors.keep(stage.post("/api/keys").cookie(cookie).json(&wrong).send().await).is(422);
    errors.keep(stage.post(&format!("/api/keys/{key}/revoke")).cookie(cookie).send().await).is(404);
    let path = format!("/v1/admin/businesses/{}/keys/{key}/rotate", demo.tenant);
    errors.keep(stage.post(&path).as_operator().send().await).is(404);
    key
}

/// What somebody writes in confidence.
const SAID: &str = "my left knee hurts since Tuesday";

async fn webhooks(stage: &Stage, errors: &mut Errors, demo: &Demo) {
    let phone = Guest(4242).phone();
    calls(stage, errors, demo, &phone).await;
    let text = Webhook::text(SID, &phone, "+15550100000", SAID);
    assert_eq!(errors.keep(text.post(stage).await).status, 200);
    errors.keep(text.clone().unsigned().post(stage).await).is(401);
    errors.keep(text.tampered("Body", SAID).post(stage).await);
    errors.keep(Webhook::text(&phone, &phone, "+15550100000", SAID).post(stage).await).is(400);
    errors.keep(Webhook::text(SID, &phone, SAID, SAID).post(stage).await).is(400);
    let webhook = Webhook::status(SID, "delivered").and("To", &phone);
    errors.keep(webhook.post(stage).await).is(204);
    errors.keep(webhook.clone().unsigned().post(stage).await).is(401);
    errors.keep(webhook.tampered("To", PERSON).post(stage).await).is(401);
    errors.keep(Webhook::status(SID, &phone).post(stage).await).is(400);
    errors.keep(Webhook::status(&phone, "delivered").post(stage).await).is(400);
    errors
        .keep(Webhook::status(SID, "sent").query(&format!("sm={phone}")).post(stage).await)
        .is(400);
}

/// What Stripe posts, and what operators write about money.
async fn money(stage: &Stage, errors: &mut Errors, demo: &Demo) {
    let event = json!({ "id": "evt_1", "data": { "object": { "id": PERSON, "email": demo.guest.email() } } });
    for header in ["t=1,v1=00", PERSON] {
        let ask = stage.post("/webhooks/stripe").header("stripe-signature", header);
        errors.keep(ask.body("application/json", event.to_string()).send().await).is(401);
    }
    let ask = |path: String, body: Value| stage.post(&path).as_operator().json(&body).send();
    let (phone, tenant) = (demo.guest.phone(), &demo.tenant);
    let wrong = json!({ "plan": phone, "payment_method": PERSON, "quantity": phone });
    for path in [
        format!("/v1/admin/businesses/{tenant}/subscription"),
        format!("/v1/admin/demo/{tenant}/convert"),
        "/v1/admin/plans".to_owned(),
    ] {
        errors.keep(ask(path, wrong.clone()).await).is(422);
    }
    let number = json!({ "phone": format!("{phone}x"), "twilio_sid": PERSON });
    errors.keep(ask("/v1/admin/numbers".to_owned(), number).await).is(422);
    errors.keep(ask(format!("/v1/admin/demo/{phone}/code"), json!({})).await).is(404);
    errors.keep(stage.post("/api/cron").bearer(WRONG_KEY).send().await).is(401);
    errors
        .keep(
            stage
                .get(&format!("/v1/admin/webhooks?object={phone}&state={PERSON}"))
                .as_operator()
                .send()
                .await,
        )
        .is(422);
}

/// What a tenant's people write.
async fn texts(stage: &Stage, errors: &mut Errors, cookie: &str) {
    let ask = |path: &str, body: Value| stage.post(path).cookie(cookie).json(&body).send();
    let phone = Guest(4242).phone();
    let sent = json!({ "to": phone, "body": SAID });
    errors.keep(ask("/api/messages", sent).await).is(202);
    let wrong = json!({ "to": format!("{phone}{phone}"), "body": SAID, "sendAt": SAID });
    errors.keep(ask("/api/messages", wrong).await).is(422);
    errors
        .keep(ask("/api/messaging", json!({ "ownerPhone": SAID, "timeZone": phone })).await)
        .is(422);
    errors
        .keep(stage.get(&format!("/api/conversations?cursor={phone}")).cookie(cookie).send().await)
        .is(422);
    errors
        .keep(ask(&format!("/api/conversations/{phone}/messages"), json!({ "body": SAID })).await)
        .is(404);
}

/// Somebody rings, is put through, and the tenant has said how.
async fn calls(stage: &Stage, errors: &mut Errors, demo: &Demo, phone: &str) {
    let path = format!("/v1/admin/businesses/{}/voice", demo.tenant);
    let post = async |body: Value| stage.post(&path).as_operator().json(&body).send().await;
    let right = json!({ "voiceMode": "off", "transferPhone": phone, "greeting": SAID, "emergencyKeywords": [SAID] });
    errors.keep(post(right).await).is(200);
    let wrong = json!({ "voiceMode": SAID, "transferPhone": SAID, "greeting": phone.repeat(99), "links": { SAID: phone },
        "emergencyKeywords": [phone.repeat(9)], "businessHours": { phone: [SAID] } });
    errors.keep(post(wrong).await).is(422);
    let sid = format!("CA{:032x}", 4242);
    let ring =
        |to: &str| Webhook::call(&sid, "ringing", to).and("From", phone).and("CallerName", PERSON);
    let named = ring("+15550100000").to("/telephony/incoming");
    let named = named.query(&format!("business_id={}", demo.tenant));
    assert_eq!(errors.keep(named.post(stage).await).status, 200);
    errors.keep(named.clone().unsigned().post(stage).await).is(401);
    errors.keep(ring(phone).to("/telephony/incoming").and("Direction", phone).post(stage).await);
    errors.keep(Webhook::call(phone, SAID, phone).to("/twilio/voice").post(stage).await).is(400);
    let dialed = ring(phone).and("DialCallStatus", phone).to("/telephony/dialed");
    errors.keep(dialed.post(stage).await).is(400);
}

#[tokio::test]
async fn no_log_no_metric_and_no_error_holds_a_person_or_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // This test's thread is all of the API's runtime.
    let _logging = tracing::subscriber::set_default(subscriber);
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let measuring = metrics::set_default_local_recorder(&recorder);

    let stage = Stage::open().await;
    let mut errors = Errors::default();
    let tokens = play(&stage, &mut errors).await;
    drop(measuring);

    let guest = Guest(4242);
    let (phone, email) = (guest.phone(), guest.email());
    let sealed = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let mut canaries = vec![
        &phone[1..],
        &phone[4..],
        &email,
        "guest4242",
        CODE,
        WRONG_CODE,
        PERSON,
        SAID,
        "left knee",
        OWN,
        WRONG_PASSWORD,
        WRONG_KEY,
        ADMIN_KEY,
        PEPPER,
        TWILIO_TOKEN,
        TWILIO_TOKEN_BEFORE,
        PROVIDER_TOKEN,
        Demo::PASSWORD,
        sealed,
        "198.18.16.146",
    ];
    canaries.extend(tokens.iter().map(String::as_str));
    let (log, metrics) = (log.text(), metrics.render());
    assert!(log.contains("POST /api/demo/create-tenant 202"), "the log is looked at: {log}");
    assert!(metrics.contains(api::metrics::SIGNUPS), "the metrics are looked at: {metrics}");
    assert!(errors.0.len() > 25, "{}", errors.0.len());
    for canary in canaries {
        let line = log.lines().find(|line| line.contains(canary));
        assert!(line.is_none(), "{canary:?} is in the log: {line:?}");
        assert!(!metrics.contains(canary), "{canary:?} is in the metrics");
        let error = errors.0.iter().find(|answer| {
            answer.text.contains(canary) || format!("{:?}", answer.headers).contains(canary)
        });
        assert!(error.is_none(), "{canary:?} is in an error: {error:?}");
    }
}
