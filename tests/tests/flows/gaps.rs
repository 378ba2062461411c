//! What a provider did and never told: found in its own lists, brought in by the same door, counted once.

use std::time::Duration;

use crash_matrix::{CrashMatrix, Done};
use domain::{calls, scope};
use engine::{State, Workflow};
use sandbox::twilio::CallbackOrder;
use serde_json::json;
use tests::wait_until;
use workflows::{Trunkline, call_sweep::CallSweep, find_twilio_gaps::FindTwilioGaps};

use crate::{
    matrix::{Outside, ensure},
    post::Post,
    stage::Stage,
};

/// Longer than a webhook may be late.
const LATER: Duration = Duration::from_mins(16);

/// `CrashMatrix::of(…)` with an outside in which nothing was left untold.
fn matrix<W: Workflow<Trunkline>>(
    outside: &Outside,
    make: impl Fn() -> W + 'static,
) -> CrashMatrix<Trunkline> {
    outside.matrix(make)
}

#[tokio::test]
async fn calls_are_swept_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix(&outside, || CallSweep {}).run().await;
}

#[tokio::test]
async fn lists_are_read_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix(&outside, || FindTwilioGaps {})
        .invariant("both lists are marked as read", async |done: &Done| {
            let marks = done
                .count("select from product.inbox_watermarks, (select $1::uuid as job) j where j.job is not null")
                .await;
            ensure(marks == 2 || !done.succeeded(), || format!("{marks} watermarks"))
        })
        .run()
        .await;
}

/// Enqueues a workflow and waits for its end.
async fn run<W: Workflow<Trunkline>>(stage: &Stage, workflow: W) -> serde_json::Value {
    let mut tx = stage.engine.begin().await.unwrap();
    let id = tx.enqueue(workflow.job()).await.unwrap().id();
    tx.commit().await.unwrap();
    wait_until("the run is over", async || {
        let job = stage.engine.job(id).await.ok()??;
        assert_ne!(job.summary.state, State::Failed, "{:?}", job.summary.error);
        (job.summary.state == State::Succeeded).then_some(job.output.unwrap_or_default())
    })
    .await
}

#[tokio::test]
async fn a_message_whose_end_was_never_told_is_found_and_the_late_webhook_is_a_repeat() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_callback_order(CallbackOrder::None);
    let signup = stage.sign_up().await;
    stage.code(&signup).await;
    wait_until("it is delivered, and nobody says so", async || {
        (stage.phone.callbacks_pending() == 0).then_some(())
    })
    .await;
    let delivered = "select from product.messages where status = 'delivered'";
    assert_eq!(stage.db.number(delivered).await, 0);

    // Too early: the webhook may only be late.
    assert_eq!(run(&stage, FindTwilioGaps {}).await["gaps"], 0);
    stage.db.advance(LATER).await;
    let found = run(&stage, FindTwilioGaps {}).await;
    assert_eq!((&found["gaps"], &found["complete"]), (&json!(1), &json!(true)));
    wait_until("it is applied", async || (stage.db.number(delivered).await == 1).then_some(()))
        .await;
    assert_eq!(run(&stage, FindTwilioGaps {}).await["gaps"], 0, "what is known is no gap");

    let sid = stage.phone.messages()[0].sid.clone();
    assert_eq!(Post::message(&sid, "delivered").send(&stage).await, 204);
    let twice = "select from trunkline.inbox where deliveries = 2";
    assert_eq!(stage.db.number(twice).await, 1);
    assert_eq!(stage.db.number("select from trunkline.inbox").await, 1);
    stage.comes_to_rest().await; // the sign-up's time was over meanwhile
}

#[tokio::test]
async fn a_call_that_the_provider_does_not_know_any_more_has_ended() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (silent, spoken) = (format!("CA{:032x}", 1), format!("CA{:032x}", 2));
    for sid in [&silent, &spoken] {
        Post::call(sid, "in-progress", "+15550109999").send(&stage).await;
    }
    stage.comes_to_rest().await;
    assert_eq!(run(&stage, CallSweep {}).await, json!({ "silent": 0, "ended": 0, "sessions": 0 }));
    stage.db.advance(LATER).await;
    // Of the second one there is news just now.
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let news = calls::News {
        status: calls::CallStatus::Completed,
        at: Some(stage.db.now().await),
        duration_secs: Some(9),
        sip_response_code: None,
    };
    calls::apply(&mut tx, &spoken, calls::About::default(), &news).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(run(&stage, CallSweep {}).await, json!({ "silent": 1, "ended": 1, "sessions": 0 }));
    let ended = format!(
        "select from product.calls where call_sid = '{silent}' and status = 'failed' and ended_at is not null"
    );
    wait_until("it is over", async || (stage.db.number(&ended).await == 1).then_some(())).await;
    assert_eq!(run(&stage, CallSweep {}).await, json!({ "silent": 0, "ended": 0, "sessions": 0 }));
}
