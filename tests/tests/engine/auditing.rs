//! Whatever an operator does leaves a row that nobody can change.

use std::{collections::BTreeSet, time::Duration};

use engine::{
    Answer, Backfill, CancelMode, Error, Missed, Operator, RedriveFrom, Refusal, Schedule,
    ScheduleChange, Start, State, Workflow,
};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig, Script, operator, registry};

#[tokio::test]
async fn what_an_operator_does_is_written_down_with_it() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::wait("never")]).await;
    rig.becomes(id, State::Scheduled).await;
    rig.retry(id).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    let rows = rig.engine.audit(Some(id), None, 10).await.unwrap();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["job.cancelled", "job.retried"], "newest first");
    for row in &rows {
        assert_eq!((row.job, row.actor.as_str()), (Some(id), "operator:ada"));
        assert_eq!(row.reason.as_deref(), Some("a test"));
    }
    let next = rig.engine.audit(None, Some(rows[0].id), 10).await.unwrap();
    assert_eq!(next.len(), 1, "the next page");
}

#[tokio::test]
async fn what_was_refused_or_rolled_back_is_not_written_down() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::wait("never")]).await;
    rig.becomes(id, State::Waiting).await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.cancel(id, CancelMode::Undo, &operator()).await.unwrap();
    drop(tx);
    let mut tx = rig.engine.begin().await.unwrap();
    assert!(matches!(tx.retry(id, &operator()).await, Err(Error::WrongState { .. })));
    let nameless = tx.cancel(id, CancelMode::Undo, &Operator::new("")).await;
    assert!(matches!(nameless, Err(Error::Refused(Refusal::BadOperator))));
    tx.commit().await.unwrap();
    assert!(rig.engine.audit(None, None, 10).await.unwrap().is_empty());
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
}

