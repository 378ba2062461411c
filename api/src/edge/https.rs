//! What came in the clear to an API that is reached by https.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};

use crate::problem::{Code, Problem};

/// Whoever looks is sent to the same address by https: ours as it is configured, never one that the request names. What was
/// posted has been read by others on its way; that is said, and not smoothed over.
pub(super) fn instead(request: &Request, public_base_url: &str) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Problem::new(Code::HttpsRequired, "what was sent may have been read on its way")
            .into_response();
    }
    let place = request.uri().path_and_query().map_or("/", |place| place.as_str());
    let location = format!("{public_base_url}{place}");
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
}
