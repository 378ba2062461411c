//! Pages of other sites that may ask with a person's session: those that are named, on the routes that people use, and no
//! others. For operators' routes there is no leave: their keys are no business of a page.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
            ORIGIN, VARY,
        },
    },
    response::{IntoResponse, Response},
};

use crate::routes::ROUTES;

/// What a page may send besides what any page may.
const MAY_SEND: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id, traceparent",
);

/// What it may read besides the body.
const MAY_READ: HeaderValue = HeaderValue::from_static(
    "etag, idempotent-replayed, location, ratelimit, ratelimit-policy, retry-after, x-request-id",
);

/// How long a browser may remember the leave, in seconds: a name that was taken off the list is soon forgotten.
const REMEMBERED_SECS: HeaderValue = HeaderValue::from_static("600");

const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The site whose page asks, if it is one of these.
pub(super) fn origin_of(request: &Request, origins: &[String]) -> Option<HeaderValue> {
    let said = request.headers().get(ORIGIN)?;
    let is_named = said.to_str().is_ok_and(|said| origins.iter().any(|origin| origin == said));
    is_named.then(|| said.clone())
}

/// The answer to a browser that asks for leave.
pub(super) fn preflight(request: &Request, origin: &HeaderValue, path: &str) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let methods = ROUTES.iter().filter(|route| route.path == path).map(|route| route.method);
    let methods = methods.collect::<Vec<_>>().join(", ");
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::try_from(methods).ok()?);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND);
    headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECS);
    tell(headers, Some(origin.clone()));
    Some(response)
}

/// Tells the browser whose page may read the answer. It differs by who asks, so no cache may mix them up.
pub(super) fn tell(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(VARY, HeaderValue::from_name(ORIGIN));
    let Some(origin) = origin else { return };
    let said: [(HeaderName, HeaderValue); 3] = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE),
        (ACCESS_CONTROL_EXPOSE_HEADERS, MAY_READ),
    ];
    headers.extend(said);
}
