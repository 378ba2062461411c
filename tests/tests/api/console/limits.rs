//! What a page counts for against the limit of the key that is logged in, and what is said when it has asked too often.

use std::time::Duration;

use serde_json::{Value, json};

use super::browser::{Browser, Page};
use crate::stage::Stage;

/// Of requests that a key still has in this minute, as an answer says it.
fn left(page: &Page) -> u32 {
    let said = page.answer.header("ratelimit");
    let left = said.split(';').find_map(|part| part.strip_prefix("r="));
    left.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}

impl Stage {
    /// A browser of somebody who may look, so many times in a minute; logging in is one.
    async fn looker(&self, per_minute: u32) -> Browser<'_> {
        let key = json!({ "name": "ada", "scopes": ["read"], "per_minute": per_minute });
        self.browser_of(&self.new_key(&key).await).await
    }
}

#[tokio::test]
async fn a_page_counts_once_however_many_questions_it_asks() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let browser = stage.looker(50).await;
    let first = left(&browser.page("/console").await);
    assert_eq!(first, 48, "logging in, and this page");
    let job = format!("/console/jobs/{id}");
    for (number, path) in (1..).zip([&*job, "/console/errors", "/console/queues", "/console"]) {
        assert_eq!(left(&browser.page(path).await), first - number, "{path}");
    }
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_it_goes_on_and_stays_logged_in() {
    let stage = Stage::open().await;
    let browser = stage.looker(3).await;
    let mut stream = browser.follow_page("/console/jobs").await;
    stream.says("event: fragment").await;
    // Login, stream, fragment: that was the limit. The next look comes by itself.
    stream.says("event: later\ndata: ").await;
    assert!(
        stream.text.contains("Refused for now: this key has asked too often."),
        "{}",
        stream.text
    );
    assert!(!stream.text.contains("event: over"), "{}", stream.text);
    let again = browser.follow_page("/console/jobs").await;
    assert_eq!(again.response.status(), 200, "a browser comes back to it by itself");
    let said = again.response.text().await.unwrap();
    assert!(said.starts_with("event: later\ndata: ") && said.contains("\nretry: "), "{said}");

    let refused = browser.get("/console").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&secs), "{secs}");
    let page = Page { path: "/console".to_owned(), answer: refused };
    page.check();
    let words = page.words();
    assert!(words.contains("You are still logged in."), "{words}");
    assert!(words.contains(&format!("It goes on in {secs} s.")), "{words}");
    stage.db.advance(Duration::from_secs(secs + 1)).await;
    browser.page("/console").await;
}

#[tokio::test]
async fn a_right_key_that_has_asked_too_often_is_told_so_when_it_logs_in_and_is_no_wrong_one() {
    let stage = Stage::open().await;
    let key = json!({ "name": "ada", "scopes": ["read"], "per_minute": 1 });
    let key = stage.new_key(&key).await;
    assert_eq!(stage.give_key(&key, "/console").await.status, 303);
    let refused = stage.give_key(&key, "/console").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(!refused.header("set-cookie").starts_with("trunkline_console="), "{refused:?}");
    let secs: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&secs), "{secs}");
    let page = Page { path: "/console/login".to_owned(), answer: refused };
    page.check();
    let words = page.words();
    assert!(words.contains("This key has asked as often as it may in a minute."), "{words}");
    for untrue in ["not the key", "still logged in"] {
        assert!(!words.contains(untrue), "{words}");
    }
    let tries = "select from product.rate_limits where scope = 'admin.wrong_keys_per_ip'";
    assert_eq!(stage.db.number(tries).await, 0);
    stage.db.advance(Duration::from_secs(secs + 1)).await;
    assert_eq!(stage.give_key(&key, "/console").await.status, 303);
}

#[tokio::test]
async fn a_key_may_do_in_the_console_what_it_may_do_and_nothing_after_it_was_taken_back() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let key = stage.key(json!(["read"])).await;
    let browser = stage.browser_of(&key).await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.cancel").with("reason", "r");
    let refused = browser.send(&form).await;
    assert!(
        refused.status == 403 && refused.text.contains("this needs the scope jobs"),
        "{refused:?}"
    );
    assert_eq!(stage.job(&id).await["state"], "ready");
    let revoke = format!("/v1/admin/keys/{}/revoke", key.split('_').nth(1).unwrap());
    stage
        .post(&revoke)
        .as_operator()
        .json(&Value::Object(serde_json::Map::new()))
        .send()
        .await
        .is(200);
    let gone = browser.get("/console").await;
    assert_eq!((gone.status, gone.header("location")), (303, "/console/login?next=%2Fconsole"));
}
