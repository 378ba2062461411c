//! Twilio's and Stripe's own libraries as judges: they accept what we sign, and we accept what they sign.

use chrono::DateTime;
use clients::{
    stripe,
    twilio::signature::{self, Payload},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{packages, partner::Partner};

/// Cases of each kind. One takes the library a fraction of a millisecond.
const CASES: usize = 500;

/// A webhook of Twilio's: where it goes, what is in it, with which token it is signed.
#[derive(Debug, Clone)]
struct Hook {
    url: String,
    params: Vec<(String, String)>,
    token: String,
}

/// Addresses with and without port, case, trailing slash and encoded queries, as they are configured.
fn address() -> impl Strategy<Value = String> {
    let port = prop_oneof![Just(""), Just(":443"), Just(":80"), Just(":8443")];
    let path = prop_oneof![
        Just("/telephony/sms-status"),
        Just("/telephony/status/"),
        Just("/api/twilio/sms"),
        Just("/Twilio/Voice"),
        Just("/"),
    ];
    let query = "(\\?[a-z]{1,3}=[A-Za-z0-9+%20]{0,6}(&[a-z]{1,3}=%C3%BC)?)?";
    (prop_oneof![Just("https"), Just("http")], "[a-z]{1,8}\\.example\\.com", port, path, query)
        .prop_map(|(scheme, host, port, path, query)| {
            format!("{scheme}://{host}{port}{path}{}", query.replace('%', "%25"))
        })
}

/// Forms with repeated names, empty values and letters of every script.
fn hook() -> impl Strategy<Value = Hook> {
    let name = prop_oneof![
        Just("MediaUrl".to_owned()),
        Just("Body".to_owned()),
        "[A-Za-z][A-Za-z0-9.]{0,8}"
    ];
    let value = prop_oneof!["[ -~]{0,12}", "\\PC{0,8}", Just("Grüße 👋 +1\r\n".to_owned())];
    let params = proptest::collection::vec((name, value), 0..9);
    (address(), params, "[0-9a-f]{32}").prop_map(|(url, params, token)| Hook { url, params, token })
}

/// So many values, the same ones for the same seed.
fn generated<S: Strategy>(strategy: &S) -> Vec<S::Value> {
    let seed = tests::seed::seed();
    eprintln!("TRUNKLINE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(Config::default().rng_algorithm, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

async fn judge() -> Option<Partner> {
    let python = packages::python("official").await?;
    Some(Partner::start(&python, "signatures", &[]))
}

fn secret(text: &str) -> SecretString {
    text.into()
}

#[tokio::test]
async fn twilios_library_accepts_what_we_sign_and_we_what_it_signs() {
    let Some(mut twilio) = judge().await else { return };
    for Hook { url, params, token } in generated(&hook()) {
        let theirs = json!({ "do": "twilio_sign", "url": url, "params": params, "token": token });
        let theirs = twilio.ask(&theirs).await;
        let ours = signature::sign(&url, &params, &secret(&token));
        assert_eq!(theirs, ours, "{url} {params:?}");
        let tokens = [secret("another"), secret(&token)];
        assert!(signature::verify(&url, Payload::Form(&params), &ours, &tokens), "{url}");

        let check = |url: &str, params: &[(String, String)]| json!({ "do": "twilio_check", "url": url, "params": params, "token": token, "signature": ours });
        assert_eq!(twilio.ask(&check(&url, &params)).await, true, "{url} {params:?}");
        // What nobody signed neither accepts; and they differ in nothing else either.
        let mut more = params.clone();
        more.push(("Zusatz".to_owned(), "x".to_owned()));
        assert_eq!(twilio.ask(&check(&url, &more)).await, false);
        assert!(!signature::verify(&url, Payload::Form(&more), &ours, &tokens));
    }
}

/// The same address with and without the port that its scheme means: Twilio signs sometimes the one, sometimes the other.
#[tokio::test]
async fn we_accept_every_port_that_twilios_library_accepts() {
    let Some(mut twilio) = judge().await else { return };
    for Hook { url, params, token } in generated(&hook()) {
        let bare = url.replace(":8443", "").replace(":443", "").replace(":80", "");
        let (scheme, rest) = bare.split_once("://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        let port = if scheme == "https" { 443 } else { 80 };
        let signed = format!("{scheme}://{host}:{port}{path}");
        for (signed, asked) in [(&signed, &bare), (&bare, &signed)] {
            let ours = signature::sign(signed, &params, &secret(&token));
            let check = json!({
                "do": "twilio_check", "url": asked, "params": params, "token": token, "signature": ours,
            });
            let theirs = twilio.ask(&check).await;
            let tokens = [secret(&token)];
            assert_eq!(theirs, true, "{signed} {asked}");
            assert!(signature::verify(asked, Payload::Form(&params), &ours, &tokens), "{asked}");
        }
    }
}

#[tokio::test]
async fn twilios_library_and_we_agree_about_bodies_of_json() {
    let Some(mut twilio) = judge().await else { return };
    for (Hook { url, params, token }, tampered) in generated(&(hook(), any::<bool>())) {
        let body = json!(params).to_string();
        let hash = signature::body_hash(body.as_bytes());
        let between = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{between}bodySHA256={hash}");
        let ours = signature::sign(&url, &[], &secret(&token));
        let sign = json!({ "do": "twilio_sign", "url": url, "params": [], "token": token });
        assert_eq!(twilio.ask(&sign).await, ours);
        let sent = if tampered { format!("{body} ") } else { body };
        let check = json!({ "do": "twilio_check", "url": url, "body": sent, "token": token, "signature": ours });
        let tokens = [secret(&token)];
        let accepted = signature::verify(&url, Payload::Json(sent.as_bytes()), &ours, &tokens);
        assert_eq!(twilio.ask(&check).await, accepted, "{url} {sent}");
        assert_eq!(accepted, !tampered);
    }
}

/// A body, a secret, when it was signed, and when it came.
fn event() -> impl Strategy<Value = (String, String, i64, i64)> {
    let body = prop_oneof!["[ -~]{0,40}", "\\PC{0,20}", Just(r#"{"id":"evt_ü"}"#.to_owned())];
    let age = prop_oneof![0_i64..=301, Just(300_i64), -1000_i64..1000];
    (body, "whsec_[A-Za-z0-9]{8,32}", 1_500_000_000_i64..2_000_000_000, age)
        .prop_map(|(body, secret, at, age)| (body, secret, at, at + age))
}

#[tokio::test]
async fn stripes_library_accepts_what_we_sign_and_we_what_it_signs() {
    let Some(mut judge) = judge().await else { return };
    for (body, key, at, now) in generated(&event()) {
        let key = secret(&key);
        let [signed, came] = [at, now].map(|secs| DateTime::from_timestamp(secs, 0).unwrap());
        let sign = json!({ "do": "stripe_sign", "payload": body, "secret": plain(&key), "at": at });
        let theirs = judge.ask(&sign).await;
        let ours = stripe::signature::sign(body.as_bytes(), signed, &key);
        assert_eq!(theirs, ours);
        let check = check(&body, &ours, &key, now);
        assert_eq!(
            judge.ask(&check).await,
            accepts(&body, &ours, &key, came),
            "{body:?} {}",
            now - at
        );
    }
}

/// Headers as nobody should make them: ours and the library's judgement is the same.
#[tokio::test]
async fn stripes_library_and_we_agree_about_odd_headers() {
    let Some(mut judge) = judge().await else { return };
    for (body, key, at, _) in generated(&event()).into_iter().take(60) {
        let key = secret(&key);
        let now = DateTime::from_timestamp(at, 0).unwrap();
        let good = stripe::signature::sign(body.as_bytes(), now, &key);
        let (time, fits) = good.split_once(",v1=").unwrap();
        let bad = "0".repeat(64);
        for header in [
            format!("{time},v1={bad},v1={fits}"),
            format!("v1={fits},{time}"),
            format!("{time},v0={fits}"),
            format!("{time}, v1={fits}"),
            format!("{time},v1={fits}=="),
            format!("{time},v1={},v1={bad}", fits.to_uppercase()),
            format!("{time},v1={fits},v2=,x"),
            format!("t=1,{time},v1={fits}"),
            time.to_owned(),
            format!("v1={fits}"),
            "t=,v1=".to_owned(),
            "garbage".to_owned(),
            String::new(),
        ] {
            let theirs = judge.ask(&check(&body, &header, &key, at)).await;
            assert_eq!(theirs, accepts(&body, &header, &key, now), "{header}");
        }
    }
}

fn check(body: &str, header: &str, key: &SecretString, now: i64) -> Value {
    json!({ "do": "stripe_check", "payload": body, "header": header, "secret": plain(key), "now": now })
}

fn accepts(body: &str, header: &str, key: &SecretString, now: DateTime<chrono::Utc>) -> bool {
    stripe::signature::verify(body.as_bytes(), header, std::slice::from_ref(key))
        .is_ok_and(|signed| signed.is_recent(now))
}

fn plain(key: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(key)
}
