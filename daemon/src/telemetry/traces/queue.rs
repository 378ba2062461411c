//! Where ended spans wait for the exporter. Full means dropped and counted: whoever ended the span goes on at once.

use std::{fmt, time::Duration};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::sync::mpsc;

use super::count;

/// The entrance.
pub(super) struct Queue(mpsc::Sender<SpanData>);

/// A queue for so many spans.
pub(super) fn of(spans_max: usize) -> (Queue, mpsc::Receiver<SpanData>) {
    let (entrance, exit) = mpsc::channel(spans_max);
    (Queue(entrance), exit)
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.0.try_send(span).is_err() {
            count("dropped", 1);
        }
    }

    // The exporter is a task of the process, which flushes when the process closes.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