#[tokio::test]
async fn the_record_can_be_neither_changed_nor_deleted_by_the_application() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("a")]).await;
    rig.cancel(id).await;
    for statement in ["update trunkline.audit set actor = 'nobody'", "delete from trunkline.audit"]
    {
        let mut tx = rig.engine.begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
    }
    assert_eq!(rig.engine.audit(Some(id), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_way_in_which_operators_decide_leaves_its_own_row() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let mut tx = rig.engine.begin().await.unwrap();
    let later = Script(vec![Act::step("a")]).job().start(Start::After(Duration::from_hours(1)));
    let later = tx.enqueue(later).await.unwrap().id();
    let args = serde_json::to_value(Script(vec![Act::step("b")])).unwrap();
    tx.edit_args(later, args, &operator()).await.unwrap();
    tx.retry(later, &operator()).await.unwrap();
    tx.cancel(later, CancelMode::Undo, &operator()).await.unwrap();
    tx.redrive(later, &RedriveFrom::Stop, &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.succeeds(later).await;
    let mut tx = rig.engine.begin().await.unwrap();
    let fork = tx.fork(later, "b", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.succeeds(fork).await;
    for (answer, undoing) in [
        (Answer::Skip, true),
        (Answer::Resolve, true),
        (Answer::EditInput(json!({ "name": "z" })), true),
        (Answer::ResumeForward, true),
        (Answer::Happened("by hand".into()), false),
        (Answer::DidNotHappen, false),
    ] {
        rig.world.plan("do:x", [if undoing { Plan::Fine } else { Plan::LostBefore }]);
        rig.world.plan("probe:x", (!undoing).then_some(Plan::CannotTell));
        rig.world.plan("step:s", undoing.then_some(Plan::Permanent));
        rig.world.plan("undo:x", undoing.then_some(Plan::Permanent));
        let id = rig.play([Act::deed("x"), Act::step("s")]).await;
        if !undoing {
            rig.skip_pause(id).await;
        }
        rig.becomes(id, State::Parked).await;
        let claim = rig.engine.parked_run(id).await.unwrap().unwrap().claim;
        let is_edit = matches!(answer, Answer::EditInput(_));
        let mut tx = rig.engine.begin().await.unwrap();
        tx.answer(id, claim, answer, &operator()).await.unwrap();
        if is_edit {
            tx.answer(id, claim, Answer::Retry, &operator()).await.unwrap();
        }
        tx.commit().await.unwrap();
        wait_until("its end", async || holds(rig.job(id).await.summary.state.is_final())).await;
    }
    let rows = rig.engine.audit(None, None, 100).await.unwrap();
    let actions: BTreeSet<_> = rows.iter().map(|row| row.action.as_str()).collect();
    let expected = [
        "entry.did_not_happen",
        "entry.happened",
        "entry.input_edited",
        "entry.resolved",
        "entry.skipped",
        "job.args_edited",
        "job.cancelled",
        "job.forked",
        "job.redriven",
        "job.resumed",
        "job.retried",
    ];
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), expected);
    assert!(rows.iter().all(|row| row.actor == "operator:ada" && row.reason.is_some()));
}

#[tokio::test]
async fn what_operators_set_on_queues_and_schedules_leaves_its_row_too() {
    let daily = Schedule {
        name: "daily".to_owned(),
        cron: "0 7 * * *".to_owned(),
        timezone: "UTC".to_owned(),
        kind: "script".to_owned(),
        queue: "toys".to_owned(),
        args: json!([]),
        missed: Missed::Skip,
    };
    let rig = Rig::with(registry().scheduled(daily)).await;
    rig.db.may_leave_jobs();
    let now = rig.db.now().await;
    let past = Backfill { from: now - Duration::from_hours(72), to: now, per_minute: 1 };
    let later = ScheduleChange { cron: Some("0 8 * * *".to_owned()), ..ScheduleChange::default() };
    let by = operator();
    let mut tx = rig.engine.begin().await.unwrap();
    tx.pause_queue("toys", Some(Duration::from_mins(5)), &by).await.unwrap();
    tx.resume_queue("toys", &by).await.unwrap();
    tx.limit_queue("toys", Some(3), &by).await.unwrap();
    tx.share_queue("toys", true, &by).await.unwrap();
    tx.promise_queue("toys", Some(Duration::from_secs(3)), &by).await.unwrap();
    tx.schedule_pause("daily", &by).await.unwrap();
    tx.schedule_resume("daily", &by).await.unwrap();
    tx.schedule_run("daily", "click", &by).await.unwrap();
    tx.schedule_run("daily", "click", &by).await.unwrap();
    tx.schedule_change("daily", &later, &by).await.unwrap();
    tx.schedule_backfill("daily", past, &by).await.unwrap();
    assert!(tx.schedule_backfill_stop("daily", &by).await.unwrap());
    let mute = tx.pause_queue("toys", None, &Operator::new("ada")).await;
    assert!(matches!(mute, Err(Error::Refused(Refusal::NeedsReason))));
    tx.commit().await.unwrap();

    let rows = rig.engine.audit(None, None, 100).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| (row.subject.as_deref().unwrap(), row.action.as_str()))
        .collect();
    let expected = [
        ("queue:toys", "queue.paused"),
        ("queue:toys", "queue.resumed"),
        ("queue:toys", "queue.limited"),
        ("queue:toys", "queue.shared"),
        ("queue:toys", "queue.promised"),
        ("schedule:daily", "schedule.paused"),
        ("schedule:daily", "schedule.resumed"),
        ("schedule:daily", "schedule.run"),
        ("schedule:daily", "schedule.changed"),
        ("schedule:daily", "schedule.backfilled"),
        ("schedule:daily", "schedule.backfill_stopped"),
    ];
    assert_eq!(told, expected, "one click, one row");
    assert_eq!(rows[2].details["before"]["cron"], "0 7 * * *", "what it was before");
    assert!(rows.iter().all(|row| row.job.is_none() && row.actor == "operator:ada"));
}
