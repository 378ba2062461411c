//! In with the operator's key, and out again.

use std::time::Duration;

use daemon::telemetry::Metrics;
use serde_json::json;
use tests::{ADMIN_KEY, TestApi};

use super::browser::{FORM, Form, Page};
use crate::stage::{Rows, Stage};

#[tokio::test]
async fn whoever_is_not_logged_in_is_sent_to_log_in_and_comes_to_the_page_then() {
    let stage = Stage::open().await;
    let sent = stage.get("/console/jobs?state=failed&kind=noop").send().await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let login = sent.header("location").to_owned();
    assert_eq!(login, "/console/login?next=%2Fconsole%2Fjobs%3Fstate%3Dfailed%26kind%3Dnoop");
    let page = Page { answer: stage.get(&login).send().await, path: login };
    page.check();
    let form = page.form("/console/login").with("key", ADMIN_KEY);
    let ask = stage.post("/console/login").cookie(&page.answer.cookie());
    let opened = ask.body(FORM, form.body()).send_unchecked().await;
    assert_eq!(opened.header("location"), "/console/jobs?state=failed&kind=noop", "{opened:?}");
    let elsewhere = stage.give_key(ADMIN_KEY, "https://evil.example/console").await;
    assert_eq!(elsewhere.header("location"), "/console");
}

#[tokio::test]
async fn the_key_opens_the_console_and_a_wrong_one_does_not_and_neither_is_said_again() {
    let stage = Stage::open().await;
    let opened = stage.give_key(ADMIN_KEY, "/console").await;
    let cookie = opened.header("set-cookie").to_owned();
    assert!(cookie.starts_with("trunkline_console="), "{cookie}");
    let bound = "; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict; Secure";
    assert!(cookie.ends_with(bound), "{cookie}");
    let audited =
        "select from product.audit_log where action = 'console.opened' and ip_hash is not null";
    assert_eq!(stage.db.number(audited).await, 1);
    for wrong in ["", "not-the-key", &ADMIN_KEY[1..], &ADMIN_KEY.to_uppercase(), &"k".repeat(5000)]
    {
        let refused = stage.give_key(wrong, "/console").await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(!refused.header("set-cookie").starts_with("trunkline_console="), "{refused:?}");
        assert!(wrong.len() < 5 || !refused.text.contains(wrong));
    }
    assert_eq!(stage.db.number(audited).await, 1);
    for said in [&opened.text, &cookie] {
        assert!(!said.contains(ADMIN_KEY));
    }
}

#[tokio::test]
async fn keys_are_not_tried_without_end() {
    let stage = Stage::open().await;
    for _ in 0..10 {
        assert_eq!(stage.give_key("guess", "/console").await.status, 401);
        // At the API and at the login they are the same tries.
        stage.get("/v1/admin/jobs").bearer("guess").send().await.problem(401, "admin_key_required");
    }
    let refused = stage.give_key("guess", "/console").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.text.contains("Too many wrong keys. Try again in "), "{refused:?}");
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    assert_eq!(stage.give_key(ADMIN_KEY, "/console").await.status, 303, "the right one is let in");
}

#[tokio::test]
async fn a_key_that_was_revoked_is_a_wrong_one_and_its_console_session_is_not_a_try() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read"])).await;
    let browser = stage.browser_of(&key).await;
    let id = key[4..16].to_owned();
    let revoke = stage.post(&format!("/v1/admin/keys/{id}/revoke")).as_operator();
    revoke.json(&json!({ "reason": "r" })).send().await.is(200);
    for _ in 0..=20 {
        assert_eq!(browser.get("/console").await.status, 303);
    }
    let answer = stage.get("/v1/admin/jobs").bearer(&key).send().await;
    answer.problem(401, "admin_key_required");
    assert!(answer.header("ratelimit").starts_with("\"wrong-keys\";r=19;"), "{answer:?}");
}

#[tokio::test]
async fn a_login_that_another_site_sends_is_refused() {
    let stage = Stage::open().await;
    let (form, cookie) = stage.login_form("/console").await;
    let body = form.clone().with("key", ADMIN_KEY).body();
    let post = || stage.post("/console/login").body(FORM, body.clone());
    let other = Form { fields: Vec::new(), ..form.clone() }.with("key", ADMIN_KEY).body();
    for ask in [
        post(), // without the cookie that came with the form
        post().cookie(&cookie).header("origin", "https://evil.example"),
        stage.post("/console/login").cookie(&cookie).body(FORM, other),
    ] {
        let refused = ask.send_unchecked().await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.header("set-cookie").is_empty());
    }
}

#[tokio::test]
async fn a_session_ends_by_logging_out_with_time_and_with_its_key() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let page = browser.page("/console").await;
    let out = browser.send(&page.form("/console/logout")).await;
    assert_eq!((out.status, out.header("location")), (303, "/console/login"));
    assert!(out.header("set-cookie").starts_with("trunkline_console=; Path=/console; Max-Age=0;"));

    // Another instance on the same database opens the session, too; with another key it does not.
    let other = stage.another_api().await;
    let same = other.get("/console").cookie(&browser.cookie).send_unchecked().await;
    assert_eq!(same.status, 200, "{same:?}");
    let mut variables = tests::variables();
    variables.insert("ADMIN_API_KEY".to_owned(), "another-operators-key".to_owned());
    let engine = stage.db.engine_config();
    let changed = TestApi::start(engine, &variables, Metrics::detached()).await;
    let gone = changed.get("/console").cookie(&browser.cookie).send_unchecked().await;
    assert_eq!((gone.status, gone.header("location")), (303, "/console/login?next=%2Fconsole"));

    stage.db.advance(Duration::from_hours(11)).await;
    assert_eq!(browser.get("/console").await.status, 200);
    stage.db.advance(Duration::from_hours(1)).await;
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_opens_nothing() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let (name, text) = browser.cookie.split_once('=').unwrap();
    let mut turned = text.to_owned().into_bytes();
    let middle = turned.len() / 2;
    turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
    for cookie in ["", "x", ADMIN_KEY, &String::from_utf8(turned).unwrap(), &"A".repeat(9000)] {
        let answer = stage.get("/console").cookie(&format!("{name}={cookie}")).send().await;
        assert_eq!(answer.status, 303, "{cookie}: {answer:?}");
    }
    // A key alone is for the API: a page asks for a session.
    assert_eq!(stage.get("/console").as_operator().send().await.status, 303);
}

#[tokio::test]
async fn a_form_without_the_session_s_word_or_from_another_site_does_nothing() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let browser = stage.browser().await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.cancel").with("reason", "r");
    let stranger = stage.browser().await;
    let theirs = stranger.page("/console").await.form("/console/logout");
    let before = Rows::count(&stage.db).await;
    for csrf in ["", "x", theirs.get("csrf")] {
        let refused = browser.send(&form.clone().with("csrf", csrf)).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let post = || stage.post(&form.action).body(FORM, form.body());
    let foreign = post().cookie(&browser.cookie).header("origin", "https://evil.example");
    assert_eq!(foreign.send_unchecked().await.status, 403);
    let nobody = post().send_unchecked().await;
    assert!(nobody.status == 403 && nobody.text.contains("Nothing was done"), "{nobody:?}");
    assert_eq!(post().as_operator().send_unchecked().await.status, 403, "a key is no session");
    assert_eq!(Rows::count(&stage.db).await, before);
    assert_eq!(stage.job(&id).await["state"], "ready");
}
