//! A sign-up as spans: from the request through its jobs to what Twilio is asked, exported as a process exports them, to a
//! collector that reads the protocol.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tests::{Collector, SpanSeen};

use crate::stage::{ACCOUNT, ADMIN_KEY, SignUp, Stage, TOKEN, form};

/// What a caller sends who keeps the trace.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A sign-up whose caller names a trace.
async fn sign_up_within(stage: &Stage, traceparent: &str) -> SignUp {
    let phone = format!("+43664{}", rand::random_range(1_000_000..10_000_000_u32));
    let email = format!("huber-{}@example.com", rand::random::<u64>());
    let request = stage.http().post(stage.url("/api/demo/create-tenant"));
    let request = request.header("traceparent", traceparent).json(&form(&phone, &email));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 202);
    let answer: serde_json::Value = response.json().await.unwrap();
    let tenant = answer["tenantId"].as_str().unwrap().parse().unwrap();
    SignUp { tenant, phone, email }
}

/// Plays a sign-up to its end, and gives back what was exported of it, the access token and the code.
async fn play(collector: &Collector, traceparent: &str) -> (SignUp, Vec<SpanSeen>, [String; 2]) {
    let exporting = collector.export(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary-of-a-key")]);
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let signup = sign_up_within(&stage, traceparent).await;
    let code = stage.code(&signup).await;
    let token = stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;
    drop(worker);
    exporting.close().await;
    (signup, collector.spans(), [token, code])
}

/// The only one that is called this.
fn one<'a>(spans: &'a [SpanSeen], name: &str) -> &'a SpanSeen {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found[..] else { panic!("{} spans are called {name}", found.len()) };
    span
}

fn below<'a>(spans: &'a [SpanSeen], above: &'a SpanSeen) -> impl Iterator<Item = &'a SpanSeen> {
    spans.iter().filter(|span| span.above == above.id && span.trace == above.trace)
}

/// All attempts of a kind, in the order of their claims.
fn attempts<'a>(spans: &'a [SpanSeen], kind: &str) -> Vec<&'a SpanSeen> {
    let name = format!("process {kind}");
    let mut found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    found.sort_by_key(|span| span.says("trunkline.job.epoch").parse::<i32>().unwrap());
    found
}

