//! The engine's spans, made through OpenTelemetry's interface: who exports them, and how, is the process's affair. Every name
//! stands here, since the conventions for messaging are not final. No argument, no output and no text of a failure is in a
//! span; what is in it are names that stand in the code, numbers and ids of jobs.
//!
//! An enqueue is a span of its own, whose context is what the job keeps as its `traceparent`. An attempt begins a trace of its
//! own, with a link to the enqueue: it may run hours later, and more than once. What the body does is below the attempt.
//!
//! Until [`turn_on`] is called each of these functions is one look at whether it was.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write, future::Future, sync::OnceLock};

use futures::future::Either;
use opentelemetry::{
    Context as Surroundings, KeyValue,
    global::{self, BoxedTracer},
    trace::{
        FutureExt, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status,
        TraceContextExt, TraceFlags, TraceId, TraceState, WithContext,
    },
};

use crate::{
    failure::Failure, job::JobId, job::NewJob, leased::LeasedJob, runner::Ending,
    store::jobs::JobRow,
};

/// Always the same: the system is this one.
const SYSTEM: &str = "messaging.system";
/// The queue.
const QUEUE: &str = "messaging.destination.name";
/// `send` or `process`.
const OPERATION: &str = "messaging.operation.type";
/// The job.
const JOB: &str = "messaging.message.id";
/// How many jobs one span stands for.
const BATCH: &str = "messaging.batch.message_count";
/// The kind of the job.
const KIND: &str = "trunkline.job.kind";
/// Which try of the body this is, from 1.
const ATTEMPT: &str = "trunkline.job.attempt";
/// Which claim of the job this is: the fencing token.
const EPOCH: &str = "trunkline.job.epoch";
/// How the attempt ended, as in the metric.
const OUTCOME: &str = "trunkline.job.outcome";
/// The job that has the unique key already.
const DUPLICATE_OF: &str = "trunkline.job.duplicate_of";
/// `step`, `transaction`, `effect`, `change`, `probe` or `undo`.
const FORM: &str = "trunkline.step.form";
/// Under which name it is remembered: its own, and its place where it has one.
const KEY: &str = "trunkline.step.key";
/// Which try of the step this is, from 1.
const TRY: &str = "trunkline.step.attempt";
/// A word for what went wrong.
const ERROR: &str = "error.type";

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// Makes spans from now on, for the provider that the process has installed in [`opentelemetry::global`] before. There is no
/// way back: it is a matter of the configuration.
pub fn turn_on() {
    TRACER.get_or_init(|| global::tracer("trunkline.engine"));
}

/// Whether spans are made.
pub fn is_on() -> bool {
    TRACER.get().is_some()
}

