//! Queues, schedules, workers, parked runs, dead letters, and the record of who did what.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::Stage;

const NOBODY: &str = "019a0000-0000-7000-8000-000000000000";

impl Stage {
    async fn order(&self, path: &str, body: &Value) -> Answer {
        self.post(&format!("/v1/admin/{path}")).as_operator().json(body).send().await
    }

    async fn look(&self, path: &str) -> Value {
        self.get(&format!("/v1/admin/{path}")).as_operator().send().await.is(200)
    }

    /// A job for later.
    async fn later(&self) -> String {
        self.new_job(
            &json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" }),
        )
        .await
    }

    /// What workers do: a run is parked.
    async fn park(&self, id: &str) {
        let park = format!(
            "update trunkline.waits set state = 'parked', cause = 'gave_up', reason = 'its handler broke', due = null
             where job_id = '{id}'"
        );
        sqlx::query(sqlx::AssertSqlSafe(park)).execute(self.db.owner()).await.unwrap();
    }

    async fn recorded(&self, action: &str) -> usize {
        self.look(&format!("audit?action={action}")).await["items"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn a_job_for_later_is_run_now_and_given_other_arguments_before_it_begins() {
    let stage = Stage::open().await;
    let id = stage.later().await;
    let args = json!({ "args": { "ms": 7 }, "reason": "too short" });
    stage.order(&format!("jobs/{id}/args"), &args).await.is(202);
    assert_eq!(stage.job(&id).await["args"], json!({ "ms": 7 }));
    let misfit = json!({ "args": { "ms": "x" }, "reason": "r" });
    stage.order(&format!("jobs/{id}/args"), &misfit).await.problem(422, "invalid_fields");
    let silent = json!({ "args": { "ms": 8 } });
    stage.order(&format!("jobs/{id}/args"), &silent).await.problem(422, "invalid_fields");
    let before = stage.look(&format!("audit/engine?job={id}")).await;
    assert_eq!(before["items"][0]["details"]["before"], json!({ "ms": 1 }), "{before}");

    let explained = stage.look(&format!("jobs/{id}/explain")).await;
    assert_eq!(explained["reasons"][0]["why"], "scheduled");
    assert!(explained["says"][0].as_str().unwrap().contains("2099-01-01T00:00:00Z"), "{explained}");
    stage.order(&format!("jobs/{id}/run-now"), &json!({})).await.is(202);
    assert_eq!(stage.job(&id).await["state"], "ready");
    stage.order(&format!("jobs/{id}/run-now"), &json!({})).await.problem(409, "wrong_state");
    assert_eq!(stage.look(&format!("jobs/{id}/explain")).await["reasons"][0]["why"], "no_worker");
    assert_eq!(
        (stage.recorded("job.run_now").await, stage.recorded("job.args_edited").await),
        (1, 1)
    );
    let timeline = stage.look(&format!("jobs/{id}/timeline")).await;
    assert_eq!((&timeline["state"], &timeline["items"]), (&json!("ready"), &json!([])));
    assert_eq!(stage.look(&format!("jobs/{id}/undo-plan")).await["items"], json!([]));
    for path in ["explain", "timeline", "undo-plan"] {
        let nobody = stage.get(&format!("/v1/admin/jobs/{NOBODY}/{path}")).as_operator();
        nobody.send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_parked_run_is_found_by_its_cause_and_answered_once() {
    let stage = Stage::open().await;
    let id = stage.later().await;
    stage
        .get(&format!("/v1/admin/parked/{id}"))
        .as_operator()
        .send()
        .await
        .problem(404, "not_found");
    stage.park(&id).await;
    let list = stage.look("parked?cause=gave_up").await;
    assert_eq!(list["items"][0]["id"], json!(id));
    assert_eq!(stage.look("parked?cause=poison").await["items"], json!([]));
    let counts = stage.look("parked/counts").await;
    assert_eq!(counts["counts"], json!([{ "cause": "gave_up", "runs": 1 }]));
    let claim = stage.look(&format!("parked/{id}")).await["claim"].as_i64().unwrap();
    let answer = async |body: Value| stage.order(&format!("jobs/{id}/answer"), &body).await;
    answer(json!({ "claim": claim + 1, "answer": "retry" }))
        .await
        .problem(409, "changed_meanwhile");
    answer(json!({ "claim": claim, "answer": "skip", "reason": "r" }))
        .await
        .problem(409, "wrong_state");
    answer(json!({ "claim": claim, "answer": "skip" })).await.problem(422, "invalid_fields");
    assert_eq!(stage.recorded("job.answered").await, 0, "what is refused is not written down");
    answer(json!({ "claim": claim, "answer": "retry", "reason": "repaired" })).await.is(202);
    assert_eq!(stage.job(&id).await["state"], "ready");
    answer(json!({ "claim": claim, "answer": "retry" })).await.problem(409, "changed_meanwhile");
    assert_eq!(stage.recorded("job.answered").await, 1);
    stage
        .get("/v1/admin/parked?cause=odd")
        .as_operator()
        .send()
        .await
        .problem(422, "invalid_fields");
}

#[tokio::test]
async fn dead_letters_are_listed_counted_and_only_what_is_over_is_forked() {
    let stage = Stage::open().await;
    let mut dead = Vec::new();
    for _ in 0..3 {
        let id = stage.noop().await;
        let fork = json!({ "step": "a" });
        stage.order(&format!("jobs/{id}/fork"), &fork).await.problem(409, "wrong_state");
        stage.order(&format!("jobs/{id}/cancel"), &json!({})).await.is(202);
        stage.order(&format!("jobs/{id}/fork"), &fork).await.problem(422, "invalid_fields");
        dead.insert(0, id);
    }
    let failed =
        "update trunkline.outcomes set state = 'failed', error = '{\"message\":\"it broke\"}'";
    sqlx::query(failed).execute(stage.db.owner()).await.unwrap();
    let first = stage.look("dead-letters?kind=noop&undone=false&limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = stage.look(&format!("dead-letters?limit=2&cursor={cursor}")).await;
    let pages = [first["items"].as_array().unwrap(), second["items"].as_array().unwrap()];
    let ids: Vec<_> =
        pages.into_iter().flatten().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, dead);
    assert_eq!(
        (&first["items"][0]["error"], &second["next_cursor"]),
        (&json!("it broke"), &Value::Null)
    );
    let counts = stage.look("dead-letters/counts").await;
    assert_eq!(counts["counts"], json!([{ "kind": "noop", "undone": false, "jobs": 3 }]));
}

#[tokio::test]
async fn a_queue_is_paused_for_a_while_with_a_reason_that_its_jobs_repeat() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let set = json!({ "at_once_max": 5, "latency_target_ms": 500, "fair": true, "reason": "busy" });
    stage.order("queues/try/settings", &set).await.is(200);
    let pause = json!({ "for_secs": 60, "reason": "the carrier is down" });
    stage.order("queues/try/pause", &pause).await.is(200);
    let queue = stage.look("queues/try").await;
    assert_eq!(queue["pause"]["reason"], "the carrier is down");
    assert_eq!((&queue["at_once_max"], &queue["latency_target_ms"]), (&json!(5), &json!(500)));
    assert_eq!((&queue["jobs"]["queue_paused"], &queue["running"]), (&json!(1), &json!(0)));
    let says = stage.look(&format!("jobs/{id}/explain")).await["says"].to_string();
    assert!(says.contains("its queue is paused: the carrier is down; until"), "{says}");
    stage
        .order("queues/try/pause", &json!({ "reason": "r", "for_secs": 0 }))
        .await
        .problem(422, "invalid_fields");
    stage
        .order("queues/try/settings", &json!({ "reason": "r" }))
        .await
        .problem(422, "invalid_fields");
    let zero = json!({ "reason": "r", "at_once_max": 0 });
    stage.order("queues/try/settings", &zero).await.problem(422, "invalid_fields");
    stage.db.advance(std::time::Duration::from_secs(61)).await;
    assert_eq!(stage.look("queues/try").await["pause"], Value::Null, "it ends by itself");
    stage.order("queues/try/pause", &json!({ "reason": "again" })).await.is(200);
    stage.order("queues/try/resume", &json!({})).await.is(200);
    let lift = json!({ "at_once_max": null, "reason": "calm" });
    stage.order("queues/try/settings", &lift).await.is(200);
    let queues = stage.look("queues").await;
    let ours =
        queues["items"].as_array().unwrap().iter().find(|queue| queue["name"] == "try").unwrap();
    assert_eq!((&ours["pause"], &ours["at_once_max"]), (&Value::Null, &Value::Null));
    assert_eq!(ours["latency_target_ms"], 500, "what is not named stays");
    for verb in ["pause", "resume", "settings"] {
        let body = json!({ "reason": "r", "fair": true });
        let body = if verb == "settings" { body } else { json!({ "reason": "r" }) };
        stage.order(&format!("queues/nowhere/{verb}"), &body).await.problem(404, "not_found");
    }
    assert_eq!((stage.recorded("queue.paused").await, stage.recorded("queue.set").await), (2, 2));
}

#[tokio::test]
async fn a_schedule_is_paused_run_changed_and_backfilled() {
    let stage = Stage::open().await;
    let all = stage.look("schedules").await;
    let schedule = &all["items"][0];
    let name = schedule["name"].as_str().unwrap();
    assert_eq!(schedule["next"].as_array().unwrap().len(), 5);
    let path = |verb: &str| format!("schedules/{name}/{verb}");
    stage.order(&path("pause"), &json!({})).await.problem(422, "invalid_fields");
    stage.order(&path("pause"), &json!({ "reason": "a migration" })).await.is(200);
    let seen = stage.look(&format!("schedules/{name}")).await;
    assert_eq!(seen["paused"]["reason"], "a migration");
    let ran = stage.order(&path("run"), &json!({})).await.is(202);
    assert_eq!(stage.job(ran["id"].as_str().unwrap()).await["kind"], schedule["kind"]);
    stage.order(&path("resume"), &json!({})).await.is(200);
    let bad = json!({ "cron": "61 * * * *", "reason": "r" });
    stage.order(&path("change"), &bad).await.problem(422, "invalid_fields");
    stage
        .order(&path("change"), &json!({ "cron": "5 4 * * *", "reason": "quieter" }))
        .await
        .is(200);
    assert_eq!(stage.look(&format!("schedules/{name}")).await["cron"], "5 4 * * *");
    let to = stage.db.now().await;
    let range =
        json!({ "from": to - chrono::TimeDelta::days(3), "to": to, "reason": "they were lost" });
    assert_eq!(stage.order(&path("backfill"), &range).await.is(202)["ticks"], 3);
    stage.order(&path("backfill"), &range).await.problem(422, "invalid_fields");
    stage.order(&path("stop-backfill"), &json!({})).await.is(200);
    stage.order(&path("stop-backfill"), &json!({})).await.problem(409, "wrong_state");
    stage.order("schedules/nothing/resume", &json!({})).await.problem(404, "not_found");
    let actions = stage.look("audit?limit=100").await;
    let actions: Vec<_> = actions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    let wanted = ["backfill_stopped", "backfilled", "changed", "resumed", "run", "paused"];
    assert_eq!(actions, wanted.map(|verb| format!("schedule.{verb}")));
}

#[tokio::test]
async fn jobs_are_found_by_when_they_were_made() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let found = async |query: &str| {
        stage.look(&format!("jobs?{query}")).await["items"].as_array().unwrap().len()
    };
    assert_eq!(found("since=1h").await, 1);
    assert_eq!(found("until=1h").await, 0);
    assert_eq!(found("since=2001-01-01T00:00:00Z&until=2099-01-01T00:00:00Z").await, 1);
    assert_eq!(found("since=2099-01-01T00:00:00Z").await, 0);
    assert_eq!(found("until=0s&state=ready").await, 1, "{id}");
}

#[tokio::test]
async fn workers_are_listed_and_nobody_is_drained_who_is_not_there() {
    let stage = Stage::open().await;
    assert_eq!(stage.look("workers").await, json!({ "items": [] }));
    let worker = "insert into trunkline.workers (name, pool, version, expires_at)
                  values ('default:1', 'default', '0.1', trunkline.now() + interval '1 hour')";
    sqlx::query(worker).execute(stage.db.owner()).await.unwrap();
    let id = stage.look("workers").await["items"][0]["id"].as_i64().unwrap();
    stage.order(&format!("workers/{id}/drain"), &json!({})).await.problem(422, "invalid_fields");
    stage.order(&format!("workers/{id}/drain"), &json!({ "reason": "a new kernel" })).await.is(202);
    let seen = stage.look(&format!("workers/{id}")).await;
    assert_eq!(
        (&seen["rest"]["reason"], &seen["draining"]),
        (&json!("a new kernel"), &json!(true))
    );
    stage.order(&format!("workers/{id}/resume"), &json!({})).await.is(202);
    assert_eq!(stage.look(&format!("workers/{id}")).await["rest"], Value::Null);
    for worker in ["-1", "x", "99999999999"] {
        let drain = json!({ "reason": "r" });
        stage.order(&format!("workers/{worker}/drain"), &drain).await.problem(404, "not_found");
    }
    assert_eq!(stage.recorded("worker.drained").await, 1);
}
