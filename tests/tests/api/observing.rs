//! What machines ask: does it live, is it ready, how is it doing. And what every answer carries.

use std::{panic, time::Duration};

use daemon::telemetry::{self, LogConfig, LogFormat};
use serde_json::json;
use tests::{Proxy, TestApi, TestDb, holds, wait_until};

use crate::stage::{Guest, Stage};

/// The recorder of a process, without its log and its panic hook.
fn metrics() -> telemetry::Metrics {
    let hook = panic::take_hook();
    let log = LogConfig { filter: "off".to_owned(), format: LogFormat::Text };
    let metrics = telemetry::install(&log, "api", "0").unwrap();
    panic::set_hook(hook);
    metrics
}

#[tokio::test]
async fn a_process_that_reaches_its_database_is_ready_and_healthy() {
    let stage = Stage::open().await;
    let ready = async || holds(stage.get("/readyz").send_unchecked().await.status == 200);
    wait_until("it is ready", ready).await;
    let ready = stage.get("/readyz").send().await.is(200);
    assert_eq!((&ready["ready"], &ready["draining"]), (&json!(true), &json!(false)));
    assert_eq!(stage.get("/livez").send().await.is(200)["live"], true);
    let health = stage.get("/health").send().await.is(200);
    assert_eq!(
        (&health["status"], &health["checks"]),
        (&json!("healthy"), &json!({ "database": true }))
    );
    let at: chrono::DateTime<chrono::Utc> = health["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((stage.db.now().await - at).abs() < chrono::TimeDelta::minutes(1), "{health}");
    assert!(!health["version"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn without_its_database_it_lives_and_says_so_and_asks_to_come_back() {
    let db = TestDb::new().await;
    db.may_leave_jobs();
    let proxy = Proxy::before(db.app_url()).await;
    let config = db.engine_config_at(proxy.url().clone());
    let detached = telemetry::Metrics::detached();
    let api = TestApi::start(config, &tests::variables(), detached).await;
    let status = async |path: &str| api.get(path).send_unchecked().await.status;
    wait_until("it is ready", async || holds(status("/readyz").await == 200)).await;
    drop(proxy); // nobody listens there any more
    let body = json!({ "phoneNumber": Guest(1).phone() });
    let answers = tokio::join!(
        api.get("/v1/admin/jobs").as_operator().send_unchecked(),
        api.post("/api/demo/setup").json(&body).send_unchecked(),
    );
    for answer in [answers.0, answers.1] {
        answer.problem(503, "unavailable");
        answer.check_problem();
        assert_eq!(answer.header("retry-after"), "1");
    }
    wait_until("it is not ready", async || holds(status("/readyz").await == 503)).await;
    assert_eq!(status("/livez").await, 200);
    let health = api.get("/health").send().await.is(200);
    assert_eq!(
        (&health["status"], &health["checks"]),
        (&json!("degraded"), &json!({ "database": false }))
    );
    assert_eq!(db.number("select from product.demo_signups").await, 0);
}

#[tokio::test]
async fn metrics_can_be_read_and_their_labels_are_few() {
    let stage = Stage::measured(&[], metrics()).await;
    stage.sign_up(Guest(1)).await;
    stage.ask_for_demo(Guest(1)).await.problem(409, "demo_already_open");
    for path in ["/wp-login.php", "/api/demo/01a1fc41-3c5f-703a-a74d-081bf3e2c246/status"] {
        stage.get(path).send().await.is(404);
    }
    let method = reqwest::Method::from_bytes(b"BREW").unwrap();
    stage.ask(&method, "/api/demo/setup").send().await.is(405);
    let answer = stage.get("/metrics").send().await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{answer:?}");
    let text = answer.text;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{line}");
        assert!(series.contains('{') == series.ends_with('}'), "{line}");
    }
    let has =
        |parts: &[&str]| text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    let count = format!("{}_count", api::metrics::REQUEST_TIME);
    assert!(has(&[&count, "create-tenant", "status=\"202\"", "} 1"]), "{text}");
    assert!(has(&[&count, "create-tenant", "status=\"409\"", "} 1"]), "{text}");
    assert!(has(&[&count, "route=\"unmatched\"", "status=\"404\""]), "{text}");
    assert!(has(&[&count, "method=\"other\"", "status=\"405\""]), "{text}");
    assert!(has(&[api::metrics::SIGNUPS, "outcome=\"accepted\"", "} 1"]), "{text}");
    assert!(has(&[api::metrics::SIGNUPS, "outcome=\"already_open\"", "} 1"]), "{text}");
    for stranger in ["wp-login", "01a1fc41", "BREW"] {
        assert!(!text.contains(stranger), "{text}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful_and_carries_the_request_s_id() {
    let stage = Stage::open().await;
    for path in ["/health", "/nowhere", "/api/me", "/metrics"] {
        let answer = stage.get(path).header("x-request-id", "abc-123").send().await;
        for (name, value) in [
            ("x-request-id", "abc-123"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-xss-protection", "0"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{name} {answer:?}");
        }
        assert!(answer.header("server").is_empty(), "{answer:?}");
    }
    let forged = stage.get("/nowhere").header("x-request-id", "a b\tc").send().await;
    assert_ne!(forged.header("x-request-id"), "a b\tc");
}

#[tokio::test]
async fn a_process_that_stops_answers_what_it_has_begun() {
    let stage = Stage::open().await;
    let leaving = stage.another_api().await;
    let demo = stage.invited(Guest(1)).await;
    let body = json!({ "tenantId": demo.tenant, "code": crate::stage::CODE });
    let waiting = leaving.post("/api/demo/verify-phone?wait=10s").json(&body).send();
    let stopping = async {
        let provisioning = async || holds(stage.status_of(&demo).await == "provisioning");
        wait_until("the code is used", provisioning).await;
        let address = leaving.address();
        let stopped = leaving.stop();
        let (_, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(20), stopped), async {
            stage.provision(&demo).await;
        });
        address
    };
    let (answer, address) = tokio::join!(waiting, stopping);
    assert_eq!(answer.is(200)["demoTenant"]["id"], demo.tenant);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
