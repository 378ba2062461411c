use std::{fs, path::PathBuf};

use chrono::TimeDelta;
use clients::twilio::MessageStatus;
use sandbox::twilio::Options;
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, ALICE, BOB, OURS, Sandbox, options};

#[tokio::test]
async fn the_messages_to_one_phone_are_shown_as_promised() {
    let sandbox = Sandbox::start().await;
    sandbox.send(ALICE, "first").await.unwrap();
    sandbox.send(BOB, "other").await.unwrap();
    sandbox.send(ALICE, "second").await.unwrap();
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;

    let seen: Value =
        serde_json::from_str(&sandbox.get("/_sandbox/messages?to=%2B4367712345678").await).unwrap();
    let seen = seen.as_array().unwrap();
    assert_eq!(seen.len(), 2);
    let fields: Vec<_> = seen[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["attempts", "body", "created_at", "from", "sid", "status", "to"]);
    assert_eq!(seen[0]["body"], "second");
    assert_eq!(seen[0]["status"], "delivered");
    let all: Value = serde_json::from_str(&sandbox.get("/_sandbox/messages").await).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_and_effects_are_counted_by_path() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.get("/_sandbox/requests").await, "{}");
    sandbox.send(ALICE, "x").await.unwrap();
    sandbox.send("nobody", "x").await.unwrap_err();
    sandbox.twilio.list_messages(ALICE, OURS, 1).await.unwrap();
    let seen: Value = serde_json::from_str(&sandbox.get("/_sandbox/requests").await).unwrap();
    let path = "/2010-04-01/Accounts/{account}/Messages.json";
    let expected = json!({ "requests": 3, "effects": 1, "methods": { "GET": 1, "POST": 2 } });
    assert_eq!(seen, json!({ path: expected }));
    assert_eq!(sandbox.handle.requests_total(), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_mood_is_set_and_a_wrong_one_is_explained() {
    let sandbox = Sandbox::start().await;
    let (status, body) = sandbox.control("mood", r#"{"mood":"angry"}"#).await;
    assert_eq!(status, 400);
    assert!(body.contains("loses_reply") && body.contains("rate_limited"), "{body}");
    for wrong in [
        "",
        "[]",
        r#"{"mood":"down","for_requests":0}"#,
        r#"{"mood":"down","ratio":1.5}"#,
        r#"{"mood":"down","forever":true}"#,
    ] {
        assert_eq!(sandbox.control("mood", wrong).await.0, 400, "{wrong}");
    }
    sandbox.send(ALICE, "x").await.unwrap();

    let (status, body) =
        sandbox.control("mood", r#"{"mood":"rate_limited","for_requests":1}"#).await;
    assert_eq!((status, body.contains("rate_limited")), (200, true));
    sandbox.send(ALICE, "x").await.unwrap_err();
    sandbox.send(ALICE, "x").await.unwrap();
    sandbox.stop().await;
}

#[tokio::test]
async fn opt_outs_callbacks_and_clock_are_set_over_http_and_reset_ends_them() {
    let sandbox = Sandbox::start().await;
    let body = json!({ "phone": ALICE }).to_string();
    assert_eq!(sandbox.control("opt_outs", &body).await.0, 204);
    sandbox.send(ALICE, "x").await.unwrap_err();
    assert_eq!(sandbox.control("callbacks", r#"{"order":"shuffled"}"#).await.0, 200);
    let (status, body) = sandbox.control("callbacks", r#"{"order":"chaos"}"#).await;
    assert_eq!((status, body.contains("in_order")), (400, true));
    let before = sandbox.send(BOB, "x").await.unwrap().date_created.unwrap();
    assert_eq!(sandbox.control("clock", r#"{"ahead_secs":86400}"#).await.0, 204);
    let after = sandbox.send(BOB, "x").await.unwrap().date_created.unwrap();
    assert!(after - before >= TimeDelta::days(1));

    assert_eq!(sandbox.control("reset", "").await.0, 204);
    assert!(sandbox.handle.messages().is_empty());
    assert_eq!(sandbox.handle.requests_total(), 0);
    sandbox.send(ALICE, "x").await.unwrap();
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_shows_texts_newest_first_and_never_as_markup() {
    let sandbox = Sandbox::start().await;
    assert!(sandbox.get("/").await.contains("No message"));
    sandbox.send(ALICE, "older").await.unwrap();
    sandbox.send(ALICE, "<script>alert('x')</script>").await.unwrap();
    let page = sandbox.get("/").await;
    let newer = page.find("&lt;script&gt;alert(&#39;x&#39;)").unwrap();
    assert!(newer < page.find("older").unwrap());
    assert!(!page.contains("<script"));
    assert_eq!(sandbox.handle.requests_total(), 2, "looking is not calling");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let sandbox = Sandbox::start().await;
    let url = sandbox.url(&format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    let answer = sandbox.http.post(url).body(vec![b'x'; 65 * 1024]).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(sandbox.traffic(), (1, 0));
    sandbox.stop().await;
}

/// A path of this test's own, gone at its end.
struct LedgerFile(PathBuf);

impl Drop for LedgerFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn accepted_messages_are_in_the_ledger_and_known_after_a_restart() {
    let name = format!("ledger-{}.jsonl", std::process::id());
    let file = LedgerFile(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
    let with_ledger = || Options { ledger: Some(file.0.clone()), ..options() };
    let lines = || fs::read_to_string(&file.0).unwrap().lines().count();

    let sandbox = Sandbox::start_with(with_ledger()).await;
    for number in 1..=3 {
        sandbox.send(ALICE, &number.to_string()).await.unwrap();
        assert_eq!(lines(), number, "on disk before the answer");
    }
    sandbox.send("nobody", "x").await.unwrap_err();
    assert_eq!(lines(), 3);
    let sids: Vec<_> = sandbox.handle.messages().into_iter().map(|text| text.sid).collect();
    sandbox.stop().await;

    // A crash in the middle of a line.
    let torn = fs::read_to_string(&file.0).unwrap() + r#"{"sid":"SM"#;
    fs::write(&file.0, torn).unwrap();
    let sandbox = Sandbox::start_with(Options { seed: Some(8), ..with_ledger() }).await;
    let known = sandbox.handle.messages();
    assert_eq!(
        known.iter().map(|text| &text.sid).collect::<Vec<_>>(),
        sids.iter().collect::<Vec<_>>()
    );
    assert!(known.iter().all(|text| text.status == MessageStatus::Delivered));
    sandbox.send(ALICE, "4").await.unwrap();
    assert_eq!(sandbox.twilio.list_messages(ALICE, OURS, 20).await.unwrap().len(), 4);
    sandbox.stop().await;

    let ledger = fs::read_to_string(&file.0).unwrap();
    let last: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
    assert_eq!((&last["body"], &last["to"]), (&"4".into(), &ALICE.into()));
}
