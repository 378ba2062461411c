//! What is set from a page: limits of queues, backfills of schedules, other arguments of a job.

use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_queue_s_limit_target_and_turns_are_set_and_lifted_from_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    stage.noop().await;
    let all = stage.get("/v1/admin/queues").as_operator().send().await.is(200);
    let name = all["items"][0]["name"].as_str().unwrap().to_owned();
    let at = format!("/console/queues?of={name}");
    let set = async |order: &str, field: &str, value: &str| {
        let form = browser.page(&at).await.form(&format!("/console/orders/queue.{order}"));
        let form = form.with("reason", "the carrier asks").with(field, value);
        browser.follow(&browser.send(&form).await).await;
        stage.get(&format!("/v1/admin/queues/{name}")).as_operator().send().await.is(200)
    };
    assert_eq!(set("limit", "at_once_max", "7").await["at_once_max"], 7);
    let form = browser.page(&at).await.form("/console/orders/queue.limit");
    assert_eq!(form.get("at_once_max"), "7", "what is set stands in the form");
    assert_eq!(set("promise", "latency_target_ms", "2,500").await["latency_target_ms"], 2500);
    assert_eq!(set("share", "fair", "true").await["fair"], true);
    let lifted = set("limit", "at_once_max", "").await;
    assert_eq!(lifted["at_once_max"], json!(null));
    assert_eq!((&lifted["latency_target_ms"], &lifted["fair"]), (&json!(2500), &json!(true)));
    let audit = browser.audit("queue.set").await;
    assert_eq!(audit.len(), 4, "{audit:?}");
    let form = form.with("reason", "r").with("at_once_max", "0");
    let none = browser.send(&form).await;
    assert!(none.status == 422 && none.text.contains("must be a whole number from 1"), "{none:?}");
}

#[tokio::test]
async fn the_ticks_of_a_time_that_is_past_are_made_and_ended_from_a_schedule_s_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let listed = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
    let schedules = listed["items"].as_array().unwrap();
    let hourly = |cron: &str| cron.split(' ').nth(1) == Some("*");
    let name = schedules.iter().find(|it| hourly(it["cron"].as_str().unwrap())).unwrap();
    let name = name["name"].as_str().unwrap().to_owned();
    let at = format!("/console/schedules?of={name}");
    let now = stage
        .db
        .text("select to_char(trunkline.now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')")
        .await;
    let ago = stage.db.text("select to_char(trunkline.now() at time zone 'UTC' - interval '5 hours', 'YYYY-MM-DD\"T\"HH24:MI')").await;
    let form = browser.page(&at).await.form("/console/orders/schedule.backfill");
    let form = form.with("reason", "the outage").with("from", &ago).with("to", &now);
    let upside_down = form.clone().with("from", &now).with("to", &ago);
    let refused = browser.send(&upside_down).await;
    assert!(refused.status >= 400 && refused.status < 500, "{refused:?}");
    let page = browser.follow(&browser.send(&form).await).await;
    assert!(page.words().contains("The ticks of that time are being made."), "{}", page.words());
    assert!(page.words().contains("backfill: 0 made, next"), "{}", page.words());
    let stop = browser.page(&at).await.form("/console/orders/schedule.stop-backfill");
    let page = browser.follow(&browser.send(&stop.with("reason", "enough")).await).await;
    assert!(!page.words().contains("backfill: 0 made"), "{}", page.words());
    for action in ["schedule.backfilled", "schedule.backfill_stopped"] {
        assert_eq!(browser.audit(action).await.len(), 1, "{action}");
    }
}

