//! What no client means and some client sends, to every route: a problem that says so, never a fault of ours, and nothing
//! written.

use api::{ROUTES, Route};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Ask};

use crate::{
    bodies::BODIES,
    stage::{Demo, Guest, Rows, Stage},
};

/// Where fields that we do not know are ignored: forms carry more than we ask for.
const IGNORANT: [&str; 2] = ["/api/demo/create-tenant", "/api/demo/setup"];

const JSON: &str = "application/json";

/// Everything that any guard asks for, so that only the input is wrong.
struct Insider {
    stage: Stage,
    demo: Demo,
    cookie: String,
    job: String,
    conversation: String,
}

impl Insider {
    async fn new() -> Insider {
        let stage = Stage::open().await;
        let demo = stage.active(Guest(1)).await;
        let cookie = stage.own_session(&demo).await;
        let conversation = stage.conversation(&demo, "+436607654321").await;
        let job = stage.get(&demo.status_path()).send().await.json()["jobId"].clone();
        Insider { stage, demo, cookie, job: job.as_str().unwrap().to_owned(), conversation }
    }

    fn ask(&self, method: &str, path: &str) -> Ask {
        let path = path.replace("{tenant}", &self.demo.tenant).replace("{id}", &self.job);
        let path = path.replace("{conversation}", &self.conversation).replace("{name}", "try");
        let ask = self.stage.ask(&Method::from_bytes(method.as_bytes()).unwrap(), &path);
        let ask = ask.header("x-admin-api-key", tests::ADMIN_KEY).cookie(&self.cookie);
        if path.ends_with("/access") { ask.bearer(&self.demo.token) } else { ask }
    }

    fn post(&self, path: &str) -> Ask {
        self.ask("POST", path)
    }

    /// Asks something of every route that reads a body, and sees to it that nothing is written.
    async fn everywhere(&self, ask: impl AsyncFn(&str, &str, bool)) {
        let before = Rows::count(&self.stage.db).await;
        for (path, field, is_required) in BODIES {
            ask(path, field, *is_required).await;
        }
        assert_eq!(Rows::count(&self.stage.db).await, before);
    }
}

fn one_field(name: &str, value: impl Into<Value>) -> Value {
    let mut body = json!({});
    body[name] = value.into();
    body
}

#[test]
fn every_route_that_reads_a_body_is_tried() {
    let tried: Vec<_> = BODIES.iter().map(|(path, ..)| *path).collect();
    let posts = ROUTES.iter().filter(|route| route.method == "POST");
    let missing: Vec<_> =
        posts.map(|route| route.path).filter(|path| !tried.contains(path)).collect();
    let is_webhook = |path: &&str| {
        path.starts_with("/telephony/") || path.contains("twilio/") || path.contains("/webhooks/")
    };
    // The outside clock says all in the address.
    let is_clock = |path: &&str| path.starts_with("/api/cron");
    let is_form = |path: &&str| path.starts_with("/console/");
    let missing: Vec<_> = missing
        .into_iter()
        .filter(|path| !is_webhook(path) && !is_clock(path) && !is_form(path))
        .collect();
    assert_eq!(missing, [""; 0], "webhooks and forms have tests of their own");
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, _, _| {
            for body in ["{", "{}}", "null null", "{'a':1}", "{\"a\":\"\\ud800\"}", "\u{feff}{}"] {
                let answer = insider.post(path).body(JSON, body).send().await;
                answer.problem(400, "malformed_json");
            }
            let latin1 = insider.post(path).body(JSON, b"{\"a\":\"\xe9\"}".to_vec());
            latin1.send().await.problem(400, "malformed_json");
        })
        .await;
}

