//! From the queue to the collector, batch by batch.

use std::{fmt, future::Future, time::Duration};

use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::count;

/// Spans in a request: the specification's. Some 300 kB.
const BATCH_MAX: usize = 512;

/// Waits before a batch is sent again. Longer ones would only fill the queue behind it.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// What a closing process gives what is still here. Below what its lifecycle gives its tasks
/// (`daemon/src/lifecycle/life.rs::LAST_WORDS`).
const FLUSH_WITHIN: Duration = Duration::from_millis(1500);

/// What became of sending a batch once.
#[derive(Debug)]
pub enum Delivery {
    /// It was taken; this was answered.
    Taken(Vec<u8>),
    /// It was not, and may be another time.
    Later(String),
    /// It was not, and never will be.
    Refused(String),
}

/// The reading end of the queue.
pub struct Exporter {
    spans: mpsc::Receiver<SpanData>,
    resource: ResourceAttributesWithSchema,
    delay: Duration,
    /// Spans that are out of the queue and not yet delivered.
    in_hand: usize,
    is_failing: bool,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl Exporter {
    pub(super) fn new(
        spans: mpsc::Receiver<SpanData>,
        resource: ResourceAttributesWithSchema,
        delay: Duration,
    ) -> Self {
        Self { spans, resource, delay, in_hand: 0, is_failing: false }
    }

    /// Delivers until `closing`, and then what is still here, for a second and a half at most; to be run as one of the
    /// process's tasks. `send` sends one batch once, and gives up by itself.
    pub async fn run<F, Fut>(mut self, send: F, closing: CancellationToken)
    where
        F: Fn(Vec<u8>) -> Fut + Send + Sync,
        Fut: Future<Output = Delivery> + Send,
    {
        {
            let mut work = std::pin::pin!(self.deliver_all(&send, &closing));
            tokio::select! {
                () = &mut work => {}
                () = closing.cancelled() => {
                    let _ = tokio::time::timeout(FLUSH_WITHIN, work).await;
                }
            }
        }
        self.spans.close();
        let lost = self.in_hand + self.spans.len();
        if lost > 0 {
            count("failed", lost);
            tracing::warn!(spans = lost, "spans were not delivered before the end");
        }
    }

    async fn deliver_all<F, Fut>(&mut self, send: &F, closing: &CancellationToken)
    where
        F: Fn(Vec<u8>) -> Fut + Send + Sync,
        Fut: Future<Output = Delivery> + Send,
    {
        while let Some(batch) = self.batch(closing).await {
            self.in_hand = batch.len();
            self.deliver(batch, send, closing).await;
            self.in_hand = 0;
        }
    }

    /// A batch that is full, or as full as it became in time. `None`: there is nothing, and nothing comes any more.
    async fn batch(&mut self, closing: &CancellationToken) -> Option<Vec<SpanData>> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        tokio::select! {
            biased;
            () = closing.cancelled() => self.spans.close(),
            _ = self.spans.recv_many(&mut batch, BATCH_MAX) => {}
        }
        let until = tokio::time::Instant::now() + self.delay;
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                biased;
                () = closing.cancelled(), if !self.spans.is_closed() => self.spans.close(),
                more = self.spans.recv_many(&mut batch, room) => if more == 0 { break },
                () = tokio::time::sleep_until(until), if !batch.is_empty() => break,
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    async fn deliver<F, Fut>(&mut self, batch: Vec<SpanData>, send: &F, closing: &CancellationToken)
    where
        F: Fn(Vec<u8>) -> Fut + Send + Sync,
        Fut: Future<Output = Delivery> + Send,
    {
        let spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut patience = PATIENCE.into_iter();
        let why = loop {
            match send(body.clone()).await {
                Delivery::Taken(answer) => return self.taken(spans, &answer),
                Delivery::Refused(why) => break why,
                Delivery::Later(why) => match patience.next() {
                    // Closing cuts the wait short, not the try.
                    Some(wait) => {
                        let _ = tokio::time::timeout(wait, closing.cancelled()).await;
                    }
                    None => break why,
                },
            }
        };
        count("failed", spans);
        // Once, until it works again.
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(spans, why, "spans cannot be delivered");
        }
    }

    fn taken(&mut self, spans: usize, answer: &[u8]) {
        let refused = refused_of(answer).min(spans);
        count("exported", spans - refused);
        if refused > 0 {
            count("failed", refused);
        }
        if std::mem::replace(&mut self.is_failing, false) {
            tracing::info!("spans are delivered again");
        }
    }
}

/// How many of a batch the collector did not take, although it took the batch.
fn refused_of(answer: &[u8]) -> usize {
    let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
    let refused = answer.partial_success.map_or(0, |part| part.rejected_spans);
    usize::try_from(refused).unwrap_or(0)
}

#[cfg(test)]
mod tests;
