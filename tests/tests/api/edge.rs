//! What is decided about a request before its route sees it.

use std::collections::BTreeSet;

use api::{Guard, ROUTES};
use reqwest::Method;
use serde_json::json;
use tests::{Answer, PUBLIC_BASE_URL, TestApi, holds, wait_until};

use crate::stage::{Guest, Stage, Webhook};

const ME: &str = "/api/me";
const FRIEND: &str = "https://app.trunkline.test";

async fn visit(api: &TestApi, guest: Guest) -> Answer {
    api.get(ME).from_ip(guest.ip()).send().await
}

#[tokio::test]
async fn one_address_has_so_many_requests_a_minute_over_all_instances_and_is_told_how_many_yet() {
    let stage = Stage::with(&[("TRUNKLINE_REQUESTS_PER_MINUTE", "4")]).await;
    let other = stage.another_api().await;
    let first = visit(&stage.api, Guest(1)).await;
    first.problem(401, "tenant_context_required");
    assert_eq!(first.header("ratelimit-policy"), "\"per-ip\";q=4;w=60");
    assert!(first.header("ratelimit").starts_with("\"per-ip\";r=3;t="), "{first:?}");
    for api in [&other, &stage.api, &other] {
        visit(api, Guest(1)).await.problem(401, "tenant_context_required");
    }
    // At both: the second time without a look at the database.
    for api in [&stage.api, &other, &stage.api, &other] {
        let refused = visit(api, Guest(1)).await;
        refused.problem(429, "rate_limited");
        let secs: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&secs), "{secs}");
        assert!(refused.header("ratelimit").starts_with("\"per-ip\";r=0;t="), "{refused:?}");
    }
    visit(&other, Guest(2)).await.problem(401, "tenant_context_required");
    stage.db.advance(std::time::Duration::from_secs(61)).await;
    let again = async || holds(visit(&stage.api, Guest(1)).await.status == 401);
    wait_until("the window is over", again).await;
    other.stop().await;
}

#[tokio::test]
async fn neither_webhooks_nor_operators_nor_probes_are_counted_with_the_visitors() {
    let stage = Stage::with(&[("TRUNKLINE_REQUESTS_PER_MINUTE", "1")]).await;
    for path in ["/health", "/livez", "/metrics", "/nowhere"] {
        assert_eq!(stage.get(path).send_unchecked().await.header("ratelimit"), "", "{path}");
    }
    for _ in 0..3 {
        let webhook = Webhook::status("SM0123456789abcdef0123456789abcdef", "sent");
        assert_eq!(webhook.post(&stage).await.status, 204);
        stage.get("/v1/admin/jobs").as_operator().send().await.is(200);
    }
    stage.get(ME).send().await.problem(401, "tenant_context_required");
    stage.get(ME).send().await.problem(429, "rate_limited");
}

