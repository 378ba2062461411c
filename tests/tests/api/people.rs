//! Logging in and out.

use std::time::Duration;

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Demo, Guest, Stage};

const OWN: &str = "my-own-Apfelstrudel-9";

async fn change(stage: &Stage, cookie: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "currentPassword": current, "newPassword": new });
    stage.post("/api/auth/change-password").cookie(cookie).json(&body).send().await
}

async fn me(stage: &Stage, cookie: &str) -> Answer {
    stage.get("/api/me").cookie(cookie).send().await
}

#[tokio::test]
async fn a_login_opens_a_session_that_scripts_cannot_read() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let answer = stage.login(&demo.guest.email().to_uppercase(), Demo::PASSWORD).await;
    let body = answer.is(200);
    assert_eq!(body["mustChangePassword"], true);
    assert_eq!(body["user"]["email"], demo.guest.email());
    let cookie = answer.header("set-cookie").to_owned();
    for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|it| it == flag), "{flag}: {cookie}");
    }
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!answer.text.contains(token), "the token is in the cookie only");
    let body = me(&stage, &answer.cookie()).await.is(200);
    assert_eq!(body["tenant"]["id"], demo.tenant);
    assert_eq!(body["tenant"]["status"], "trial");
    let kept = format!("select from product.sessions where encode(token_hash, 'hex') = '{token}'");
    assert_eq!(stage.db.number(&kept).await, 0, "the database knows only its digest");
}

#[tokio::test]
async fn without_https_the_cookie_is_not_bound_to_it() {
    let stage = Stage::with(&[("PUBLIC_BASE_URL", "http://localhost:8080")]).await;
    let demo = stage.active(Guest(1)).await;
    let answer = stage.login(&demo.guest.email(), Demo::PASSWORD).await;
    answer.is(200);
    assert!(!answer.header("set-cookie").contains("Secure"), "{answer:?}");
}

#[tokio::test]
async fn an_account_that_is_not_there_and_a_wrong_password_look_alike() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let known = stage.login(&demo.guest.email(), "wrong-password-1").await;
    let unknown = stage.login("nobody@example.com", "wrong-password-1").await;
    known.problem(401, "invalid_credentials");
    assert_eq!(known.status, unknown.status);
    assert_eq!(known.text_without_instance(), unknown.text_without_instance());
    let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
}

#[tokio::test]
async fn whoever_has_no_session_has_no_tenant() {
    let stage = Stage::open().await;
    let wrong = format!("trunkline_session={}", "ab".repeat(32));
    for cookie in ["", "theme=dark", "trunkline_session=", "trunkline_session=x", &wrong] {
        for path in ["/api/me", "/api/tenant"] {
            let body = stage.get(path).cookie(cookie).send().await;
            let body = body.problem(401, "tenant_context_required");
            assert_eq!(body["title"], "Tenant context required");
        }
    }
}

#[tokio::test]
async fn with_a_temporary_password_nothing_but_its_change_is_open() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.session(&demo).await;
    me(&stage, &cookie).await.is(200);
    let refused = stage.get("/api/tenant").cookie(&cookie).send().await;
    refused.problem(403, "must_change_password");
    let changed = change(&stage, &cookie, Demo::PASSWORD, OWN).await;
    assert_eq!(changed.is(200)["mustChangePassword"], false);
    let body = stage.get("/api/tenant").cookie(&changed.cookie()).send().await.is(200);
    assert_eq!(body["tenant"]["id"], demo.tenant);
    assert!(body["tenant"]["phoneNumber"].is_string(), "{body}");
    assert_eq!(me(&stage, &changed.cookie()).await.is(200)["user"]["mustChangePassword"], false);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let (here, elsewhere) = (stage.session(&demo).await, stage.session(&demo).await);
    me(&stage, &elsewhere).await.is(200);
    let changed = change(&stage, &here, Demo::PASSWORD, OWN).await;
    changed.is(200);
    for old in [&here, &elsewhere] {
        me(&stage, old).await.problem(401, "tenant_context_required");
    }
    me(&stage, &changed.cookie()).await.is(200);
    let refused = stage.login(&demo.guest.email(), Demo::PASSWORD).await;
    refused.problem(401, "invalid_credentials");
    stage.login(&demo.guest.email(), OWN).await.is(200);
}

