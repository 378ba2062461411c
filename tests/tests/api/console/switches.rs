//! Switches for the whole product, from their page.

use serde_json::{Value, json};

use crate::stage::{Guest, Stage};

const AT: &str = "/console/switches?of=demo_disabled";

async fn position(stage: &Stage, mode: &str) -> Value {
    let all = stage.get("/api/admin/maintenance").as_operator().send().await.is(200);
    let all = all["switches"].as_array().unwrap().clone();
    all.into_iter().find(|it| it["mode"] == mode).unwrap()
}

async fn asks_for_demo(stage: &Stage, guest: Guest) -> u16 {
    let ask = stage.post("/api/demo/create-tenant").from_ip(guest.ip()).json(&guest.form());
    ask.send_unchecked().await.status
}

#[tokio::test]
async fn sign_ups_are_stopped_with_a_reason_and_an_end_and_let_in_again_from_the_page_of_switches()
{
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let form = browser.page(AT).await.form("/console/orders/switch.on");
    let silent = browser.send(&form.clone().with("until", "2099-01-01T00:00")).await;
    assert!(silent.status == 422 && silent.text.contains("reason is missing"), "{silent:?}");
    let form = form.with("reason", "the pool is being moved").with("until", "2099-01-01T00:00");
    let page = browser.follow(&browser.send(&form).await).await;
    let words = page.words();
    assert!(words.contains("It is on, in every process from now on."), "{words}");
    assert!(words.contains("the pool is being moved"), "{words}");
    assert!(words.contains("operator:admin-key"), "who it was stands there: {words}");
    let stands = position(&stage, "demo_disabled").await;
    assert_eq!(
        (&stands["enabled"], &stands["reason"]),
        (&json!(true), &json!("the pool is being moved"))
    );
    assert!(stands["until"].as_str().unwrap().starts_with("2099-01-01T00:00:00"), "{stands}");
    assert_eq!(asks_for_demo(&stage, Guest(1)).await, 503);
    assert_eq!(position(&stage, "sms_bypass").await["enabled"], false, "only this one");

    let off = browser.page(AT).await.form("/console/orders/switch.off").with("reason", "moved");
    let page = browser.follow(&browser.send(&off).await).await;
    assert!(page.words().contains("It is off, in every process from now on."), "{}", page.words());
    assert_eq!(position(&stage, "demo_disabled").await["enabled"], false);
    assert_eq!(asks_for_demo(&stage, Guest(1)).await, 202);
    let audit = browser.audit("maintenance.set").await;
    let said: Vec<_> = audit.iter().map(|entry| &entry["details"]["reason"]).collect();
    assert_eq!(said, [&json!("moved"), &json!("the pool is being moved")]);
}

#[tokio::test]
async fn of_two_operators_at_the_switches_the_second_is_told_what_stands_there_now() {
    let stage = Stage::open().await;
    let (ada, ben) = (stage.browser().await, stage.browser().await);
    let (hers, his) = (ada.page(AT).await, ben.page(AT).await);
    let on = hers.form("/console/orders/switch.on").with("reason", "no numbers");
    ada.follow(&ada.send(&on).await).await;
    let late = his.form("/console/orders/switch.on").with("reason", "a guess");
    let refused = ben.send(&late).await;
    assert_eq!(refused.status, 412, "{refused:?}");
    assert!(refused.text.contains("no numbers"), "{refused:?}");
    assert_eq!(position(&stage, "demo_disabled").await["reason"], "no numbers");
}

#[tokio::test]
async fn whoever_may_only_look_sees_the_switches_and_turns_none() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read"])).await;
    let viewer = stage.browser_of(&key).await;
    let form = viewer.page(AT).await.form("/console/orders/switch.on").with("reason", "r");
    let refused = viewer.send(&form).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let mut foreign = form.clone().with("csrf", "another");
    foreign.fields.retain(|(name, _)| name != "tag");
    assert_eq!(viewer.send(&foreign).await.status, 403);
    assert_eq!(position(&stage, "demo_disabled").await["enabled"], false);
}
