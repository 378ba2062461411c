//! Many jobs, page by page.

use engine::{NewJob, Start};
use serde_json::{Value, json};

use crate::stage::{Guest, Stage};

/// All ids that a filter finds, newest first, by pages of this size.
async fn walk(stage: &Stage, filter: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let body = page(stage, &format!("{filter}&limit={limit}{cursor}")).await;
        let items = body["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
        assert_eq!(items.len(), limit, "a page before the last is full");
    }
}

async fn page(stage: &Stage, query: &str) -> Value {
    let path = format!("/v1/admin/jobs?{}", query.trim_start_matches('&'));
    stage.get(&path).as_operator().send().await.is(200)
}

/// Jobs that do nothing, in one transaction; newest last.
async fn noops(stage: &Stage, count: usize) -> Vec<String> {
    let mut tx = stage.begin().await;
    let mut ids = Vec::new();
    for _ in 0..count {
        let job = NewJob::of_kind("noop", "try", json!({}));
        ids.push(tx.enqueue(job).await.unwrap().id().to_string());
    }
    tx.commit().await.unwrap();
    ids
}

#[tokio::test]
async fn pages_hold_every_job_once_whatever_their_size_and_whatever_comes_in_between() {
    let stage = Stage::open().await;
    let mut made = noops(&stage, 250).await;
    made.reverse();
    assert_eq!(walk(&stage, "", 100).await, made);
    assert_eq!(walk(&stage, "", 50).await, made, "the last page is full, and the last");
    assert_eq!(walk(&stage, "", 33).await, made);
    // What is made while somebody reads stands before the first page, not on the next.
    let first = page(&stage, "limit=100").await;
    noops(&stage, 30).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = page(&stage, &format!("limit=100&cursor={cursor}")).await;
    let ids: Vec<_> = second["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, made[100..200]);
}

#[tokio::test]
async fn a_list_has_twenty_at_first_and_an_empty_one_no_next() {
    let stage = Stage::open().await;
    assert_eq!(page(&stage, "").await, json!({ "items": [], "next_cursor": null }));
    noops(&stage, 21).await;
    let body = page(&stage, "").await;
    assert_eq!(body["items"].as_array().unwrap().len(), 20);
    assert!(body["next_cursor"].is_string());
    let mut names: Vec<_> = body["items"][0].as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    let wanted = [
        "attempt",
        "compensating",
        "created_at",
        "error",
        "finished_at",
        "id",
        "kind",
        "queue",
        "state",
    ];
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn each_filter_finds_its_own_and_all_of_them_together() {
    let stage = Stage::open().await;
    let demo = stage.sign_up(Guest(1)).await;
    let signup = stage.get(&demo.status_path()).send().await.json()["jobId"].clone();
    let signup = signup.as_str().unwrap().to_owned();
    let noop = stage.noop().await;
    let cancelled = stage.noop().await;
    let path = format!("/v1/admin/jobs/{cancelled}/cancel");
    stage.post(&path).as_operator().send().await.is(202);
    let later = json!({ "kind": "timer", "args": { "ms": 5 }, "run_at": "2099-01-01T00:00:00Z" });
    let later = stage.new_job(&later).await;
    let tenant = json!({ "kind": "noop", "queue": "sms", "tenant_id": demo.tenant });
    let of_tenant = stage.new_job(&tenant).await;

    let find = async |filter: &str| walk(&stage, filter, 100).await;
    assert_eq!(find("").await.len(), 5);
    assert_eq!(find("kind=demo_signup").await, [signup.as_str()]);
    assert_eq!(find("queue=demo").await, [signup.as_str()]);
    assert_eq!(find("queue=sms").await, [of_tenant.as_str()]);
    assert_eq!(find("state=cancelled").await, [cancelled.as_str()]);
    assert_eq!(find("state=scheduled").await, [later.as_str()]);
    assert_eq!(find("state=ready").await, [of_tenant.as_str(), &noop, &signup]);
    assert_eq!(find("state=running").await, [] as [&str; 0]);
    let tenant = format!("tenant={}", demo.tenant);
    assert_eq!(find(&tenant).await, [of_tenant.as_str(), &signup]);
    let all = format!("kind=noop&queue=sms&state=ready&{tenant}");
    assert_eq!(find(&all).await, [of_tenant.as_str()]);
    assert_eq!(find(&format!("kind=timer&{tenant}")).await, [] as [&str; 0]);
    assert_eq!(walk(&stage, "kind=noop", 1).await, [of_tenant.as_str(), &cancelled, &noop]);
}

#[tokio::test]
async fn a_job_tells_its_story_in_the_shape_that_scripts_rely_on() {
    let stage = Stage::open().await;
    let mut tx = stage.begin().await;
    let job = NewJob::of_kind("timer", "try", json!({ "ms": 7 }))
        .start(Start::After(std::time::Duration::from_hours(1)));
    let id = tx.enqueue(job).await.unwrap().id().to_string();
    tx.commit().await.unwrap();
    let job = stage.job(&id).await;
    for name in ["args", "output", "steps", "effects", "explain", "id", "kind", "queue", "state"] {
        assert!(job.get(name).is_some(), "{name}: {job}");
    }
    assert_eq!(job["args"], json!({ "ms": 7 }));
    assert_eq!(
        (&job["output"], &job["steps"], &job["effects"]),
        (&Value::Null, &json!([]), &json!([]))
    );
    assert_eq!((&job["state"], &job["attempt"]), (&json!("scheduled"), &json!(0)));
}

#[tokio::test]
async fn a_job_that_is_not_there_is_not_found() {
    let stage = Stage::open().await;
    for id in ["01a1fc41-3c5f-703a-a74d-081bf3e2c246", "1", "00000000-0000-0000-0000-000000000000"]
    {
        let path = format!("/v1/admin/jobs/{id}");
        stage.get(&path).as_operator().send().await.problem(404, "not_found");
        for verb in ["retry", "cancel"] {
            let ask = stage.post(&format!("{path}/{verb}")).as_operator();
            ask.send().await.problem(404, "not_found");
        }
        let path = format!("/v1/admin/demo/{id}/verify");
        stage.post(&path).as_operator().send().await.problem(404, "not_found");
    }
    assert_eq!(stage.db.number("select from product.audit_log").await, 0);
}
