//! A collector of spans: a real server that takes what is exported, decoded by the messages of the protocol itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use daemon::telemetry::traces::{self, Delivery, TraceConfig};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{span::SpanKind, status::StatusCode as Fate},
};
use parking_lot::Mutex;
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A span as it arrived.
#[derive(Debug, Clone)]
pub struct SpanSeen {
    /// What was done.
    pub name: String,
    /// Which side of it.
    pub kind: SpanKind,
    /// Of the trace, in hex.
    pub trace: String,
    /// Of the span, in hex.
    pub id: String,
    /// Of the one above it, in hex; empty for the first of a trace.
    pub above: String,
    /// Spans of other traces, as trace contexts.
    pub links: Vec<String>,
    /// What is told of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it is marked as failed.
    pub is_failed: bool,
    /// Whose it is.
    pub service: String,
    /// Nanoseconds since 1970.
    pub began: u64,
    /// Nanoseconds since 1970.
    pub ended: u64,
}

impl SpanSeen {
    /// One attribute, empty if it is not there.
    pub fn says(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Its context as `traceparent` has it.
    pub fn context(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }
}

/// What came in.
#[derive(Default)]
struct Got {
    bodies: Vec<Vec<u8>>,
    heads: Vec<HeaderMap>,
}

/// Takes every batch, and remembers it.
pub struct Collector {
    url: String,
    got: Arc<Mutex<Got>>,
    _stop: DropGuard,
}

/// The exporter of this process, as its own programs have one.
pub struct Exporting {
    closing: CancellationToken,
    task: JoinHandle<()>,
}

impl Collector {
    /// Listens on a port of its own.
    pub async fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let got: Arc<Mutex<Got>> = Arc::default();
        let stop = CancellationToken::new();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&got));
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(
            async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await },
        );
        Collector { url, got, _stop: stop.drop_guard() }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Exports the spans of this process to it, with these variables besides. Once in a process: the provider is everybody's.
    pub fn export(&self, variables: &[(&str, &str)]) -> Exporting {
        let env = daemon::config::Env::new(|name| {
            let mut all = variables.iter().copied();
            let found = all.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
            match name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => found.or_else(|| Some(self.url.clone())),
                "OTEL_BSP_SCHEDULE_DELAY" => found.or_else(|| Some("10".to_owned())),
                _ => found,
            }
        });
        let config = TraceConfig::read(&env);
        let config = env.finish(config).expect("variables").expect("an endpoint");
        let collector =
            clients::otlp::Collector::new(config.url.clone(), &config.headers, config.timeout)
                .expect("a collector");
        let exporter = traces::install(&config, "test", "0");
        engine::trace::turn_on();
        let closing = CancellationToken::new();
        let send = move |batch| {
            let collector = collector.clone();
            async move {
                match collector.send(batch).await {
                    Ok(answer) => Delivery::Taken(answer),
                    Err(error) => Delivery::Later(error.to_string()),
                }
            }
        };
        let task = tokio::spawn(exporter.run(send, closing.clone()));
        Exporting { closing, task }
    }

    /// Every byte of every body that came in.
    pub fn bytes(&self) -> Vec<u8> {
        self.got.lock().bodies.concat()
    }

    /// A header of each batch.
    pub fn header(&self, name: &str) -> Vec<String> {
        let got = self.got.lock();
        let values = got.heads.iter().filter_map(|head| head.get(name)?.to_str().ok());
        values.map(ToOwned::to_owned).collect()
    }

    /// All spans that came in, in the order in which they began.
    pub fn spans(&self) -> Vec<SpanSeen> {
        let bodies = self.got.lock().bodies.clone();
        let mut spans: Vec<_> = bodies.iter().flat_map(|body| decoded(body)).collect();
        spans.sort_by_key(|span| span.began);
        spans
    }
}

impl Exporting {
    /// As when a process closes: what is left is delivered.
    pub async fn close(self) {
        self.closing.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.task)
            .await
            .expect("an exporter that closes")
            .expect("an exporter that did not panic");
    }
}

async fn take(State(got): State<Arc<Mutex<Got>>>, head: HeaderMap, body: Bytes) -> StatusCode {
    if head.get("content-type").is_none_or(|it| it != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let mut got = got.lock();
    got.bodies.push(body.to_vec());
    got.heads.push(head);
    StatusCode::OK
}

fn decoded(body: &[u8]) -> Vec<SpanSeen> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of the protocol");
    let mut seen = Vec::new();
    for of_process in request.resource_spans {
        let about = of_process.resource.map(|it| told(it.attributes)).unwrap_or_default();
        let service = about.get("service.name").cloned().unwrap_or_default();
        for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let context = |trace: &[u8], span: &[u8]| format!("00-{}-{}-01", hex(trace), hex(span));
            let links = span.links.iter().map(|link| context(&link.trace_id, &link.span_id));
            seen.push(SpanSeen {
                kind: span.kind(),
                links: links.collect(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                above: hex(&span.parent_span_id),
                is_failed: span.status.as_ref().is_some_and(|it| it.code() == Fate::Error),
                service: service.clone(),
                began: span.start_time_unix_nano,
                ended: span.end_time_unix_nano,
                name: span.name,
                attributes: told(span.attributes),
            });
        }
    }
    seen
}

fn told(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |it: KeyValue| match it.value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => (it.key, text),
        Some(Value::IntValue(number)) => (it.key, number.to_string()),
        other => (it.key, format!("{other:?}")),
    };
    attributes.into_iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
