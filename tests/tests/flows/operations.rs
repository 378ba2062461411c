//! Orders about many jobs: frozen, started, stopped by the first few, ended, taken back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobDetail, JobId, Keep, NewJob, Start, State};
use serde_json::{Value, json};
use tests::{TestWorker, holds, rest, wait_until};
use workflows::Trunkline;

use crate::stage::{ADMIN_KEY, Props, Stage};

/// Who carries operations out.
const KINDS: [&str; 3] = ["operate_jobs", "operate_stretch", "undo_operation"];

/// Jobs that have failed, as workers leave them.
const FAIL: &str = "
    with gone as (delete from trunkline.ready r using trunkline.kinds k
                  where k.kind_id = r.kind_id and k.name not like 'operat%' returning r.job_id, r.retention)
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, error)
    select job_id, retention, 'failed', 1, 3, '{\"message\": \"as asked\"}' from gone";

pub(crate) struct Desk {
    stage: Stage,
}

impl Desk {
    pub(crate) async fn open() -> Desk {
        Desk { stage: Stage::with(Props { try_kinds: true, ..Props::default() }).await }
    }

    pub(crate) async fn worker(&self) -> TestWorker<Trunkline> {
        self.stage.worker().await
    }

    async fn jobs(&self, count: usize, of: impl Fn() -> NewJob) -> Vec<JobId> {
        let jobs: Vec<_> = (0..count).map(|_| of()).collect();
        let ids = jobs.iter().map(|job| job.id).collect();
        self.stage.engine.enqueue_all(jobs).await.unwrap();
        ids
    }

    /// Jobs that have failed.
    pub(crate) async fn failed(&self, count: usize, of: impl Fn() -> NewJob) -> Vec<JobId> {
        let ids = self.jobs(count, of).await;
        sqlx::raw_sql(FAIL).execute(self.stage.db.owner()).await.unwrap();
        ids
    }

    async fn job(&self, id: JobId) -> JobDetail {
        self.stage.engine.job(id).await.unwrap().unwrap()
    }

    async fn states(&self, ids: &[JobId]) -> Vec<State> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.job(*id).await.summary.state);
        }
        states
    }

    async fn order(&self, path: &str, body: &Value) -> (u16, Value) {
        self.stage.post(&format!("/v1/admin/{path}"), body).await
    }

    async fn operation(&self, id: &str) -> Value {
        self.stage.get(&format!("/v1/admin/operations/{id}"), ADMIN_KEY).await.1
    }

    /// Asks for an operation and waits until what matches is frozen.
    pub(crate) async fn preview(&self, body: &Value) -> String {
        let (status, answer) = self.order("operations", body).await;
        assert_eq!(status, 202, "{answer}");
        let id = answer["id"].as_str().unwrap().to_owned();
        self.becomes(&id, "frozen").await;
        id
    }

    pub(crate) async fn start(&self, id: &str, expect: u64) -> (u16, Value) {
        let body =
            json!({ "expect": expect, "reason": "the provider is back", "per_second": 1000 });
        self.order(&format!("operations/{id}/start"), &body).await
    }

    async fn undo(&self, id: &str) -> Value {
        let (status, answer) = self.order(&format!("operations/{id}/undo"), &json!({})).await;
        assert_eq!(status, 202, "{answer}");
        self.becomes(id, "undone").await
    }

    /// Waits until an operation stands there; what it sleeps is skipped.
    pub(crate) async fn becomes(&self, id: &str, state: &str) -> Value {
        let what = format!("the operation is {state}");
        wait_until(&what, async || {
            let found = self.operation(id).await;
            if found["state"] == state {
                return Some(found);
            }
            let everybody = ["noop", "sleep", "steps"].iter().chain(&KINDS).collect::<Vec<_>>();
            if rest::is_at_rest(&self.stage.db, &everybody).await
                && let Some(pause) = rest::sleep_of(&self.stage.db, &KINDS).await
                && pause < Duration::from_mins(30)
            {
                self.stage.advance(pause).await;
            }
            None
        })
        .await
    }

    pub(crate) async fn are(&self, ids: &[JobId], state: State) {
        wait_until(&format!("all are {state}"), async || {
            holds(self.states(ids).await.iter().all(|it| *it == state))
        })
        .await;
    }

    pub(crate) async fn write(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(self.stage.db.owner()).await.unwrap();
    }

    pub(crate) async fn number(&self, rows: &str) -> i64 {
        self.stage.db.number(rows).await
    }

    /// So many other dead letters, made after all that are there.
    pub(crate) async fn others(&self, count: i64) {
        let made = format!(
            "with made as (
                 insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
                 select (lpad(to_hex((extract(epoch from trunkline.now()) * 1000)::bigint), 12, '0') || '7fff8000' || lpad(to_hex(n), 12, '0'))::uuid, j.retention, j.kind_id, j.queue_id, j.args
                 from (select * from trunkline.jobs limit 1) j, generate_series(1, {count}) n
                 returning job_id, retention)
             insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, error)
             select job_id, retention, 'failed', 1, 3, jsonb_build_object('message', 'it broke') from made"
        );
        self.write(&made).await;
    }

    /// Rows of the engine's record about these jobs.
    async fn recorded(&self, action: &str) -> i64 {
        let rows = format!(
            "select from trunkline.audit where action = '{action}' and actor like 'operator:% by operation %'"
        );
        self.stage.db.number(&rows).await
    }
}