/// Reads a W3C trace context of version 00, `00-<32 hex>-<16 hex>-<2 hex>`, with ids that are not all zero.
pub fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let mut hex = |digits: usize| {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == digits && part.bytes().all(is_hex))
    };
    let version = hex(2)?;
    let trace = TraceId::from_hex(hex(32)?).ok()?;
    let span = SpanId::from_hex(hex(16)?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(hex(2)?, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (version == "00" && parts.next().is_none() && context.is_valid()).then_some(context)
}

/// Writes it.
pub fn text(context: &SpanContext) -> String {
    let mut text = format!("00-{}-{}-", context.trace_id(), context.span_id());
    // Only what we know of the flags: whether somebody keeps the trace.
    let _ = write!(text, "{:02x}", u8::from(context.is_sampled()));
    text
}

/// The trace context of what is being done here, if anything is.
pub(crate) fn here() -> Option<String> {
    is_on().then(|| Surroundings::map_current(text_of)).flatten()
}

fn text_of(surroundings: &Surroundings) -> Option<String> {
    let span = surroundings.span();
    let context = span.span_context();
    context.is_valid().then(|| text(context))
}

/// The spans of an enqueue. They end when this is dropped, which is when the jobs are written.
#[derive(Debug, Default)]
#[must_use = "it is the time that the enqueue takes"]
pub(crate) struct Sending(Vec<Surroundings>);

impl Sending {
    /// The job was there already.
    pub(crate) fn found(&self, first: JobId) {
        for sending in &self.0 {
            sending.span().set_attribute(KeyValue::new(DUPLICATE_OF, first.to_string()));
        }
    }
}

/// Begins the span of an enqueue, and writes its context into the job's row.
pub(crate) fn send(job: &NewJob, row: &mut JobRow) -> Sending {
    let Some(tracer) = TRACER.get() else { return Sending::default() };
    let sending = begin_send(tracer, &job.queue, job.traceparent.as_deref());
    let span = sending.span();
    if span.is_recording() {
        span.set_attribute(KeyValue::new(JOB, job.id.to_string()));
        span.set_attribute(KeyValue::new(KIND, job.kind.clone()));
    }
    row.traceparent = text_of(&sending);
    Sending(vec![sending])
}

/// As [`send`] for many at once: one span for those of the same queue that the same request asked for, however many they are.
pub(crate) fn send_all(jobs: &[NewJob], rows: &mut [JobRow]) -> Sending {
    let Some(tracer) = TRACER.get() else { return Sending::default() };
    let mut batches = BTreeMap::new();
    for (job, row) in jobs.iter().zip(rows) {
        let (queue, cause) = (job.queue.as_str(), job.traceparent.as_deref());
        let (sending, count) = batches
            .entry((queue, cause))
            .or_insert_with(|| (begin_send(tracer, queue, cause), 0_i64));
        *count += 1;
        row.traceparent = text_of(sending);
    }
    let counted = batches.into_values().map(|(sending, count)| {
        sending.span().set_attribute(KeyValue::new(BATCH, count));
        sending
    });
    Sending(counted.collect())
}

/// Below the request that asked for it, or else below what is being done here.
fn begin_send(tracer: &BoxedTracer, queue: &str, cause: Option<&str>) -> Surroundings {
    let cause = cause.and_then(parse);
    let above = cause.map_or_else(Surroundings::current, |cause| {
        Surroundings::new().with_remote_span_context(cause)
    });
    let builder = SpanBuilder::from_name(format!("send {queue}")).with_kind(SpanKind::Producer);
    let mut span = builder.start_with_context(tracer, &above);
    if span.is_recording() {
        span.set_attributes([
            KeyValue::new(SYSTEM, "trunkline"),
            KeyValue::new(OPERATION, "send"),
            KeyValue::new(QUEUE, queue.to_owned()),
        ]);
    }
    Surroundings::new().with_span(span)
}

/// A span that work is done in, or none. It ends with [`Span::end`], or when it is dropped: a run that leaves its worker drops
/// everything that it was about.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub(crate) struct Span(Option<Surroundings>);

impl Span {
    /// Does the work in it, so that what the work begins is below it.
    pub(crate) fn within<F: Future>(&self, work: F) -> Either<WithContext<F>, F> {
        match &self.0 {
            Some(surroundings) => Either::Left(work.with_context(surroundings.clone())),
            None => Either::Right(work),
        }
    }

    /// Ends it, with a word for what went wrong, if anything did.
    pub(crate) fn end(self, why: Option<&'static str>) {
        let Some(surroundings) = self.0 else { return };
        let span = surroundings.span();
        if let Some(why) = why {
            span.set_attribute(KeyValue::new(ERROR, why));
            // Without the text: it may hold what another company's server has answered.
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Ends that of an attempt.
    pub(crate) fn end_attempt(self, ending: &Ending) {
        if let Some(surroundings) = &self.0 {
            surroundings.span().set_attribute(KeyValue::new(OUTCOME, ending.outcome()));
        }
        self.end(ending.went_wrong());
    }
}

/// Begins the span of an attempt: a trace of its own with a link to the job's enqueue.
pub(crate) fn process(job: &LeasedJob) -> Span {
    let Some(tracer) = TRACER.get() else { return Span(None) };
    let cause = job.traceparent().and_then(parse);
    if let Some(cause) = cause.as_ref().filter(|cause| !cause.is_sampled()) {
        // Nobody keeps that trace, so what comes of it is not kept either.
        return Span(Some(Surroundings::new().with_remote_span_context(cause.clone())));
    }
    let mut builder = SpanBuilder::from_name(format!("process {}", job.kind()));
    builder = builder.with_kind(SpanKind::Consumer);
    builder = builder.with_links(cause.map(Link::with_context).into_iter().collect());
    let mut span = builder.start_with_context(tracer, &Surroundings::new());
    if span.is_recording() {
        span.set_attributes([
            KeyValue::new(SYSTEM, "trunkline"),
            KeyValue::new(OPERATION, "process"),
            KeyValue::new(QUEUE, job.queue().to_owned()),
            KeyValue::new(JOB, job.id().to_string()),
            KeyValue::new(KIND, job.kind().to_owned()),
            KeyValue::new(ATTEMPT, i64::from(job.attempt())),
            KeyValue::new(EPOCH, i64::from(job.epoch())),
        ]);
    }
    Span(Some(Surroundings::new().with_span(span)))
}

/// Begins the span of one try of a part of a run: a step, a deed, a probe, an undo.
pub(crate) fn part(form: &'static str, name: &str, key: &str, attempt: u16) -> Span {
    let Some(tracer) = TRACER.get() else { return Span(None) };
    let above = Surroundings::current();
    if !above.span().span_context().is_sampled() {
        return Span(None);
    }
    let builder = SpanBuilder::from_name(Cow::from(format!("{form} {name}")));
    let mut span = builder.start_with_context(tracer, &above);
    span.set_attributes([
        KeyValue::new(FORM, form),
        KeyValue::new(KEY, key.to_owned()),
        KeyValue::new(TRY, i64::from(attempt)),
    ]);
    Span(Some(above.with_span(span)))
}

/// What went wrong with something that was given a limit of time.
pub(crate) fn why<T, L>(result: &Result<Result<T, Failure>, L>) -> Option<&'static str> {
    match result {
        Ok(result) => why_failed(result),
        Err(_) => Some("timeout"),
    }
}

/// What went wrong, as a word.
pub(crate) fn why_failed<T>(result: &Result<T, Failure>) -> Option<&'static str> {
    result.as_ref().err().map(|failure| failure.class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNKEPT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn a_trace_context_is_read_as_it_is_written() {
        for whole in [KEPT, UNKEPT] {
            assert_eq!(text(&parse(whole).unwrap()), whole);
        }
        assert!(parse(KEPT).unwrap().is_sampled());
        assert!(!parse(UNKEPT).unwrap().is_sampled());
    }

    #[test]
    fn what_is_no_trace_context_is_none() {
        let long = format!("{KEPT}-00");
        let upper = KEPT.to_uppercase();
        let zero = KEPT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let signed = KEPT.replace("00f067aa0ba902b7", "+0f067aa0ba902b7");
        for text in ["", "a\0b", "01", &KEPT[..53], &long, &upper, &zero, &signed] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn while_it_is_off_there_are_no_spans() {
        assert!(!is_on());
        assert!(here().is_none());
        assert!(part("step", "a", "a", 1).0.is_none());
        assert!(matches!(Span(None).within(std::future::ready(())), Either::Right(_)));
    }
}
