//! The endpoints of an outside clock.

use std::time::Duration;

use serde_json::Value;
use tests::Answer;

use crate::stage::{Rows, Stage};

const KEY: &str = "the-key-of-the-outside-clock";

/// Everything that is not built yet, by its name in the address.
const LATER: [&str; 8] = [
    "auto-review-response",
    "send-nps",
    "trial-reminders",
    "no-show-recovery",
    "win-back",
    "daily-summary",
    "weekly-summary",
    "agency-digest",
];

impl Stage {
    async fn with_clock() -> Stage {
        Stage::with(&[("CRON_SECRET", KEY)]).await
    }

    async fn clock(&self, path: &str) -> Answer {
        self.post(path).bearer(KEY).send().await
    }

    async fn jobs_of(&self, kind: &str) -> i64 {
        let of_kind = format!(
            "select from trunkline.jobs j join trunkline.kinds k using (kind_id) where k.name = '{kind}'"
        );
        self.db.number(&of_kind).await
    }
}

#[tokio::test]
async fn the_master_makes_each_tick_once_and_tells_of_each_job() {
    let stage = Stage::with_clock().await;
    let first = stage.clock("/api/cron").await.is(200);
    let again = stage.clock("/api/cron").await.is(200);
    let of = |answer: &Value| answer["results"]["cleanupVerificationCodes"]["jobId"].clone();
    assert!(of(&first).is_string());
    assert_eq!(of(&first), of(&again), "the same tick is the same job");
    assert_eq!(first["results"]["cleanupVerificationCodes"]["state"], "ready");
    assert_eq!(first["errors"], serde_json::json!([]));
    assert!(first["timestamp"].is_string());
    assert!(first["results"].as_object().unwrap().contains_key("winBack"));
    assert!(first["results"]["winBack"].is_null(), "what is not built is no success");
    assert_eq!(stage.jobs_of("clean_expired").await, 1);

    stage.db.advance(Duration::from_hours(1)).await;
    let later = stage.clock("/api/cron").await.is(200);
    assert_ne!(of(&later), of(&first), "the next tick is another");
    assert_eq!(stage.jobs_of("clean_expired").await, 2);
}

#[tokio::test]
async fn one_job_is_made_now_and_once_a_minute() {
    let stage = Stage::with_clock().await;
    let path = "/api/cron/cleanup-verification-codes";
    let first = stage.clock(path).await.is(202);
    let again = stage.get(path).bearer(KEY).send().await.is(202);
    assert_eq!(first["jobId"], again["jobId"]);
    assert_eq!((&first["state"], &first["last"]), (&"ready".into(), &Value::Null));
    stage.db.advance(Duration::from_mins(1)).await;
    assert_ne!(stage.clock(path).await.is(202)["jobId"], first["jobId"]);
    assert_eq!(stage.jobs_of("clean_expired").await, 2);
}

#[tokio::test]
async fn a_schedule_that_an_operator_has_paused_makes_nothing_for_an_outside_clock() {
    let stage = Stage::with_clock().await;
    let pause = serde_json::json!({ "reason": "after a restore" });
    let path = "/v1/admin/schedules/sweep-calls/pause";
    stage.post(path).as_operator().json(&pause).send().await.is(200);
    stage.clock("/api/cron/check-missed-calls").await.problem(409, "wrong_state");
    assert_eq!(stage.jobs_of("call_sweep").await, 0);
}

#[tokio::test]
async fn of_many_at_once_each_tick_has_one_job() {
    let stage = Stage::with_clock().await;
    let other = stage.another_api().await;
    let asked = (0..8).map(|number| {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        api.post("/api/cron").bearer(KEY).send()
    });
    for answer in futures::future::join_all(asked).await {
        answer.is(200);
    }
    assert_eq!(stage.jobs_of("clean_expired").await, 1);
}

#[tokio::test]
async fn what_is_not_built_yet_never_says_that_it_is_done() {
    let stage = Stage::with_clock().await;
    let before = Rows::count(&stage.db).await;
    for name in LATER {
        let path = format!("/api/cron/{name}");
        let answer = stage.post(&path).bearer(KEY).send_unchecked().await;
        answer.problem(501, "not_built_yet");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
    let looks = stage.clock("/api/cron/process-scheduled").await.is(202);
    assert_eq!(
        (&looks["job"], stage.jobs_of("sms_reconcile").await),
        (&"process-scheduled".into(), 1)
    );
    stage.clock("/api/cron/nothing-of-this-name").await.problem(404, "not_found");
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn whoever_has_not_the_clocks_key_makes_nothing() {
    let stage = Stage::with_clock().await;
    let before = Rows::count(&stage.db).await;
    for path in ["/api/cron", "/api/cron/cleanup-verification-codes", "/api/cron/win-back"] {
        for key in ["", "wrong", &KEY[1..], &KEY.to_uppercase(), tests::ADMIN_KEY] {
            let answer = stage.post(path).bearer(key).header("cf-cron", "true").send().await;
            answer.problem(401, "cron_secret_required");
        }
        stage.post(path).send().await.problem(401, "cron_secret_required");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
    let unset = Stage::open().await;
    unset.clock("/api/cron").await.problem(401, "cron_secret_required");
    unset.post("/api/cron").bearer("").send().await.problem(401, "cron_secret_required");
}
