//! Settings that two people change at once: both changes stand.

use domain::tenants;
use serde_json::{Value, json};
use tests::{holds, wait_until};

use crate::stage::{Demo, Guest, Stage};

/// Sessions that wait for somebody's lock.
const WAITING: &str = "
    select from pg_stat_activity
    where datname = current_database() and usename = 'trunkline_app' and wait_event_type = 'Lock'";

/// Lets both requests come to the place where they write before either of them can.
async fn both(stage: &Stage, demo: &Demo, cookie: &str, path: [&str; 2], bodies: [Value; 2]) {
    let ask = |path: &str, body: &Value| {
        let ask = stage.post(path).json(body);
        if path.starts_with("/v1/admin/") { ask.as_operator() } else { ask.cookie(cookie) }
    };
    let mut first = stage.begin().await;
    tenants::lock(&mut first, demo.id()).await.unwrap();
    let asked =
        async { tokio::join!(ask(path[0], &bodies[0]).send(), ask(path[1], &bodies[1]).send()) };
    let let_go = async {
        wait_until("both requests wait", async || holds(stage.db.number(WAITING).await == 2)).await;
        first.commit().await.unwrap();
    };
    let ((one, two), ()) = tokio::join!(asked, let_go);
    one.is(200);
    two.is(200);
}

#[tokio::test]
async fn of_two_who_change_wishes_for_messages_at_once_neither_loses_theirs() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let bodies = [json!({ "smsEnabled": false }), json!({ "aiResponseEnabled": false })];
    let cookie = stage.own_session(&demo).await;
    both(&stage, &demo, &cookie, ["/api/messaging"; 2], bodies).await;
    let stands = stage.get("/api/messaging").cookie(&cookie).send().await.is(200);
    assert_eq!(
        (&stands["smsEnabled"], &stands["aiResponseEnabled"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test]
async fn of_a_tenant_and_an_operator_who_change_how_calls_are_taken_neither_loses_theirs() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let theirs = format!("/v1/admin/businesses/{}/voice", demo.tenant);
    let bodies = [json!({ "greeting": "Grüß Gott!" }), json!({ "voiceMode": "off" })];
    let cookie = stage.own_session(&demo).await;
    both(&stage, &demo, &cookie, ["/api/voice", &theirs], bodies).await;
    let stands = stage.get(&theirs).as_operator().send().await.is(200);
    assert_eq!((&stands["greeting"], &stands["voiceMode"]), (&json!("Grüß Gott!"), &json!("off")));
}