#[tokio::test]
async fn no_body_is_malformed_where_one_is_needed() {
    let insider = Insider::new().await;
    let needed = BODIES.iter().filter(|(_, _, is_required)| *is_required);
    for (path, ..) in needed {
        insider.post(path).body(JSON, "").send().await.problem(400, "malformed_json");
        insider.post(path).send().await.problem(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_named_as_such() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, _, _| {
            for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
            {
                let answer = insider.post(path).body(kind, "{\"a\":1}").send().await;
                answer.problem(415, "unsupported_media_type");
            }
        })
        .await;
}

#[tokio::test]
async fn json_that_is_no_object_and_fields_that_are_no_text_are_refused() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, field, is_required| {
            for body in [json!([]), json!("x"), json!(1), json!(null), json!([{}])] {
                insider.post(path).json(&body).send().await.problem(422, "invalid_fields");
            }
            for value in [json!(1), json!(true), json!([]), json!({}), json!(1.5e300)] {
                let body = one_field(field, value);
                insider.post(path).json(&body).send().await.problem(422, "invalid_fields");
            }
            if is_required {
                let body = one_field(field, Value::Null);
                insider.post(path).json(&body).send().await.problem(422, "invalid_fields");
            }
        })
        .await;
}

#[tokio::test]
async fn nul_is_refused_wherever_it_stands() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, field, _| {
            for body in [
                one_field(field, "a\0b"),
                json!({ "a\0": 1 }),
                json!({ "deep": [{ "deeper": "\0" }] }),
            ] {
                insider.post(path).json(&body).send().await.problem(422, "invalid_fields");
            }
        })
        .await;
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, field, _| {
            let body = format!("{{\"{field}\":\"a\",\"{field}\":\"b\"}}");
            insider.post(path).body(JSON, body).send().await.problem(422, "invalid_fields");
        })
        .await;
}

#[tokio::test]
async fn fields_that_are_not_known_are_refused_but_by_forms() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, _, is_required| {
            let answer = insider.post(path).json(&json!({ "surprise/~": 1 })).send().await;
            let body = answer.problem(422, "invalid_fields");
            let errors = body["errors"].as_array().unwrap();
            let told = errors.iter().any(|error| error["pointer"] == "/surprise~1~0");
            assert_eq!(told, !IGNORANT.contains(&path), "{body}");
            assert!(is_required || errors.len() == 1, "{body}");
        })
        .await;
}

#[tokio::test]
async fn a_thousand_mistakes_are_not_all_told_and_none_at_length() {
    let insider = Insider::new().await;
    let members = (0..1000).map(|number| (format!("field{number}"), json!(number)));
    let body = Value::Object(members.collect());
    let answer = insider.post("/api/auth/login").json(&body).send().await;
    let errors = answer.problem(422, "invalid_fields")["errors"].as_array().unwrap().len();
    assert!((2..=50).contains(&errors), "{errors}");
    let long = one_field(&"k".repeat(100_000), 1);
    let answer = insider.post("/api/auth/login").json(&long).send().await;
    answer.problem(422, "invalid_fields");
    assert!(answer.text.len() < 2_000, "a key is not said back in all its length");
}

