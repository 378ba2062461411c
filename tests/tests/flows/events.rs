//! Names under which operators look for things in the log, where workers are who does them.

use domain::sending::Occasion;
use engine::Workflow;
use serde_json::{Value, json};
use tests::{Log, holds, wait_until};
use workflows::{clean_expired::CleanExpired, demo_cleanup::DemoCleanup};

use crate::{
    shop::{PERSON, Shop},
    stage::Stage,
};

#[tokio::test]
async fn a_demos_way_is_logged_step_by_step_and_nobody_is_named() {
    let log = Log::of_this_process();
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let code = stage.code(&signup).await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;

    let tenant = json!(signup.tenant);
    let created = log.event("tenant_created");
    assert_eq!((&created["tenant_id"], &created["by"]), (&tenant, &json!("signup")));
    let lines = log.events("[DemoSetup]");
    assert!(lines.iter().all(|line| line["tenant_id"] == tenant), "{lines:?}");
    let steps: Vec<&str> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps, ["accepted", "open_subscription", "create_bot", "create_user", "activate"]);
    for canary in [&signup.phone[1..], &signup.email, &code] {
        assert!(!log.text().contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn a_demo_that_comes_to_nothing_is_logged_as_undone() {
    let log = Log::of_this_process();
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.code(&signup).await;
    stage.cancel(&signup).await;
    stage.run_becomes(&signup, engine::State::Cancelled).await;
    let lines = log.events("[DemoSetup]");
    let undone = lines.iter().find(|line| line["step"] == "undone").expect("it is undone");
    assert_eq!((&undone["level"], &undone["tenant_id"]), (&json!("WARN"), &json!(signup.tenant)));
}

#[tokio::test]
async fn a_text_that_is_not_delivered_is_logged_with_its_code_and_without_its_reader() {
    let log = Log::of_this_process();
    let shop = Shop::open().await;
    shop.stage.phone.set_undeliverable(PERSON, 30_003);
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    wait_until("it is not delivered", async || holds(!log.events("SMS_DELIVERY_ERROR").is_empty()))
        .await;
    let line = log.events("SMS_DELIVERY_ERROR").remove(0);
    assert_eq!((&line["level"], &line["target"]), (&json!("WARN"), &json!("twilio.messaging")));
    assert_eq!((&line["status"], &line["error_code"]), (&json!("undelivered"), &json!(30_003)));
    let message = line["message.id"].as_str().unwrap();
    let row = format!("select from product.messages where message_id = '{message}'");
    assert_eq!(shop.stage.db.number(&row).await, 1);
    assert!(!log.text().contains(&PERSON[1..]));
    shop.stage.db.may_leave_jobs(); // it is said again in ten minutes
}

#[tokio::test]
async fn a_clean_up_that_is_done_says_how_much_it_has_deleted() {
    let log = Log::of_this_process();
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let cleaned = stage.run(CleanExpired {}).await;
    let removed = stage.run(DemoCleanup::default()).await;
    let lines = log.events("cleanup_completed");
    let [rows, demos] = &lines[..] else { panic!("{lines:?}") };
    let sum: u64 = cleaned
        .output
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    assert_eq!((&rows["job.kind"], &rows["deletedCount"]), (&json!("clean_expired"), &json!(sum)));
    let gone = &removed.output.unwrap()["removed"];
    assert_eq!((&demos["job.kind"], &demos["deletedCount"]), (&json!("demo_cleanup"), gone));
}
