//! What is sent twice under one key is done once, whichever instance hears of it.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, TestApi};

use crate::stage::Stage;

async fn enqueue(api: &TestApi, key: &str, body: &Value) -> Answer {
    let ask = api.post("/v1/admin/jobs").as_operator().header("idempotency-key", key);
    ask.json(body).send().await
}

#[tokio::test]
async fn of_many_requests_under_one_key_at_two_instances_one_is_carried_out_and_all_hear_its_answer()
 {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let body = json!({ "kind": "noop" });
    let asks = (0..12).map(|n| enqueue(if n % 2 == 0 { &stage.api } else { &other }, "k-1", &body));
    let answers = futures::future::join_all(asks).await;
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 1);
    let first = answers[0].is(201);
    for answer in &answers {
        assert_eq!(answer.is(201), first);
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    let replayed = answers.iter().filter(|it| it.header("idempotent-replayed") == "true").count();
    assert_eq!(replayed, 11);
    assert_eq!(
        stage.db.number("select from product.audit_log where action = 'job.enqueued'").await,
        1
    );
    let more = json!({ "kind": "noop", "priority": 1 });
    enqueue(&other, "k-1", &more).await.problem(422, "idempotency_key_reused");
    enqueue(&other, "k-2", &more).await.is(201);
    let path = format!("/v1/admin/jobs/{}/cancel", first["id"].as_str().unwrap());
    let cancel = stage.post(&path).as_operator().header("idempotency-key", "k-1");
    cancel.send().await.problem(422, "idempotency_key_reused");
    other.stop().await;
}

#[tokio::test]
async fn a_deed_is_not_done_again_though_it_could_be() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let ask = async |verb: &str, key: &str| {
        let ask = stage.post(&format!("/v1/admin/jobs/{id}/{verb}")).as_operator();
        ask.header("idempotency-key", key).send().await
    };
    ask("cancel", "a").await.is(202);
    ask("retry", "b").await.is(202);
    let again = ask("cancel", "a").await;
    assert_eq!((again.is(202), again.header("idempotent-replayed")), (json!({ "id": id }), "true"));
    assert_eq!(
        stage.job(&id).await["state"],
        "ready",
        "the first click was answered, not done again"
    );
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again_under_its_key_and_a_key_is_free_after_two_days() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let retry = async || {
        let ask = stage.post(&format!("/v1/admin/jobs/{id}/retry")).as_operator();
        ask.header("idempotency-key", "k").send().await
    };
    retry().await.problem(409, "wrong_state");
    stage.post(&format!("/v1/admin/jobs/{id}/cancel")).as_operator().send().await.is(202);
    retry().await.is(202);
    stage.db.advance(Duration::from_hours(49)).await;
    let noop = json!({ "kind": "noop" });
    let first = enqueue(&stage.api, "another", &noop).await.is(201);
    let kept = stage.db.number("select from product.kept_answers").await;
    assert_eq!(kept, 1, "old answers go");
    retry().await.problem(409, "wrong_state");
    stage.db.advance(Duration::from_hours(49)).await;
    // Its old answer is still kept: nothing else has come since then.
    let second = enqueue(&stage.api, "another", &noop).await.is(201);
    assert_ne!(first["id"], second["id"], "the key is free");
    for bad in ["", &"x".repeat(201)] {
        enqueue(&stage.api, bad, &json!({ "kind": "noop" })).await.problem(400, "bad_request");
    }
}