#[tokio::test]
async fn only_pages_of_sites_that_are_named_may_ask_and_never_for_operators() {
    let stage = Stage::with(&[("TRUNKLINE_CORS_ORIGINS", FRIEND)]).await;
    let preflight = async |path: &str, origin: &str| {
        let ask = stage.ask(&Method::OPTIONS, path).header("origin", origin);
        ask.header("access-control-request-method", "POST").send().await
    };
    let allowed = preflight("/api/voice", FRIEND).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), FRIEND);
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert_eq!(allowed.header("access-control-allow-methods"), "GET, POST");
    for name in ["authorization", "idempotency-key", "if-match"] {
        let names = allowed.header("access-control-allow-headers").to_owned();
        assert!(names.split(", ").any(|it| it == name), "{name}: {names}");
    }
    let asked = stage.get(ME).header("origin", FRIEND).send().await;
    assert_eq!(asked.header("access-control-allow-origin"), FRIEND);
    assert_eq!(asked.header("vary"), "origin");
    for origin in ["https://evil.example", "http://app.trunkline.test", "null"] {
        let refused = preflight("/api/voice", origin).await;
        refused.problem(405, "method_not_allowed");
        let asked = stage.get(ME).header("origin", origin).send().await;
        for answer in [refused, asked] {
            assert_eq!(answer.header("access-control-allow-origin"), "", "{answer:?}");
        }
    }
    let others = ROUTES.iter().filter(|route| {
        let guards =
            [Guard::AdminKey, Guard::CronSecret, Guard::TwilioSignature, Guard::StripeSignature];
        guards.contains(&route.guard)
    });
    for path in others.map(|route| route.path).collect::<BTreeSet<_>>() {
        let refused = preflight(path, FRIEND).await;
        assert_eq!(refused.header("access-control-allow-origin"), "", "{refused:?}");
        refused.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn whatever_a_session_changes_no_other_site_s_page_can() {
    let stage = Stage::with(&[("TRUNKLINE_CORS_ORIGINS", FRIEND)]).await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.own_session(&demo).await;
    let guards = [Guard::Session, Guard::OwnPassword, Guard::Member, Guard::AnySession];
    let changing = ROUTES.iter().filter(|it| it.method != "GET" && guards.contains(&it.guard));
    for route in changing {
        let path = route.path.replace("{conversation}", &demo.tenant);
        let path = path.replace("{request}", &demo.tenant).replace("{id}", &demo.tenant);
        let ask = |origin: &str| stage.post(&path).cookie(&cookie).header("origin", origin);
        for origin in ["https://evil.example", "null", "http://demo.trunkline.test"] {
            ask(origin).json(&json!({})).send().await.problem(403, "foreign_origin");
        }
        // What a page can send without leave is no JSON.
        let form = ask(PUBLIC_BASE_URL).body("application/x-www-form-urlencoded", "done=true");
        form.send().await.problem(415, "unsupported_media_type");
    }
    let settings = json!({ "smsEnabled": false });
    for origin in [PUBLIC_BASE_URL, FRIEND] {
        let ask = stage.post("/api/messaging").cookie(&cookie).header("origin", origin);
        ask.json(&settings).send().await.is(200);
    }
}

#[tokio::test]
async fn an_api_that_knows_its_names_answers_to_no_other() {
    let stage =
        Stage::with(&[("TRUNKLINE_TRUSTED_HOSTS", "demo.trunkline.test, *.api.test")]).await;
    let asked_as =
        async |path: &str, host: &str| stage.get(path).header("host", host).send_unchecked().await;
    for host in ["demo.trunkline.test", "DEMO.trunkline.test:443", "a.api.test"] {
        asked_as(ME, host).await.problem(401, "tenant_context_required");
    }
    for host in ["evil.example", "api.test", "demo.trunkline.test.evil.example", "127.0.0.1"] {
        for path in [ME, "/v1/admin/jobs", "/nowhere"] {
            let refused = asked_as(path, host).await;
            refused.problem(421, "unknown_host");
            refused.check_problem();
        }
        assert_eq!(asked_as("/livez", host).await.status, 200, "probes ask by address");
    }
}

#[tokio::test]
async fn what_comes_in_the_clear_is_sent_to_https_and_nothing_is_taken_from_it() {
    let stage = Stage::open().await;
    let look = stage.get("/api/me?a=b%20c").header("x-forwarded-proto", "http");
    let sent = look.header("host", "evil.example").send().await;
    assert_eq!((sent.status, sent.text.as_str()), (308, ""));
    assert_eq!(sent.header("location"), format!("{PUBLIC_BASE_URL}/api/me?a=b%20c"));
    let form = Guest(1).form();
    let post = stage.post("/api/demo/create-tenant").header("x-forwarded-proto", "http");
    post.json(&form).send().await.problem(403, "https_required");
    assert_eq!(stage.db.number("select from product.demo_signups").await, 0);
    let live = stage.get("/livez").header("x-forwarded-proto", "http").send().await;
    assert_eq!(live.status, 200, "probes come in the clear");
    let secure = stage.post("/api/demo/create-tenant").header("x-forwarded-proto", "https");
    secure.json(&form).send().await.is(202);
    let plain = Stage::with(&[("PUBLIC_BASE_URL", "http://demo.trunkline.test")]).await;
    let ask = plain.get(ME).header("x-forwarded-proto", "http").send().await;
    ask.problem(401, "tenant_context_required");
}