fn noop() -> NewJob {
    NewJob::of_kind("noop", "try", json!({}))
}

/// What no version can read: whoever takes it parks it.
fn unreadable() -> NewJob {
    NewJob::of_kind("sleep", "try", json!({ "ms": "soon" }))
}

pub(crate) fn counts(found: &Value) -> [u64; 5] {
    ["matched", "done", "refused", "undone", "not_undone"].map(|name| found[name].as_u64().unwrap())
}

#[tokio::test]
async fn what_matched_is_frozen_looked_at_and_done_once() {
    let desk = Desk::open().await;
    let meant = desk.failed(5, noop).await;
    let _worker = desk.worker().await;
    let ask = json!({ "deed": "retry", "state": "failed", "kind": "noop", "since": "1h" });
    let id = desk.preview(&ask).await;
    let seen = desk.operation(&id).await;
    assert_eq!((counts(&seen), seen["sample"].as_array().unwrap().len()), ([5, 0, 0, 0, 0], 5));
    assert_eq!(desk.states(&meant).await, [State::Failed; 5], "nothing is done yet");

    let (status, answer) = desk.start(&id, 6).await;
    assert_eq!((status, &answer["matched"]), (409, &json!(5)), "{answer}");
    let (status, answer) =
        desk.order(&format!("operations/{id}/start"), &json!({ "expect": 5 })).await;
    assert_eq!(status, 422, "without a reason: {answer}");
    assert_eq!(desk.start(&id, 5).await.0, 202);
    let done = desk.becomes(&id, "done").await;
    assert_eq!(counts(&done), [5, 5, 0, 0, 0]);
    desk.are(&meant, State::Succeeded).await;
    assert_eq!(desk.recorded("job.retried").await, 5);
    let (status, _) = desk.start(&id, 5).await;
    assert_eq!(status, 409, "it is over");
    desk.stage.comes_to_rest().await;

    let items = "select from trunkline.operation_items";
    desk.stage.engine.forget(&Keep::default()).await.unwrap();
    assert_eq!(desk.stage.db.number(items).await, 5);
    desk.stage.db.advance(Duration::from_hours(31 * 24)).await;
    desk.stage.engine.forget(&Keep::default()).await.unwrap();
    assert_eq!(desk.stage.db.number(items).await, 0, "which jobs it was is forgotten by itself");
    assert_eq!(counts(&desk.operation(&id).await), [5, 5, 0, 0, 0], "how many it were is not");
}