#[tokio::test]
async fn a_request_its_jobs_and_their_calls_are_linked_spans() {
    let collector = Collector::start().await;
    let (_, spans, _) = play(&collector, CALLER).await;

    // The request stands below the caller's own span.
    let request = one(&spans, "POST /api/demo/create-tenant");
    assert_eq!(request.kind, SpanKind::Server);
    assert_eq!(format!("00-{}-{}-01", request.trace, request.above), CALLER);
    assert_eq!(request.says("http.route"), "/api/demo/create-tenant");
    assert_eq!(request.says("http.response.status_code"), "202");

    // Below it the enqueue, and linked to that each attempt, with a trace of its own.
    let kind = |span: &&SpanSeen| span.says("trunkline.job.kind") == "demo_signup";
    let sent: Vec<_> = below(&spans, request).filter(kind).collect();
    let [sent] = sent[..] else { panic!("{sent:#?}") };
    assert_eq!(sent.kind, SpanKind::Producer);
    let queue = sent.says("messaging.destination.name");
    assert_eq!(sent.name, format!("send {queue}"));
    let runs = attempts(&spans, "demo_signup");
    for run in &runs {
        assert_eq!((run.kind, run.above.as_str()), (SpanKind::Consumer, ""));
        assert_ne!(run.trace, request.trace);
        assert_eq!(run.links, [sent.context()]);
        assert_eq!(run.says("messaging.message.id"), sent.says("messaging.message.id"));
        assert_eq!(run.says("messaging.destination.name"), queue);
    }
    let last = runs.last().unwrap();
    assert_eq!(last.says("trunkline.job.outcome"), "succeeded");
    assert!(runs[..runs.len() - 1].iter().all(|it| it.says("trunkline.job.outcome") == "waiting"));
    let parts: Vec<_> = runs.iter().flat_map(|run| below(&spans, run)).collect();
    for (form, key) in [
        ("change", "open_tenant"),
        ("transaction", "issue_code"),
        ("change", "create_user"),
        ("transaction", "activate"),
    ] {
        let found = parts.iter().filter(|part| part.says("trunkline.step.key") == key);
        let found: Vec<_> = found.map(|part| (part.name.clone(), part.kind)).collect();
        assert_eq!(found, [(format!("{form} {key}"), SpanKind::Internal)]);
    }

    // A child is enqueued below its parent's attempt, and what it asks of Twilio is below the effect.
    let text = attempts(&spans, "send_sms")[0];
    let sent: Vec<_> = spans.iter().filter(|span| text.links == [span.context()]).collect();
    let [sent] = sent[..] else { panic!("{sent:#?}") };
    assert!(runs.iter().any(|run| run.id == sent.above && run.trace == sent.trace), "{sent:#?}");
    let deeds: Vec<_> =
        below(&spans, text).filter(|part| part.says("trunkline.step.form") == "effect").collect();
    let [deed] = deeds[..] else { panic!("{deeds:#?}") };
    let calls: Vec<_> = below(&spans, deed).collect();
    let [call] = calls[..] else { panic!("{calls:#?}") };
    assert_eq!((call.name.as_str(), call.kind), ("POST twilio", SpanKind::Client));
    let told: BTreeMap<&str, &str> =
        call.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let port = told["server.port"];
    assert_eq!(
        told,
        BTreeMap::from([
            ("peer.service", "twilio"),
            ("http.request.method", "POST"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
            ("http.response.status_code", "201"),
        ])
    );
    for (inner, outer) in [(call, deed), (deed, text)] {
        assert!(outer.began <= inner.began && inner.ended <= outer.ended, "{inner:?} {outer:?}");
    }
    assert!(spans.iter().all(|span| span.service == "trunkline-test"));
}

#[tokio::test]
async fn nothing_of_a_person_and_no_secret_is_in_what_is_exported() {
    let collector = Collector::start().await;
    let (signup, spans, secrets) = play(&collector, CALLER).await;
    assert!(spans.len() > 20, "{}", spans.len());
    let bytes = collector.bytes();
    let text = String::from_utf8_lossy(&bytes);
    let tenant = signup.tenant.to_string();
    let digits = signup.phone.trim_start_matches('+');
    let canaries = [digits, &signup.email, "Huber", &tenant, ACCOUNT, TOKEN, ADMIN_KEY];
    for canary in canaries.into_iter().chain(secrets.iter().map(String::as_str)) {
        // Ids of spans are bytes, which cannot spell a word of ours but by chance.
        assert!(!text.contains(canary), "{canary} was exported");
    }
    assert!(!text.contains("canary-of-a-key"));
    let keys = collector.header("x-key");
    assert!(!keys.is_empty() && keys.iter().all(|key| key == "canary-of-a-key"), "{keys:?}");
}

#[tokio::test]
async fn what_a_caller_does_not_keep_is_not_kept_by_its_jobs_either() {
    let collector = Collector::start().await;
    let unkept = CALLER.replace("-01", "-00");
    let (_, spans, _) = play(&collector, &unkept).await;
    // Others' requests are kept; there are some.
    assert!(spans.iter().any(|span| span.name == "POST /api/demo/verify-phone"));
    let caller = &CALLER[3..35];
    for span in &spans {
        assert_ne!(span.trace, caller, "{span:?}");
        let of_sign_up = ["demo_signup", "send_sms", "allocate_number"];
        assert!(!of_sign_up.contains(&span.says("trunkline.job.kind")), "{span:?}");
        assert_ne!(span.name, "POST twilio");
    }
}
