//! What is noted of every request, and what every answer carries: the request id, the log line, the metric, the headers that
//! tell browsers to be careful. No query strings, no bodies, no addresses.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, debug, info, info_span};

use crate::{
    caller::{Caller, X_REQUEST_ID},
    metrics,
    problem::{self, Code},
    state::ApiState,
    trace::Serving,
};

/// For paths that no route matches: what strangers probe for must not become labels.
const UNMATCHED: &str = "unmatched";

/// Asked every few seconds by machines; their log lines would hide the others.
const PROBES: [&str; 4] = ["/health", "/livez", "/readyz", "/metrics"];

/// The old filters of browsers could be made to cut out a page's own scripts; what replaces them is the policy below.
const X_XSS_PROTECTION: HeaderName = HeaderName::from_static("x-xss-protection");

const CAREFUL: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_XSS_PROTECTION, HeaderValue::from_static("0")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// One year, as browsers' preload lists ask for at the least.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// The outermost layer.
pub(crate) async fn observe(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let mut caller = Caller::of(&request, &state);
    let method = name_of(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let span = info_span!("request", request.id = %caller.request_id, http.method = method, http.route = route);
    let serving = if PROBES.contains(&route) {
        Serving::NONE
    } else {
        let route = matched.as_ref().map(MatchedPath::as_str);
        Serving::begin(method, route, caller.traceparent.as_deref())
    };
    caller.traceparent = serving.traceparent().or(caller.traceparent);
    request.extensions_mut().insert(caller.clone());
    let response = serving.within(next.run(request).instrument(span.clone())).await;
    let (mut response, problem) = span.in_scope(|| problem::finish(response, &caller.request_id));
    carry(response.headers_mut(), &caller.request_id, state.config().is_https());
    caller.standing.tell(response.headers_mut());
    let status = response.status().as_u16();
    serving.end(status);
    metrics::request(method, route, status, began.elapsed());
    span.in_scope(|| {
        let problem = problem.map(Code::as_str);
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if PROBES.contains(&route) {
            debug!(http.status = status, elapsed_ms, "{method} {route} {status}");
        } else {
            info!(http.status = status, problem, elapsed_ms, "{method} {route} {status}");
        }
    });
    response
}

fn carry(headers: &mut HeaderMap, request_id: &str, is_https: bool) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in CAREFUL {
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
}

/// The method as a label; there are endlessly many that nobody has registered.
fn name_of(method: &Method) -> &'static str {
    [
        (Method::GET, "GET"),
        (Method::HEAD, "HEAD"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
        (Method::OPTIONS, "OPTIONS"),
    ]
    .iter()
    .find(|(known, _)| known == method)
    .map_or("other", |(_, name)| name)
}
