//! Whatever an operator does leaves a row that nobody can change.

use engine::{CancelMode, Error, Operator, Refusal, State};

use crate::toy::{Act, Plan, Rig, operator};

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
