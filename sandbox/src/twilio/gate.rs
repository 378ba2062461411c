//! Every API request passes here: counted, then treated as the mood says.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{ConnectInfo, MatchedPath, Request, State as Shared},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::{connection::Cutter, mood::Mood, refusal::Refusal, state::State};

/// The longest text with the longest callback URL is a tenth of this.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn treat(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Cutter>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let writes = request.method() != Method::GET && request.method() != Method::HEAD;
    let (mood, spell) = state.arrive(path.as_str(), request.method().as_str(), writes);
    match mood {
        Mood::Accepts => next.run(request).await,
        Mood::Slow => {
            let answer = next.run(request).await;
            let delay = spell.delay.unwrap_or(state.options.slow_delay);
            // The delay, or the end of the sandbox, whichever comes first.
            let _ = timeout(delay, state.stop.cancelled()).await;
            answer
        }
        Mood::RateLimited => turn_away(&state, request, Refusal::rate_limited()).await,
        Mood::ServerError => turn_away(&state, request, Refusal::failed()).await,
        Mood::Unauthorized => turn_away(&state, request, Refusal::unauthenticated()).await,
        Mood::LosesReply => {
            let answer = next.run(request).await;
            connection.cut();
            answer
        }
        Mood::Down => {
            connection.cut();
            Refusal::failed().into_response() // goes nowhere
        }
    }
}

async fn turn_away(state: &State, request: Request, refusal: Refusal) -> Response {
    if let Ok(body) = to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        state.refuse(&form(&body));
    }
    refusal.into_response()
}

/// A form's fields, repeated ones kept.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}