#[tokio::test]
async fn when_the_first_few_fare_badly_the_rest_is_left_alone() {
    let desk = Desk::open().await;
    let jobs = desk.failed(12, unreadable).await;
    let _worker = desk.worker().await;
    let ask = json!({ "deed": "retry", "state": "failed", "canary": 4, "canary_failed_max": 1 });
    let id = desk.preview(&ask).await;
    assert_eq!(desk.start(&id, 12).await.0, 202);
    let stopped = desk.becomes(&id, "stopped").await;
    assert_eq!(counts(&stopped), [12, 4, 0, 0, 0]);
    assert!(stopped["why"].as_str().unwrap().contains("fared badly"), "{stopped}");
    let left = desk.states(&jobs).await;
    assert_eq!(left.iter().filter(|it| **it == State::Failed).count(), 8);

    let undone = desk.undo(&id).await;
    assert_eq!(counts(&undone), [12, 4, 0, 0, 4], "they have begun");
    assert_eq!(undone["refusals"][0]["jobs"], 4);
    let (status, answer) = desk.order(&format!("operations/{id}/undo"), &json!({})).await;
    assert_eq!((status, &answer["code"]), (409, &json!("wrong_state")), "{answer}");
    desk.stage.db.may_leave_jobs();
}

#[tokio::test]
async fn what_was_made_to_run_and_has_not_begun_is_taken_back() {
    let desk = Desk::open().await;
    let jobs = desk.failed(3, noop).await;
    let undone = desk.failed(2, || NewJob::of_kind("steps", "try", json!({ "n": 1 }))).await;
    let mark = "update trunkline.outcomes o set undone = true from trunkline.jobs j join trunkline.kinds k using (kind_id)
                where j.job_id = o.job_id and k.name = 'steps'";
    sqlx::raw_sql(mark).execute(desk.stage.db.owner()).await.unwrap();
    let pause = json!({ "reason": "not now" });
    assert_eq!(desk.order("queues/try/pause", &pause).await.0, 200);
    let _worker = desk.worker().await;

    let id = desk.preview(&json!({ "deed": "retry", "state": "failed", "canary": 0 })).await;
    assert_eq!(desk.start(&id, 5).await.0, 202);
    let done = desk.becomes(&id, "done").await;
    assert_eq!(counts(&done), [5, 3, 2, 0, 0], "what was taken back cannot go on where it stopped");
    assert!(done["refusals"][0]["why"].as_str().unwrap().contains("cannot be retried"), "{done}");
    desk.are(&jobs, State::Ready).await;

    let again = desk
        .preview(&json!({ "deed": "redrive", "state": "failed", "kind": "steps", "canary": 0 }))
        .await;
    assert_eq!(desk.start(&again, 2).await.0, 202);
    assert_eq!(counts(&desk.becomes(&again, "done").await), [2, 2, 0, 0, 0]);
    let made = "select from trunkline.jobs where origin = 'redrive'";
    assert_eq!(desk.stage.db.number(made).await, 2);

    assert_eq!(counts(&desk.undo(&id).await), [5, 3, 2, 3, 0]);
    assert_eq!(counts(&desk.undo(&again).await), [2, 2, 0, 2, 0]);
    assert_eq!(desk.order("queues/try/resume", &json!({})).await.0, 200);
    desk.are(&jobs, State::Cancelled).await;
    assert_eq!(desk.states(&undone).await, [State::Failed; 2], "the old ones stay as they were");
    desk.stage.comes_to_rest().await;
}

