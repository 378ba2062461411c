//! Spans on their way out of the process: kept or not, queued, encoded, handed to whoever sends them.
//!
//! Nothing waits for any of it. A span that finds the queue full is dropped and counted, and so is one that could not be
//! delivered. Who makes spans knows only OpenTelemetry's interface; who sends them is handed in, since this crate speaks to
//! nobody.

mod config; // which variables
mod export; // from the queue to the collector
mod queue; // where ended spans wait
mod sampler; // which traces are kept

use opentelemetry::{KeyValue, global};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, SpanLimits},
};

pub use self::{
    config::TraceConfig,
    export::{Delivery, Exporter},
};

/// Spans that left this process, or did not, by outcome: exported, dropped (the queue was full), failed (they could not be
/// delivered).
pub(super) const SPANS: &str = "trunkline_spans_total";

/// Makes this process's spans, from now on, wait for an exporter. `role` and `version` are as in [`super::install`].
pub fn install(config: &TraceConfig, role: &'static str, version: &'static str) -> Exporter {
    metrics::describe_counter!(SPANS, "Spans by what became of them.");
    for outcome in ["exported", "dropped", "failed"] {
        count(outcome, 0);
    }
    let resource = resource_of(config, role, version);
    let (queue, spans) = queue::of(config.queue_max);
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler::Sampler::new(config.ratio))
        .with_resource(resource.clone())
        // The library would read them from the environment.
        .with_span_limits(SpanLimits::default())
        .with_span_processor(queue)
        .build();
    global::set_tracer_provider(provider);
    Exporter::new(spans, ResourceAttributesWithSchema::from(&resource), config.delay)
}

/// Who we are, to whoever looks at the spans of many.
fn resource_of(config: &TraceConfig, role: &str, version: &'static str) -> Resource {
    let name = config.service_name.clone().unwrap_or_else(|| format!("trunkline-{role}"));
    let attributes = [
        KeyValue::new("service.name", name),
        KeyValue::new("service.version", version),
        KeyValue::new("service.namespace", "trunkline"),
    ];
    // Without the detectors, which read the environment.
    Resource::builder_empty().with_attributes(attributes).build()
}

fn count(outcome: &'static str, spans: usize) {
    metrics::counter!(SPANS, "outcome" => outcome).increment(spans as u64);
}
