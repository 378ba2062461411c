//! Attempts as spans, and what exporting them must not do.

use engine::{State, Workflow};
use tests::{Collector, SpanSeen, holds, wait_until};
use tokio::net::TcpListener;

use crate::toy::{Act, Plan, Rig, Script, counted};

#[tokio::test]
async fn each_attempt_is_a_span_of_its_own_with_the_steps_that_it_ran() {
    let collector = Collector::start().await;
    let exporting = collector.export(&[]);
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Retry]);
    let job = rig.play([Act::step("a"), Act::step("b"), Act::body("panic")]).await;
    let worker = rig.worker().await;
    rig.skip_to_end(job).await;
    drop(worker);
    exporting.close().await;

    let spans = collector.spans();
    let sent: Vec<_> = spans.iter().filter(|span| span.name == "send toys").collect();
    let [sent] = sent[..] else { panic!("{sent:#?}") };
    let mut runs: Vec<_> = spans.iter().filter(|span| span.name == "process script").collect();
    runs.sort_by_key(|run| run.says("trunkline.job.epoch").to_owned());
    assert!(runs.iter().all(|run| run.links == [sent.context()] && run.above.is_empty()));
    let told: Vec<_> = runs.iter().map(|run| tell(run, &spans)).collect();
    let expected = [
        ("1 1 waiting ", "step a 1 , step b 1 retry"),
        ("1 2 retry panic", "step b 2 "),
        ("2 3 succeeded ", ""),
    ];
    assert_eq!(told, expected.map(|(run, parts)| (run.to_owned(), parts.to_owned())));
}

/// An attempt in a line, and what is below it.
fn tell(run: &SpanSeen, spans: &[SpanSeen]) -> (String, String) {
    let line = |span: &SpanSeen, words: &[&str]| {
        let error = span.says("error.type");
        assert_eq!(span.is_failed, !error.is_empty(), "{span:?}");
        format!("{} {error}", words.join(" "))
    };
    let mut parts: Vec<_> =
        spans.iter().filter(|it| it.above == run.id && it.trace == run.trace).collect();
    parts.sort_by_key(|part| part.began);
    let parts = parts.iter().map(|it| line(it, &[&it.name, it.says("trunkline.step.attempt")]));
    let parts: Vec<_> = parts.collect();
    let words = ["attempt", "epoch", "outcome"].map(|it| run.says(&format!("trunkline.job.{it}")));
    (line(run, &words), parts.join(", "))
}

#[tokio::test]
async fn children_and_bulk_enqueues_are_linked_to_the_span_that_made_them() {
    let collector = Collector::start().await;
    let exporting = collector.export(&[]);
    let rig = Rig::new().await;
    let job = rig.play([Act::Child(vec![Act::step("a")])]).await;
    let many: Vec<_> = (0..150).map(|_| Script(vec![Act::step("b")]).job()).collect();
    rig.engine.enqueue_all(many).await.unwrap();
    let worker = rig.worker().await;
    rig.succeeds(job).await;
    let busy = "select from trunkline.ready union all select from trunkline.leases";
    wait_until("all is done", async || holds(rig.db.number(busy).await == 0)).await;
    drop(worker);
    exporting.close().await;

    let spans = collector.spans();
    let child = rig.child_of(job).await.to_string();
    let run = |id: &str| {
        spans
            .iter()
            .find(|span| span.name == "process script" && span.says("messaging.message.id") == id)
    };
    let (run_of_child, run_of_parent) = (run(&child).unwrap(), run(&job.to_string()).unwrap());
    let sent = spans.iter().find(|span| run_of_child.links == [span.context()]).unwrap();
    assert_eq!((&sent.above, &sent.trace), (&run_of_parent.id, &run_of_parent.trace));
    let bulk: Vec<_> =
        spans.iter().filter(|it| it.says("messaging.batch.message_count") == "150").collect();
    let [bulk] = bulk[..] else { panic!("{bulk:#?}") };
    let linked = spans.iter().filter(|span| span.links == [bulk.context()]).count();
    assert_eq!(linked, 150);
}

#[tokio::test]
async fn a_collector_that_never_answers_keeps_no_job_waiting_and_what_is_lost_is_counted() {
    const JOBS: u64 = 100;
    let rig = Rig::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let collector = Collector::start().await;
    let before = ["exported", "dropped", "failed"].map(counted_spans);
    let exporting = collector.export(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "16"),
    ]);
    let worker = rig.worker().await;
    for _ in 0..JOBS {
        let job = rig.play([Act::step("a")]).await;
        rig.becomes(job, State::Succeeded).await;
    }
    drop(worker);
    exporting.close().await; // within its limit, or the harness panics
    let after = ["exported", "dropped", "failed"].map(counted_spans);
    let [exported, dropped, failed] = [0, 1, 2].map(|at| after[at] - before[at]);
    // An enqueue, an attempt and a step each.
    assert_eq!((exported, dropped + failed), (0, 3 * JOBS));
    assert!(dropped > 0 && failed > 0, "{dropped} {failed}");
}

#[tokio::test]
async fn without_an_exporter_a_job_keeps_the_trace_context_that_it_was_given() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut job = Script(vec![Act::step("a")]).job();
    job.traceparent = Some(given.to_owned());
    rig.enqueue(job).await;
    rig.play([Act::step("a")]).await;
    let kept =
        "select string_agg(coalesce(traceparent, 'none'), ' ' order by job_id) from trunkline.jobs";
    assert_eq!(rig.db.text(kept).await, format!("{given} none"));
}

fn counted_spans(outcome: &str) -> u64 {
    counted(&format!("trunkline_spans_total{{outcome=\"{outcome}\"}}"))
}
