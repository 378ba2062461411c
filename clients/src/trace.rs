//! The span of a call to another company: which one, how, what came of it. Never an address with a path, since ids and phone
//! numbers stand in it; never a header or a body. Only where a trace is being kept: elsewhere it is one look at whether there
//! is one. Our trace context is not sent along: it is nobody else's.

use std::future::Future;

use opentelemetry::{
    Context as Surroundings, KeyValue, global,
    trace::{FutureExt, SpanBuilder, SpanKind, Status, TraceContextExt},
};
use reqwest::{Client, Error, Request, Response};

/// Who is called: a name from the code.
const PEER: &str = "peer.service";
const METHOD: &str = "http.request.method";
const HOST: &str = "server.address";
const PORT: &str = "server.port";
const STATUS: &str = "http.response.status_code";
const ERROR: &str = "error.type";

/// Sends a request.
pub(crate) async fn execute(
    peer: &'static str,
    http: &Client,
    request: Request,
) -> Result<Response, Error> {
    match begin(peer, &request) {
        None => http.execute(request).await,
        Some(call) => follow(call, http.execute(request)).await,
    }
}

fn begin(peer: &'static str, request: &Request) -> Option<Surroundings> {
    let kept = Surroundings::map_current(|now| now.span().span_context().is_sampled());
    kept.then(|| {
        let (method, url) = (request.method().as_str(), request.url());
        let mut attributes =
            vec![KeyValue::new(PEER, peer), KeyValue::new(METHOD, method.to_owned())];
        attributes.extend(url.host_str().map(|host| KeyValue::new(HOST, host.to_owned())));
        let port = url.port_or_known_default();
        attributes.extend(port.map(|port| KeyValue::new(PORT, i64::from(port))));
        let builder = SpanBuilder::from_name(format!("{method} {peer}"))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let above = Surroundings::current();
        let span = builder.start_with_context(&global::tracer("trunkline.clients"), &above);
        above.with_span(span)
    })
}

/// Until the head of the answer is here. A request that is given up ends its span too.
async fn follow(
    call: Surroundings,
    answer: impl Future<Output = Result<Response, Error>>,
) -> Result<Response, Error> {
    let answer = answer.with_context(call.clone()).await;
    let span = call.span();
    let failed = match &answer {
        Ok(response) => {
            let status = response.status();
            span.set_attribute(KeyValue::new(STATUS, i64::from(status.as_u16())));
            let refused = status.is_client_error() || status.is_server_error();
            refused.then(|| status.as_str().to_owned())
        }
        Err(error) => Some(word_of(error).to_owned()),
    };
    if let Some(word) = failed {
        span.set_attribute(KeyValue::new(ERROR, word));
        span.set_status(Status::error(""));
    }
    span.end();
    answer
}

/// An error's own text holds the address.
fn word_of(error: &Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else {
        "transport"
    }
}