#[tokio::test]
async fn of_two_changes_at_once_one_counts() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let (here, elsewhere) = (stage.session(&demo).await, stage.session(&demo).await);
    let (one, two) = tokio::join!(
        change(&stage, &here, Demo::PASSWORD, OWN),
        change(&stage, &elsewhere, Demo::PASSWORD, "another-Linzertorte-3"),
    );
    let won = [&one, &two].into_iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1, "{one:?} {two:?}");
    assert_eq!(stage.db.number("select from product.sessions").await, 1);
}

#[tokio::test]
async fn a_password_that_is_no_better_is_refused_and_nothing_ends() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.session(&demo).await;
    for new in ["", "short", Demo::PASSWORD, &"x".repeat(300)] {
        change(&stage, &cookie, Demo::PASSWORD, new).await.problem(422, "invalid_fields");
    }
    change(&stage, &cookie, "wrong-password-1", OWN).await.problem(403, "wrong_password");
    me(&stage, &cookie).await.is(200);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_twice_is_once() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let (here, elsewhere) = (stage.session(&demo).await, stage.session(&demo).await);
    for _ in 0..2 {
        let answer = stage.post("/api/auth/logout").cookie(&here).send().await;
        assert_eq!(answer.is(200), json!({ "success": true }));
        assert!(answer.header("set-cookie").contains("Max-Age=0"), "{answer:?}");
    }
    me(&stage, &here).await.problem(401, "tenant_context_required");
    me(&stage, &elsewhere).await.is(200);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.session(&demo).await;
    stage.db.advance(Duration::from_mins(12 * 60 - 1)).await;
    me(&stage, &cookie).await.is(200);
    stage.db.advance(Duration::from_secs(61)).await;
    me(&stage, &cookie).await.problem(401, "tenant_context_required");
}

#[tokio::test]
async fn when_the_demo_is_over_nobody_comes_in() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    stage.db.advance(Duration::from_mins(72 * 60 - 1)).await;
    let cookie = stage.session(&demo).await;
    me(&stage, &cookie).await.is(200);
    stage.db.advance(Duration::from_secs(61)).await;
    for answer in [
        me(&stage, &cookie).await,
        stage.get("/api/tenant").cookie(&cookie).send().await,
        change(&stage, &cookie, Demo::PASSWORD, OWN).await,
        stage.login(&demo.guest.email(), Demo::PASSWORD).await,
    ] {
        let body: Value = answer.problem(403, "demo_expired");
        assert_eq!(body["title"], "Demo tenant has expired");
    }
    stage.post("/api/auth/logout").cookie(&cookie).send().await.is(200);
}

#[tokio::test]
async fn passwords_can_be_tried_ten_times_and_whoever_is_somewhere_else_is_not_locked_out() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let email = demo.guest.email();
    let login = async |password: &str, from: Guest| {
        let body = json!({ "email": email, "password": password });
        stage.post("/api/auth/login").from_ip(from.ip()).json(&body).send().await
    };
    for _ in 0..10 {
        login("wrong-password-1", Guest(8)).await.problem(401, "invalid_credentials");
    }
    let refused = login(Demo::PASSWORD, Guest(8)).await;
    refused.problem(429, "rate_limited");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    login(Demo::PASSWORD, Guest(9)).await.is(200);
    stage.db.advance(Duration::from_secs(secs)).await;
    login(Demo::PASSWORD, Guest(8)).await.is(200);
}

#[tokio::test]
async fn another_site_s_page_cannot_ask_with_our_cookie() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.session(&demo).await;
    let login = json!({ "email": demo.guest.email(), "password": Demo::PASSWORD });
    let passwords = json!({ "currentPassword": Demo::PASSWORD, "newPassword": OWN });
    for (path, body) in [
        ("/api/auth/login", login),
        ("/api/auth/change-password", passwords),
        ("/api/auth/logout", json!({})),
    ] {
        let ask = stage.post(path).cookie(&cookie).header("origin", "https://evil.example");
        ask.json(&body).send().await.problem(403, "foreign_origin");
    }
    me(&stage, &cookie).await.is(200);
    let ours = stage.post("/api/auth/logout").cookie(&cookie);
    ours.header("origin", tests::PUBLIC_BASE_URL).send().await.is(200);
}
