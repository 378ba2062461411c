//! The span of a request: its method, its route and its status. Neither its path nor its query, in which ids stand; neither
//! who asked, nor what.

use std::future::Future;

use engine::trace::{is_on, parse, text};
use futures::future::Either;
use opentelemetry::{
    Context as Surroundings, KeyValue, global,
    trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt, WithContext},
};

const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";
const ERROR: &str = "error.type";

/// The span of one request, or none: where spans are not made, and for what machines ask every few seconds.
#[derive(Debug)]
pub(crate) struct Serving(Option<Surroundings>);

impl Serving {
    /// Nobody wants to see it.
    pub(crate) const NONE: Serving = Serving(None);

    /// Begins it, below the caller's span where there is one: if the caller keeps the trace, so do we, and if not, neither
    /// do we. The console asks in the process, below its own request.
    pub(crate) fn begin(method: &'static str, route: Option<&str>, caller: Option<&str>) -> Self {
        if !is_on() {
            return Self::NONE;
        }
        let above = caller.and_then(parse).map_or_else(Surroundings::current, |caller| {
            Surroundings::new().with_remote_span_context(caller)
        });
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let mut attributes = vec![KeyValue::new(METHOD, method)];
        attributes.extend(route.map(|route| KeyValue::new(ROUTE, route.to_owned())));
        let builder =
            SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = builder.start_with_context(&global::tracer("trunkline.api"), &above);
        Serving(Some(above.with_span(span)))
    }

    /// What jobs that come of the request are to keep, instead of what the caller sent.
    pub(crate) fn traceparent(&self) -> Option<String> {
        self.0.as_ref().map(|serving| text(serving.span().span_context()))
    }

    /// Does the work in it.
    pub(crate) fn within<F: Future>(&self, work: F) -> Either<WithContext<F>, F> {
        match &self.0 {
            Some(serving) => Either::Left(work.with_context(serving.clone())),
            None => Either::Right(work),
        }
    }

    /// Ends it. What the caller did wrong is no error of ours.
    pub(crate) fn end(self, status: u16) {
        let Some(serving) = self.0 else { return };
        let span = serving.span();
        span.set_attribute(KeyValue::new(STATUS, i64::from(status)));
        if status >= 500 {
            span.set_attribute(KeyValue::new(ERROR, status.to_string()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}
