//! Switches for the whole product.

use std::time::Duration;

use domain::switches::{self, Switch};
use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{CODE, Guest, Stage};

async fn set(stage: &Stage, body: Value) -> Answer {
    stage.post("/api/admin/maintenance").as_operator().json(&body).send().await
}

async fn disable(stage: &Stage) {
    let body = json!({ "mode": "demo_disabled", "reason": "the pool is being moved" });
    assert_eq!(set(stage, body).await.is(200)["mode"], "demo_disabled");
}

async fn ask_for_demo(stage: &Stage, guest: Guest) -> Answer {
    let ask = stage.post("/api/demo/create-tenant").from_ip(guest.ip()).json(&guest.form());
    ask.send_unchecked().await
}

#[tokio::test]
async fn while_demos_are_disabled_every_instance_refuses_sign_ups_and_says_when_to_come_back() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    disable(&stage).await;
    let refused = ask_for_demo(&stage, Guest(1)).await;
    let body = refused.problem(503, "demo_disabled");
    assert_eq!(refused.header("retry-after"), "300");
    assert!(!body.to_string().contains("being moved"), "the reason is for operators: {body}");
    let setup = json!({ "phoneNumber": Guest(2).phone() });
    other.post("/api/demo/setup").json(&setup).send_unchecked().await.problem(503, "demo_disabled");
    assert_eq!(stage.db.number("select from product.demo_signups").await, 0);
    assert_eq!(stage.db.number("select from product.rate_limits").await, 0, "nobody is charged");
    other
        .post("/api/admin/maintenance")
        .as_operator()
        .json(&json!({ "mode": "normal" }))
        .send()
        .await
        .is(200);
    ask_for_demo(&stage, Guest(1)).await.is(202);
    other.stop().await;
}

#[tokio::test]
async fn whoever_signed_up_before_goes_on_while_demos_are_disabled() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    disable(&stage).await;
    stage.verify(&demo, CODE).await.is(202);
}

#[tokio::test]
async fn a_switch_with_an_end_goes_off_by_itself() {
    let stage = Stage::open().await;
    let until = stage.db.now().await + chrono::TimeDelta::seconds(90);
    let body = json!({ "mode": "demo_disabled", "reason": "short", "until": until });
    set(&stage, body).await.is(200);
    let refused = ask_for_demo(&stage, Guest(1)).await;
    refused.problem(503, "demo_disabled");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    assert!((60..=90).contains(&secs), "{secs}");
    stage.db.advance(Duration::from_secs(91)).await;
    ask_for_demo(&stage, Guest(1)).await.is(202);
    let shown = stage.get("/api/admin/maintenance").as_operator().send().await.is(200);
    assert_eq!(shown["mode"], "normal");
}

#[tokio::test]
async fn a_switch_that_would_be_over_already_is_refused_and_not_told_as_on() {
    let stage = Stage::open().await;
    let body =
        json!({ "mode": "calls_disabled", "reason": "outage", "until": "2020-01-01T18:00:00Z" });
    set(&stage, body).await.problem(422, "invalid_fields");
    assert_eq!(
        stage.db.number("select from product.audit_log where action = 'maintenance.set'").await,
        0
    );
}

#[tokio::test]
async fn every_switch_is_shown_with_who_set_it_and_why_and_its_changes_are_audited() {
    let stage = Stage::open().await;
    let shown = stage.get("/api/admin/maintenance").as_operator().send().await.is(200);
    let modes: Vec<_> =
        shown["switches"].as_array().unwrap().iter().map(|it| it["mode"].clone()).collect();
    assert_eq!(modes, ["demo_disabled", "sms_bypass", "voice_codes", "calls_disabled"]);
    set(&stage, json!({ "mode": "sms_bypass", "reason": "the carrier is down" })).await.is(200);
    let shown = set(&stage, json!({ "mode": "demo_disabled", "reason": "both" })).await.is(200);
    assert_eq!(shown["switches"][1]["reason"], "the carrier is down");
    assert_eq!(shown["switches"][1]["setBy"], "operator:admin-key");
    let shown = set(&stage, json!({ "mode": "sms_bypass", "enabled": false })).await.is(200);
    assert_eq!(shown["switches"][0]["enabled"], true);
    assert_eq!(shown["switches"][1]["enabled"], false);
    let audited = "select from product.audit_log where action = 'maintenance.set'";
    assert_eq!(stage.db.number(audited).await, 3);
    set(&stage, json!({ "mode": "sms_bypass" })).await.problem(422, "invalid_fields");
    set(&stage, json!({ "mode": "anything", "reason": "x" })).await.problem(422, "invalid_fields");
    assert_eq!(stage.db.number(audited).await, 3);
}

#[tokio::test]
async fn for_how_long_a_switch_has_been_on_is_told_until_it_is_off_or_over() {
    let stage = Stage::open().await;
    let on_for = async |switch: Switch| {
        let mut tx = stage.begin().await;
        let all = switches::on_for(&mut tx).await.unwrap();
        assert_eq!(all.len(), Switch::ALL.len());
        all.into_iter().find(|(it, _)| *it == switch).unwrap().1
    };
    assert_eq!(on_for(Switch::SmsBypass).await, Duration::ZERO);
    set(&stage, json!({ "mode": "sms_bypass", "reason": "the carrier is down" })).await.is(200);
    let until = stage.db.now().await + Duration::from_hours(2);
    let short = json!({ "mode": "demo_disabled", "reason": "short", "until": until });
    set(&stage, short).await.is(200);
    stage.db.advance(Duration::from_hours(1)).await;
    assert!(on_for(Switch::DemoDisabled).await >= Duration::from_hours(1));
    stage.db.advance(Duration::from_hours(25)).await;
    assert!(on_for(Switch::SmsBypass).await >= Duration::from_hours(26));
    assert_eq!(on_for(Switch::DemoDisabled).await, Duration::ZERO, "it went off by itself");
    set(&stage, json!({ "mode": "normal" })).await.is(200);
    assert_eq!(on_for(Switch::SmsBypass).await, Duration::ZERO);
}
