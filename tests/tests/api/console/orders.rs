//! What is done from a page: by the API's own orders, with a reason, once, and written down.

use serde_json::{Value, json};

use super::browser::{Browser, Page};
use crate::stage::{Rows, Stage};

impl Browser<'_> {
    pub(super) async fn audit(&self, action: &str) -> Vec<Value> {
        let path = format!("/v1/admin/audit?action={action}");
        let found = self.stage.get(&path).as_operator().send().await.is(200);
        found["items"].as_array().unwrap().clone()
    }

    /// The page to which an answer leads.
    pub(super) async fn follow(&self, answer: &tests::Answer) -> Page {
        assert_eq!(answer.status, 303, "{answer:?}");
        self.page(answer.header("location")).await
    }
}

#[tokio::test]
async fn an_order_is_carried_out_once_with_its_reason_and_written_down() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let id = stage.noop().await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.cancel").with("reason", "asked by the customer");
    let form = form.with("mode", "graceful");
    let done = browser.send(&form).await;
    assert_eq!(done.header("location"), format!("/console/jobs/{id}?done=job.cancel"));
    let page = browser.follow(&done).await;
    assert!(page.words().contains("It is being cancelled"), "{}", page.words());
    assert!(page.words().contains("job.cancelled by operator:admin-key: asked by the customer"));
    assert_eq!(stage.job(&id).await["state"], "cancelled");
    // Sent again by a nervous finger or a browser's button.
    assert_eq!(browser.send(&form).await.status, 303);
    let audit = browser.audit("job.cancelled").await;
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!(audit[0]["details"]["reason"], "asked by the customer");
    assert_eq!(audit[0]["details"]["mode"], "graceful");
    let record = browser.page("/console/audit").await.words();
    assert!(record.contains("job.cancelled asked by the customer"), "{record}");
    let engines = browser.page("/console/audit?of=engine").await.words();
    assert!(engines.contains("job.cancelled asked by the customer"), "{engines}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let id = stage.noop().await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let form = page.form("/console/orders/job.cancel").with("reason", "r");
    let before = Rows::count(&stage.db).await;
    let silent = browser.send(&form.clone().with("reason", "  ")).await;
    assert!(silent.status == 422 && silent.text.contains("reason is missing"), "{silent:?}");
    let odd = browser.send(&form.clone().with("mode", "loudly")).await;
    assert!(odd.status == 422 && odd.text.contains("mode must be one of"), "{odd:?}");
    let long = browser.send(&form.clone().with("reason", &"x".repeat(501))).await;
    assert_eq!(long.status, 422, "{long:?}");
    let keyless = browser.send(&form.clone().with("once", "x")).await;
    assert_eq!(keyless.status, 422, "{keyless:?}");
    let mut unknown = form.clone();
    unknown.action = "/console/orders/job.forget".to_owned();
    assert_eq!(browser.send(&unknown).await.status, 404);
    let nowhere = browser.send(&form.clone().with("id", "../queues/try/pause#")).await;
    assert_eq!(nowhere.status, 404, "{nowhere:?}");
    assert_eq!(Rows::count(&stage.db).await, before);

    // Somebody else was first: a stale click is told so.
    let path = format!("/v1/admin/jobs/{id}/cancel");
    stage.post(&path).as_operator().json(&json!({})).send().await.is(202);
    let late = browser.send(&form).await;
    assert_eq!(late.status, 409, "{late:?}");
    let late = Page { path: "late".to_owned(), answer: late };
    late.check();
    assert!(late.words().contains("cancelled"), "{}", late.words());
}

#[tokio::test]
async fn a_queue_is_paused_for_a_time_and_resumed_and_the_first_page_says_so() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    stage.noop().await;
    let queue =
        stage.get("/v1/admin/queues").as_operator().send().await.is(200)["items"][0].clone();
    let name = queue["name"].as_str().unwrap().to_owned();
    let page = browser.page(&format!("/console/queues?of={name}")).await;
    let pause = page.form("/console/orders/queue.pause").with("reason", "the carrier is down");
    let page = browser.follow(&browser.send(&pause.with("for_secs", "3600")).await).await;
    assert!(page.words().contains("The queue is paused"), "{}", page.words());
    assert!(page.words().contains(": the carrier is down"), "{}", page.words());
    let first = browser.page("/console").await.words();
    assert!(first.contains(&format!("{name} is paused since")), "{first}");
    assert_eq!(browser.audit("queue.paused").await[0]["details"]["for_secs"], 3600);
    let page = browser.page(&format!("/console/queues?of={name}")).await;
    let resume = page.form("/console/orders/queue.resume").with("reason", "it is back");
    browser.follow(&browser.send(&resume).await).await;
    let first = browser.page("/console").await.words();
    assert!(!first.contains("is paused"), "{first}");
}

#[tokio::test]
async fn a_parked_run_is_answered_from_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let id = stage.new_job(&later).await;
    let park = format!(
        "update trunkline.waits set state = 'parked', cause = 'gave_up', reason = 'its handler broke', due = null
         where job_id = '{id}'"
    );
    sqlx::query(sqlx::AssertSqlSafe(park)).execute(stage.db.owner()).await.unwrap();
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let words = page.words();
    assert!(words.contains("A person must decide its handler broke cause: gave_up"), "{words}");
    let first = browser.page("/console").await;
    assert!(first.words().contains("1 run waits for a person (gave_up)"), "{}", first.words());
    let form = page.form("/console/orders/job.answer").with("reason", "it is mended");
    let bad = browser.send(&form.clone().with("answer", "happened").with("value", "{")).await;
    assert!(bad.status == 422 && bad.text.contains("value is not JSON"), "{bad:?}");
    let late = browser.send(&form.clone().with("claim", "77")).await;
    assert_eq!(late.status, 409, "{late:?}");
    browser.follow(&browser.send(&form.with("answer", "retry")).await).await;
    assert_eq!(stage.job(&id).await["state"], "ready");
    assert_eq!(browser.audit("job.answered").await.len(), 1);
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_and_run_from_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let listed = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
    let name = listed["items"][0]["name"].as_str().unwrap().to_owned();
    let at = format!("/console/schedules?of={name}");
    let order = async |order: &str| {
        let form = browser.page(&at).await.form(&format!("/console/orders/schedule.{order}"));
        browser.follow(&browser.send(&form.with("reason", "a try")).await).await.words()
    };
    assert!(order("pause").await.contains("paused by operator:admin-key: a try"));
    assert!(!order("resume").await.contains("paused by"));
    assert!(order("run").await.contains("A job of it is made."));
    for action in ["schedule.paused", "schedule.resumed", "schedule.run"] {
        assert_eq!(browser.audit(action).await.len(), 1, "{action}");
    }
}
