use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use parking_lot::Mutex;

use super::{super::queue, *};

/// A process of its own: spans go in at one end and batches come out at the other.
struct Stage {
    provider: SdkTracerProvider,
    closing: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// Names of the spans of a request.
fn names(body: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
    scopes.flat_map(|of| of.spans).map(|span| span.name).collect()
}

impl Stage {
    fn open<F, Fut>(spans_max: usize, send: F) -> Stage
    where
        F: Fn(Vec<u8>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Delivery> + Send + 'static,
    {
        let (queue, spans) = queue::of(spans_max);
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let resource = ResourceAttributesWithSchema::default();
        let closing = CancellationToken::new();
        let exporter = Exporter::new(spans, resource, Duration::from_secs(5));
        let task = tokio::spawn(exporter.run(send, closing.clone()));
        Stage { provider, closing, task }
    }

    fn end(&self, names: impl IntoIterator<Item = &'static str>) {
        let tracer = self.provider.tracer("test");
        for name in names {
            tracer.start(name).end();
        }
    }

    async fn close(self) {
        self.closing.cancel();
        self.task.await.unwrap();
    }
}

/// The clock is stopped, and goes on where all tasks wait for it.
async fn pass(time: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + time).await;
}

/// What is counted on this thread.
fn counting() -> (metrics::LocalRecorderGuard<'static>, PrometheusHandle) {
    let recorder: &'static _ = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let handle = recorder.handle();
    (metrics::set_default_local_recorder(recorder), handle)
}

fn counted(handle: &PrometheusHandle, outcome: &str) -> u64 {
    let line = format!("{}{{outcome=\"{outcome}\"}} ", super::super::SPANS);
    let text = handle.render();
    text.lines().find_map(|it| it.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn spans_leave_in_batches_and_the_last_ones_when_the_process_closes() {
    let (_guard, counts) = counting();
    let got = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&got);
    let stage = Stage::open(2 * BATCH_MAX, move |body| {
        into.lock().push(names(&body).len());
        std::future::ready(Delivery::Taken(Vec::new()))
    });
    stage.end(std::iter::repeat_n("a", BATCH_MAX + 3));
    pass(Duration::from_secs(6)).await;
    assert_eq!(*got.lock(), [BATCH_MAX, 3]);
    stage.end(["last"]);
    stage.close().await;
    assert_eq!(*got.lock(), [BATCH_MAX, 3, 1]);
    assert_eq!(counted(&counts, "exported"), BATCH_MAX as u64 + 4);
    assert_eq!(counted(&counts, "failed") + counted(&counts, "dropped"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_hangs_delays_nobody_and_what_does_not_fit_is_counted() {
    let (_guard, counts) = counting();
    let stage = Stage::open(8, |_| std::future::pending());
    stage.end(["first"]);
    pass(Duration::from_secs(6)).await; // it is on its way, for ever
    let began = Instant::now();
    stage.end(std::iter::repeat_n("more", 10_000));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(counted(&counts, "dropped"), 10_000 - 8);
    let closing = tokio::time::Instant::now();
    stage.close().await;
    let took = closing.elapsed();
    assert!(took >= FLUSH_WITHIN && took < FLUSH_WITHIN * 2, "{took:?}");
    assert_eq!(counted(&counts, "failed"), 9);
    assert_eq!(counted(&counts, "exported"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_again_where_that_may_help_and_only_there() {
    let (_guard, counts) = counting();
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let stage = Stage::open(8, move |body| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(match (names(&body)[0].as_str(), nth) {
            ("again", 0 | 1) | ("later", _) => Delivery::Later("not now".to_owned()),
            ("refused", _) => Delivery::Refused("never".to_owned()),
            _ => Delivery::Taken(Vec::new()),
        })
    });
    for (name, tries_so_far) in [("again", 3), ("refused", 4), ("later", 7)] {
        stage.end([name]);
        pass(Duration::from_secs(20)).await;
        assert_eq!(tries.load(Ordering::SeqCst), tries_so_far, "{name}");
    }
    assert_eq!((counted(&counts, "exported"), counted(&counts, "failed")), (1, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_collector_takes_only_in_part_is_counted_in_part() {
    let (_guard, counts) = counting();
    let answer = {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
        let partial_success =
            Some(ExportTracePartialSuccess { rejected_spans: 2, ..Default::default() });
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    };
    let stage = Stage::open(8, move |_| std::future::ready(Delivery::Taken(answer.clone())));
    stage.end(["a", "b", "c"]);
    stage.close().await;
    assert_eq!((counted(&counts, "exported"), counted(&counts, "failed")), (1, 2));
}
