//! Orders about dead letters that say the same.

use engine::{NewJob, State};
use serde_json::json;

use crate::operations::{Desk, counts};

/// More than are looked at in one transaction, so that a page comes in which few of them fit.
const OTHERS: i64 = 5_001;

#[tokio::test]
async fn an_operation_about_one_error_is_about_all_that_say_so_and_about_no_other() {
    let desk = Desk::open().await;
    let noop = || NewJob::of_kind("noop", "try", json!({}));
    let alike = desk.failed(3, noop).await;
    let said = |from: i64, to: i64, text: &str| {
        format!(
            "update trunkline.outcomes set error = jsonb_build_object('message', {text}) where job_id in
                 (select job_id from trunkline.outcomes order by job_id offset {from} limit {to})"
        )
    };
    desk.write(&said(0, 3, "'message SM' || job_id || ' was refused'")).await;
    desk.others(OTHERS).await;
    let _worker = desk.worker().await;
    let order = json!({ "deed": "retry", "state": "failed", "kind": "noop",
        "error": "message # was refused", "canary": 0 });
    let id = desk.preview(&order).await;
    assert_eq!(desk.start(&id, 3).await.0, 202);
    let done = desk.becomes(&id, "done").await;
    assert_eq!(counts(&done), [3, 3, 0, 0, 0]);
    desk.are(&alike, State::Succeeded).await;
    let failed = "select from trunkline.outcomes where state = 'failed'";
    assert_eq!(desk.number(failed).await, OTHERS);
}
