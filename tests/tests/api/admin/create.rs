//! A job by the name of its kind.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Rows, Stage};

async fn create(stage: &Stage, body: &Value) -> Answer {
    stage.post("/v1/admin/jobs").as_operator().json(body).send().await
}

async fn audited(stage: &Stage) -> i64 {
    stage.db.number("select from product.audit_log where action = 'job.enqueued'").await
}

#[tokio::test]
async fn a_job_is_made_as_it_was_asked_for() {
    let stage = Stage::open().await;
    let tenant = "01a1fc41-3c5f-703a-a74d-081bf3e2c246";
    let body = json!({ "kind": "timer", "args": { "ms": 5 }, "queue": "sms", "priority": -3,
        "run_at": "2099-01-01T01:00:00+01:00", "unique_key": "k", "tenant_id": tenant });
    let answer = create(&stage, &body).await;
    let id = answer.is(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/v1/admin/jobs/{id}"));
    let job = stage.job(&id).await;
    assert_eq!((&job["kind"], &job["queue"]), (&json!("timer"), &json!("sms")));
    assert_eq!((&job["state"], &job["args"]), (&json!("scheduled"), &json!({ "ms": 5 })));
    assert_eq!(job["tenant_id"], tenant);
    assert_eq!(job["due"], "2099-01-01T00:00:00Z");
    let entry = format!(
        "select from product.audit_log where action = 'job.enqueued'
                         and actor = 'operator:admin-key' and details ->> 'job' = '{id}'"
    );
    assert_eq!(stage.db.number(&entry).await, 1);
}

#[tokio::test]
async fn without_more_a_job_is_ready_in_the_queue_of_its_kind() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let job = stage.job(&id).await;
    assert_eq!((&job["state"], &job["queue"]), (&json!("ready"), &json!("try")));
    let past = json!({ "kind": "noop", "run_at": "2001-01-01T00:00:00Z" });
    let past = stage.new_job(&past).await;
    assert_eq!(stage.job(&past).await["state"], "ready");
}

#[tokio::test]
async fn a_key_that_was_used_gives_the_first_job_until_a_day_has_passed() {
    let stage = Stage::open().await;
    let body = json!({ "kind": "noop", "unique_key": "nightly" });
    let first = create(&stage, &body).await.is(201);
    for _ in 0..3 {
        assert_eq!(create(&stage, &body).await.is(200), first);
    }
    assert_eq!(audited(&stage).await, 1);
    let other = json!({ "kind": "steps", "args": { "n": 1 }, "unique_key": "nightly" });
    assert_ne!(create(&stage, &other).await.is(201), first, "each kind has keys of its own");
    stage.db.advance(Duration::from_hours(24) + Duration::from_secs(1)).await;
    assert_ne!(create(&stage, &body).await.is(201), first);
}

#[tokio::test]
async fn of_many_with_one_key_at_once_one_is_made() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "kind": "noop", "unique_key": "the one" });
    let asked = (0..12).map(|number| {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        api.post("/v1/admin/jobs").as_operator().json(&body).send()
    });
    let answers = join_all(asked).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 1);
}

#[tokio::test]
async fn what_no_worker_could_run_is_refused_and_writes_nothing() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    for (body, pointer) in [
        (json!({}), "/kind"),
        (json!({ "kind": "" }), "/kind"),
        (json!({ "kind": "never-heard-of" }), "/kind"),
        (json!({ "kind": "NOOP" }), "/kind"),
        (json!({ "kind": "noop", "queue": "never-heard-of" }), "/queue"),
        (json!({ "kind": "noop", "queue": "" }), "/queue"),
        (json!({ "kind": "sleep", "args": {} }), "/args"),
        (json!({ "kind": "sleep", "args": { "ms": "long" } }), "/args"),
        (json!({ "kind": "sleep", "args": { "ms": -1 } }), "/args"),
        (json!({ "kind": "sleep", "args": [] }), "/args"),
        (json!({ "kind": "sleep", "args": "{\"ms\":1}" }), "/args"),
        (json!({ "kind": "demo_signup", "args": { "tenant": "x", "bot": "y" } }), "/args"),
        (json!({ "kind": "noop", "priority": 40_000 }), "/priority"),
        (json!({ "kind": "noop", "priority": 1.5 }), "/priority"),
        (json!({ "kind": "noop", "run_at": "tomorrow" }), "/run_at"),
        (json!({ "kind": "noop", "run_at": "2099-01-01T00:00:00" }), "/run_at"),
        (json!({ "kind": "noop", "unique_key": "" }), "/unique_key"),
        (json!({ "kind": "noop", "unique_key": "k".repeat(201) }), "/unique_key"),
        (json!({ "kind": "noop", "tenant_id": "mine" }), "/tenant_id"),
        (json!({ "kind": "noop", "id": "01a1fc41-3c5f-703a-a74d-081bf3e2c246" }), "/id"),
        (json!({ "kind": "noop", "args": { "big": "x".repeat(300_000) } }), "/args"),
    ] {
        let body = create(&stage, &body).await.problem(422, "invalid_fields");
        let errors = body["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {body}");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_without_their_values() {
    let stage = Stage::open().await;
    for (kind, args, detail) in [
        ("sleep", json!({ "ms": "a, expected canary" }), "do not fit the kind: expected u64"),
        ("sleep", json!({}), "do not fit the kind: missing field `ms`"),
        ("demo_signup", json!({ "tenant": "canary", "bot": "canary" }), "do not fit the kind"),
    ] {
        let body = create(&stage, &json!({ "kind": kind, "args": args })).await;
        let body = body.problem(422, "invalid_fields");
        assert_eq!(body["errors"][0]["detail"], detail, "{body}");
    }
}

#[tokio::test]
async fn an_instant_that_no_calendar_has_is_refused() {
    let stage = Stage::open().await;
    for at in ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2024-02-30T00:00:00Z"] {
        let answer = create(&stage, &json!({ "kind": "noop", "run_at": at })).await;
        assert!(matches!(answer.status, 201 | 422), "{answer:?}");
    }
}

#[tokio::test]
async fn kinds_for_trying_are_not_there_where_they_are_not_wanted() {
    let stage = Stage::with(&[("TRUNKLINE_TRY_KINDS", "0")]).await;
    create(&stage, &json!({ "kind": "noop" })).await.problem(422, "invalid_fields");
}