#[tokio::test]
async fn what_was_cancelled_before_its_time_waits_for_it_again() {
    let desk = Desk::open().await;
    let at: DateTime<Utc> = "2099-01-01T00:00:00Z".parse().unwrap();
    let jobs = desk.jobs(3, || noop().start(Start::At(at))).await;
    let soon = desk.jobs(1, || noop().start(Start::After(Duration::from_hours(2)))).await;
    let _worker = desk.worker().await;
    let ask = json!({ "deed": "cancel", "state": "scheduled", "queue": "try" });
    let id = desk.preview(&ask).await;
    assert_eq!(desk.start(&id, 4).await.0, 202);
    assert_eq!(counts(&desk.becomes(&id, "done").await), [4, 4, 0, 0, 0]);
    desk.are(&jobs, State::Cancelled).await;

    desk.stage.db.advance(Duration::from_hours(3)).await;
    let undone = desk.undo(&id).await;
    assert_eq!(counts(&undone), [4, 4, 0, 3, 1], "nobody wants what was due an hour ago");
    for job in &jobs {
        let job = desk.job(*job).await;
        assert_eq!((job.summary.state, job.due), (State::Scheduled, Some(at)));
    }
    assert_eq!(desk.states(&soon).await, [State::Cancelled]);

    let id = desk.preview(&json!({ "deed": "run_now", "state": "scheduled", "canary": 0 })).await;
    assert_eq!(desk.start(&id, 3).await.0, 202);
    desk.becomes(&id, "done").await;
    desk.are(&jobs, State::Succeeded).await;
    desk.stage.comes_to_rest().await;
}

#[tokio::test]
async fn what_nobody_starts_within_an_hour_is_over_and_what_matches_nothing_at_once() {
    let desk = Desk::open().await;
    let jobs = desk.failed(1, noop).await;
    let _worker = desk.worker().await;
    let ask = json!({ "deed": "retry", "state": "failed" });
    let id = desk.preview(&ask).await;
    desk.stage.db.advance(Duration::from_mins(61)).await;
    let over = desk.becomes(&id, "cancelled").await;
    assert_eq!(over["why"], "nobody started it in time");
    assert_eq!(desk.start(&id, 1).await.0, 409);
    assert_eq!(desk.states(&jobs).await, [State::Failed]);
    let (_, none) = desk.order("operations", &json!({ "deed": "retry", "state": "parked" })).await;
    let over = desk.becomes(none["id"].as_str().unwrap(), "cancelled").await;
    assert_eq!(over["why"], "nothing matches");
    let (status, _) = desk.order(&format!("operations/{id}/undo"), &json!({})).await;
    assert_eq!(status, 409, "nothing was done");
    desk.stage.comes_to_rest().await;
}

#[tokio::test]
async fn two_operations_about_the_same_jobs_do_each_job_once() {
    let desk = Desk::open().await;
    let jobs = desk.failed(150, noop).await;
    let _workers = (desk.worker().await, desk.worker().await);
    let ask = json!({ "deed": "retry", "state": "failed", "canary": 0 });
    let (one, two) = (desk.preview(&ask).await, desk.preview(&ask).await);
    let (first, second) = tokio::join!(desk.start(&one, 150), desk.start(&two, 150));
    assert_eq!((first.0, second.0), (202, 202));
    let (one, two) = (desk.becomes(&one, "done").await, desk.becomes(&two, "done").await);
    assert_eq!(counts(&one)[1] + counts(&two)[1], 150);
    assert_eq!(counts(&one)[2] + counts(&two)[2], 150);
    assert_eq!(desk.recorded("job.retried").await, 150);
    desk.are(&jobs, State::Succeeded).await;
    desk.stage.comes_to_rest().await;
}

#[tokio::test]
async fn an_operation_whose_run_is_cancelled_is_stopped_and_one_that_is_ended_goes_no_further() {
    let desk = Desk::open().await;
    let jobs = desk.failed(2, noop).await;
    let ask = json!({ "deed": "retry", "state": "failed" });
    let (_, made) = desk.order("operations", &ask).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(desk.order(&format!("jobs/{id}/cancel"), &json!({})).await.0, 202);
    let _worker = desk.worker().await;
    desk.becomes(id, "stopped").await;

    let id = desk.preview(&ask).await;
    assert_eq!(desk.order(&format!("operations/{id}/cancel"), &json!({})).await.0, 202);
    assert_eq!(desk.start(&id, 2).await.0, 409);
    assert_eq!(desk.operation(&id).await["state"], "cancelled");
    assert_eq!(desk.order(&format!("operations/{id}/cancel"), &json!({})).await.0, 409);
    desk.stage.comes_to_rest().await;
    assert_eq!(desk.states(&jobs).await, [State::Failed; 2]);
}