#[tokio::test]
async fn what_was_sent_is_not_said_back() {
    let insider = Insider::new().await;
    for (path, field, _) in BODIES.iter().filter(|(_, field, _)| !field.is_empty()) {
        for body in [one_field(field, "canary\0"), one_field(field, "c\u{a0}canary".repeat(300))] {
            let answer = insider.post(path).json(&body).send().await;
            assert!(answer.status >= 400 && !answer.text.contains("canary"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_bomb_of_depth_is_defused() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, _, _| {
            let nested = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
            let answer = insider.post(path).body(JSON, nested(100)).send().await;
            answer.problem(422, "invalid_fields");
            let answer = insider.post(path).body(JSON, nested(50_000)).send().await;
            answer.problem(400, "malformed_json");
            let answer = insider.post(path).body(JSON, "[".repeat(200_000)).send().await;
            answer.problem(400, "malformed_json");
        })
        .await;
}

#[tokio::test]
async fn two_megabytes_are_too_large() {
    let insider = Insider::new().await;
    insider
        .everywhere(async |path, field, _| {
            let body = one_field(field, "x".repeat(2 * 1024 * 1024)).to_string();
            insider.post(path).body(JSON, body).send().await.problem(413, "too_large");
        })
        .await;
}

#[tokio::test]
async fn a_long_header_is_no_fault_of_ours() {
    let insider = Insider::new().await;
    let before = Rows::count(&insider.stage.db).await;
    let long = "x".repeat(10 * 1024);
    for Route { method, path, .. } in ROUTES {
        for name in [
            "x-request-id",
            "traceparent",
            "x-forwarded-for",
            "accept-language",
            "origin",
            "x-anything",
        ] {
            // Nothing to read, so nothing is done where a body is needed.
            if *method == "POST" && !is_needed(path) {
                continue;
            }
            let answer = insider.ask(method, path).header(name, &long).send_unchecked().await;
            let may_be_unwell = *path == "/readyz" || path.ends_with("/health/detailed");
            assert!(answer.status < 500 || may_be_unwell, "{name} {answer:?}");
            assert!(answer.header("x-request-id").len() <= 128, "{answer:?}");
        }
    }
    assert_eq!(Rows::count(&insider.stage.db).await, before);
}

/// Whether a POST without a body is refused.
fn is_needed(path: &str) -> bool {
    BODIES.iter().any(|(known, _, is_required)| *known == path && *is_required)
}

#[tokio::test]
async fn credentials_that_are_far_too_long_are_wrong_ones() {
    let insider = Insider::new().await;
    let long = "a".repeat(10 * 1024);
    let stage = &insider.stage;
    stage.get("/v1/admin/jobs").bearer(&long).send().await.problem(401, "admin_key_required");
    stage.get("/v1/admin/jobs").header("x-admin-api-key", &long).send().await.is(401);
    stage.get(&insider.demo.access_path()).bearer(&long).send().await.is(401);
    let cookie = format!("trunkline_session={long}");
    stage.get("/api/me").cookie(&cookie).send().await.problem(401, "tenant_context_required");
    let body = json!({ "email": format!("{long}@example.com"), "password": "x" });
    stage.post("/api/auth/login").json(&body).send().await.problem(422, "invalid_fields");
    let body = json!({ "email": "nobody@example.com", "password": "x".repeat(900_000) });
    let answer = stage.post("/api/auth/login").json(&body).send().await;
    assert!(matches!(answer.status, 401 | 422), "{answer:?}");
}

#[tokio::test]
async fn another_method_is_not_allowed_and_says_which_is() {
    let insider = Insider::new().await;
    let before = Rows::count(&insider.stage.db).await;
    for Route { path, .. } in ROUTES {
        let allowed: Vec<_> =
            ROUTES.iter().filter(|route| route.path == *path).map(|route| route.method).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            if !allowed.contains(&method) {
                let answer = insider.ask(method, path).send().await;
                answer.problem(405, "method_not_allowed");
                let told = answer.header("allow");
                assert!(allowed.iter().all(|method| told.contains(method)), "{answer:?}");
            }
        }
    }
    assert_eq!(Rows::count(&insider.stage.db).await, before);
}

#[tokio::test]
async fn a_path_that_is_none_is_not_found() {
    let insider = Insider::new().await;
    let long = format!("/{}", "x".repeat(8 * 1024));
    for path in [
        "/",
        "/api",
        "/api/demo",
        "/api/demo/setup/",
        "//api/demo/setup",
        "/v1/admin/jobs/",
        "/v1/admin/../../etc/passwd",
        "/v1/admin/jobs/%2e%2e/cancel",
        "/.env",
        "/api/demo/%00/status",
        "/v1/admin/jobs/1",
        "/v1/admin/jobs/%F0%9F%8E%B7",
        &long,
    ] {
        for method in ["GET", "POST"] {
            let answer = insider.ask(method, path).json(&json!({})).send().await;
            assert!(matches!(answer.status, 404 | 405), "{answer:?}");
        }
    }
    let answer = insider.ask("GET", "/v1/admin/jobs/%FF").send().await;
    assert!(matches!(answer.status, 400 | 404), "{answer:?}");
}

#[tokio::test]
async fn a_query_that_is_not_known_or_stands_twice_is_refused() {
    let insider = Insider::new().await;
    let ask = async |query: &str| -> Answer {
        insider.ask("GET", &format!("/v1/admin/jobs?{query}")).send().await
    };
    for query in [
        "page=2",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e2",
        "limit=",
        "limit=1&limit=2",
        "state=lost",
        "state=",
        "tenant=1",
        "cursor=x",
        "cursor=j1x",
        "kind=%00",
        "%00=1",
        "limit=99999999999999999999",
    ] {
        ask(query).await.problem(422, "invalid_fields");
    }
    for query in
        ["", "kind=never-heard-of", "queue=%F0%9F%8E%B7", "kind='%20or%20'1'='1", "kind=%FF"]
    {
        ask(query).await.is(200);
    }
}