#[tokio::test]
async fn a_job_that_has_not_begun_gets_other_arguments_from_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let id = stage.new_job(&later).await;
    let at = format!("/console/jobs/{id}");
    let form = browser.page(&at).await.form("/console/orders/job.args").with("reason", "a slip");
    assert_eq!(form.get("args"), "{\n  \"ms\": 1\n}");
    let odd = browser.send(&form.clone().with("args", "{")).await;
    assert!(odd.status == 422 && odd.text.contains("args is not JSON"), "{odd:?}");
    let unfit = browser.send(&form.clone().with("args", "{\"ms\": \"long\"}")).await;
    assert_eq!(unfit.status, 422, "{unfit:?}");
    browser.follow(&browser.send(&form.with("args", "{\"ms\": 2}")).await).await;
    assert_eq!(stage.job(&id).await["args"], json!({ "ms": 2 }));
    assert_eq!(browser.audit("job.args_edited").await.len(), 1);
    // What the page shows otherwise than it is does not come back from the form.
    let shy = json!({ "kind": "ledger", "args": { "key": "call +43 664 7654321" } });
    let shy = stage.new_job(&shy).await;
    let page = browser.page(&format!("/console/jobs/{shy}")).await;
    assert_eq!(page.form("/console/orders/job.args").get("args"), "");
    assert!(page.words().contains("They hold what no page shows"), "{}", page.words());
}

#[tokio::test]
async fn of_two_operators_who_set_the_same_the_second_sees_what_stands_there_now() {
    let stage = Stage::open().await;
    let (ada, ben) = (stage.browser().await, stage.browser().await);
    stage.noop().await;
    let at = "/console/queues?of=try";
    let form = |page: &super::browser::Page, max: &str| {
        let form = page.form("/console/orders/queue.limit").with("reason", "the carrier asks");
        form.with("at_once_max", max)
    };
    let (hers, his) = (ada.page(at).await, ben.page(at).await);
    ada.follow(&ada.send(&form(&hers, "7")).await).await;
    let refused = ben.send(&form(&his, "9")).await;
    assert_eq!(refused.status, 412, "{refused:?}");
    let page = super::browser::Page { path: at.to_owned(), answer: refused };
    page.check();
    let words = page.words();
    assert!(words.contains("It has changed since you opened the page."), "{words}");
    assert!(words.contains("\"at_once_max\": 7"), "{words}");
    assert!(page.answer.text.contains("href=\"/console/queues\""), "{}", page.answer.text);
    let stands = stage.get("/v1/admin/queues/try").as_operator().send().await.is(200);
    assert_eq!(stands["at_once_max"], 7);
    // Whoever has looked again decides anew.
    ben.follow(&ben.send(&form(&ben.page(at).await, "9")).await).await;
    let stands = stage.get("/v1/admin/queues/try").as_operator().send().await.is(200);
    assert_eq!(stands["at_once_max"], 9);
}

#[tokio::test]
async fn a_run_that_went_on_while_somebody_looked_at_it_is_cancelled_all_the_same() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let id = stage.new_job(&later).await;
    let page = browser.page(&format!("/console/jobs/{id}")).await;
    let run_now = stage.post(&format!("/v1/admin/jobs/{id}/run-now")).as_operator();
    run_now.json(&json!({ "reason": "r" })).send().await.is(202);
    let edit = page.form("/console/orders/job.args").with("reason", "r");
    let refused = browser.send(&edit.with("args", "{\"ms\": 2}")).await;
    assert_eq!(refused.status, 412, "{refused:?}");
    let cancel = page.form("/console/orders/job.cancel").with("reason", "r");
    browser.follow(&browser.send(&cancel).await).await;
    assert_eq!(stage.job(&id).await["state"], "cancelled");
}

#[tokio::test]
async fn a_schedule_gets_another_clock_from_its_page() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    let listed = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
    let name = listed["items"][0]["name"].as_str().unwrap().to_owned();
    let at = format!("/console/schedules?of={name}");
    let form = browser.page(&at).await.form("/console/orders/schedule.change");
    assert_eq!(form.get("cron"), listed["items"][0]["cron"], "what is set stands in the form");
    let form = form.with("reason", "the nights are busy");
    let odd = browser.send(&form.clone().with("cron", "at noon")).await;
    assert_eq!(odd.status, 422, "{odd:?}");
    let form = form.with("cron", "17 3 * * *").with("missed", "run_once");
    let page = browser.follow(&browser.send(&form).await).await;
    assert!(page.words().contains("The schedule is changed"), "{}", page.words());
    assert!(page.words().contains("changed by operator:admin-key: the nights are busy"));
    let path = format!("/v1/admin/schedules/{name}");
    let stands = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!((&stands["cron"], &stands["missed"]), (&json!("17 3 * * *"), &json!("run_once")));
    assert_eq!(browser.audit("schedule.changed").await.len(), 1);
}
