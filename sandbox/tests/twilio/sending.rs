use clients::twilio::{Error, MessageStatus, RejectedClass};
use serde_json::Value;

use crate::harness::{ACCOUNT, ALICE, BOB, OURS, Sandbox, client, text, token};

#[track_caller]
fn assert_rejected(error: &Error, expected_code: u32, expected_class: RejectedClass) {
    let Error::Rejected { code: Some(code), class, .. } = error else { panic!("{error:?}") };
    assert_eq!((*code, *class), (expected_code, expected_class));
}

#[tokio::test]
async fn a_message_is_taken_kept_and_delivered() {
    let sandbox = Sandbox::start().await;
    let sent = sandbox.send(ALICE, "Code 123456").await.unwrap();
    assert_eq!(sent.status, Some(MessageStatus::Queued));
    assert_eq!((sent.to.as_str(), sent.from.as_deref()), (ALICE, Some(OURS)));
    assert!(sent.sid.starts_with("SM") && sent.sid.len() == 34);
    assert!(sent.date_created.is_some());

    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    let [kept] = &sandbox.handle.messages_to(ALICE)[..] else { panic!("not one message") };
    assert_eq!((kept.sid.as_str(), kept.body.as_str()), (sent.sid.as_str(), "Code 123456"));
    assert_eq!((kept.status, kept.attempts), (MessageStatus::Delivered, 1));
    assert_eq!(sandbox.traffic(), (1, 1));
    sandbox.stop().await;
}

#[tokio::test]
async fn listing_filters_by_both_numbers_newest_first() {
    let sandbox = Sandbox::start().await;
    for (to, body) in [(ALICE, "1"), (BOB, "2"), (ALICE, "3"), (ALICE, "4")] {
        sandbox.send(to, body).await.unwrap();
    }
    let mut other = text(ALICE, "5");
    other.from = "+15005550010".into();
    sandbox.twilio.send_message(&other).await.unwrap();

    let bodies = async |to, size| {
        let found = sandbox.twilio.list_messages(to, OURS, size).await.unwrap();
        assert!(found.iter().all(|message| message.direction == "outbound-api"));
        found.into_iter().map(|message| message.body).collect::<Vec<_>>()
    };
    assert_eq!(bodies(ALICE, 20).await, ["4", "3", "1"]);
    assert_eq!(bodies(ALICE, 2).await, ["4", "3"]);
    assert_eq!(bodies("+4369900000000", 20).await, [""; 0]);
    assert_eq!(sandbox.traffic(), (8, 5));
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_are_linked_and_one_message_can_be_fetched() {
    let sandbox = Sandbox::start().await;
    for body in ["1", "2", "3"] {
        sandbox.send(ALICE, body).await.unwrap();
    }
    // What is still on its way changes between two looks at it.
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    let get = async |path: &str| -> Value {
        let request = sandbox.http.get(sandbox.url(path));
        let answer = request.basic_auth(ACCOUNT, Some("sandbox-token")).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let first = get(&format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize=2")).await;
    let last = get(first["next_page_uri"].as_str().unwrap()).await;
    assert_eq!(last["messages"][0]["body"], "1");
    assert_eq!(last["next_page_uri"], Value::Null);

    let message = get(last["messages"][0]["uri"].as_str().unwrap()).await;
    assert_eq!(message, last["messages"][0]);
    for (field, value) in [("num_segments", "1"), ("api_version", "2010-04-01")] {
        assert_eq!(message[field], value);
    }
    let missing = get(&format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/SM0.json")).await;
    assert_eq!(missing["code"], 20404);
    sandbox.stop().await;
}

#[tokio::test]
async fn only_the_account_with_its_token_may_call() {
    let sandbox = Sandbox::start().await;
    let (base, http) = (sandbox.handle.base_url(), &sandbox.http);
    let wrong_token = client(base, ACCOUNT, "guess".into(), http.clone());
    let error = wrong_token.send_message(&text(ALICE, "x")).await.unwrap_err();
    assert_rejected(&error, 20003, RejectedClass::Account);
    let error = wrong_token.list_messages(ALICE, OURS, 1).await.unwrap_err();
    assert_rejected(&error, 20003, RejectedClass::Account);
    let other_account = client(base, "AC2", token(), http.clone());
    let error = other_account.send_message(&text(ALICE, "x")).await.unwrap_err();
    assert_rejected(&error, 20003, RejectedClass::Account);
    assert_eq!(sandbox.traffic(), (3, 0));
    sandbox.stop().await;
}

#[tokio::test]
async fn refusals_have_twilios_codes_and_no_effect() {
    let sandbox = Sandbox::start().await;
    sandbox.handle.opt_out(BOB);
    let mut from = text(ALICE, "x");
    from.from = "+15005550008".into();
    let cases = [
        (text("+15005550001", "x"), 21211, RejectedClass::Recipient),
        (text("+15005550004", "x"), 21610, RejectedClass::OptedOut),
        (text(BOB, "x"), 21610, RejectedClass::OptedOut),
        (text("nobody", "x"), 21211, RejectedClass::Recipient),
        (text(ALICE, ""), 21602, RejectedClass::Content),
        (text(ALICE, &"x".repeat(1_601)), 21617, RejectedClass::Content),
        (from, 21611, RejectedClass::QueueFull),
    ];
    for (message, code, class) in cases {
        let error = sandbox.twilio.send_message(&message).await.unwrap_err();
        assert_rejected(&error, code, class);
    }
    assert_eq!(sandbox.traffic(), (7, 0));
    assert!(sandbox.handle.messages().is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_json_body_is_not_a_form() {
    let sandbox = Sandbox::start().await;
    let url = sandbox.url(&format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    let request = sandbox.http.post(url).basic_auth(ACCOUNT, Some("sandbox-token"));
    let body = serde_json::json!({ "To": ALICE, "From": OURS, "Body": "x" });
    let answer = request.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], 21604);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_unknown_resource_is_not_found_in_twilios_words() {
    let sandbox = Sandbox::start().await;
    let answer: Value =
        serde_json::from_str(&sandbox.get("/2010-04-01/Accounts/AC1/Conferences.json").await)
            .unwrap();
    assert_eq!((&answer["code"], &answer["status"]), (&20404.into(), &404.into()));
    sandbox.stop().await;
}
