//! Whatever an operator does leaves a row that nobody can change.

use std::{collections::BTreeSet, time::Duration};

use engine::{Answer, CancelMode, Error, Operator, RedriveFrom, Refusal, Start, State, Workflow};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig, Script, operator};

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
        assert_eq!((row.job, row.actor.as_str()), (id, "operator:ada"));
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
