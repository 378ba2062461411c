//! Calls and recordings, told of in any order, and every fault at the boundaries of what applies the news.

use chrono::DateTime;
use crash_matrix::{CrashMatrix, Done};
use engine::Workflow;
use serde_json::json;
use workflows::{Trunkline, call_status::CallStatus, recording::Recording};

use crate::{
    matrix::{Outside, ensure, next},
    post::Post,
    stage::Stage,
};

fn a_report(sid: String, status: &str) -> CallStatus {
    CallStatus {
        sid,
        status: status.to_owned(),
        tenant: None,
        direction: None,
        from: None,
        to: None,
        at: DateTime::from_timestamp(1_700_000_000, 0),
        duration_secs: (status == "completed").then_some(42),
        sip_response_code: None,
    }
}

fn a_recording(sid: String, call_sid: String) -> Recording {
    Recording {
        sid,
        call_sid,
        status: "completed".to_owned(),
        duration_secs: Some(40),
        channels: Some(2),
        started_at: None,
        error_code: None,
    }
}

/// `CrashMatrix::of(…)` with what these kinds need, which is nothing of the outside.
async fn matrix<W: Workflow<Trunkline>>(make: impl Fn() -> W + 'static) -> CrashMatrix<Trunkline> {
    Outside::new().await.matrix(make)
}

#[tokio::test]
async fn news_of_a_call_are_applied_once_whatever_goes_wrong() {
    matrix(|| a_report(format!("CA{:032x}", next()), "completed"))
        .await
        .invariant("one call, ended", async |done: &Done| {
            let calls = done
                .count(
                    "select from product.calls c join trunkline.jobs j on j.args ->> 'sid' = c.call_sid
                     where j.job_id = $1 and c.status = 'completed' and c.duration_secs = 42 and c.rank = 4",
                )
                .await;
            ensure(calls == i64::from(done.succeeded()), || format!("{calls} calls"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn news_of_a_recording_are_applied_once_whatever_goes_wrong() {
    let make = || a_recording(format!("RE{:032x}", next()), format!("CA{:032x}", next()));
    matrix(make)
        .await
        .invariant("one recording", async |done: &Done| {
            let recordings = done
                .count(
                    "select from product.call_recordings r join trunkline.jobs j on j.args ->> 'sid' = r.recording_sid
                     where j.job_id = $1 and r.status = 'completed'",
                )
                .await;
            ensure(recordings == i64::from(done.succeeded()), || format!("{recordings} recordings"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_recording_that_is_told_of_before_its_call_gets_the_calls_tenant() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    let call = format!("CA{:032x}", 7);
    Post::recording(&call).send(&stage).await;
    stage.comes_to_rest().await;
    let waiting = "select from product.call_recordings where tenant_id is null";
    assert_eq!(stage.db.number(waiting).await, 1);

    let ours = stage.number_of(&signup).await;
    Post::call(&call, "completed", &ours).send(&stage).await;
    Post::call(&call, "ringing", &ours).send(&stage).await;
    stage.comes_to_rest().await;
    let found = format!(
        "select from product.calls c join product.call_recordings r using (call_sid, tenant_id)
         where c.tenant_id = '{}' and c.status = 'completed' and c.duration_secs = 42 and r.duration_secs = 40",
        signup.tenant
    );
    assert_eq!(stage.db.number(&found).await, 1);
}

#[tokio::test]
async fn a_call_outlives_the_tenant_that_it_was_for() {
    let stage = Stage::new().await;
    let report = CallStatus {
        tenant: Some("0190a0a0-0000-7000-8000-000000000001".parse().unwrap()),
        ..a_report(format!("CA{:032x}", 8), "completed")
    };
    let _worker = stage.worker().await;
    let mut tx = stage.engine.begin().await.unwrap();
    tx.enqueue(report.job()).await.unwrap();
    tx.commit().await.unwrap();
    stage.comes_to_rest().await;
    assert_eq!(stage.newest("call_status").await.output, Some(json!("applied")));
    assert_eq!(stage.db.number("select from product.calls where tenant_id is null").await, 1);
}
