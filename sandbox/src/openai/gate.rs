//! Every request passes here: counted, checked, then treated as the mood says.

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State as Shared},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::{chat::refusal, state::State};
use crate::{connection::Cutter, twilio::Mood};

/// A conversation of twenty texts is a tenth of this.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) async fn treat(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Cutter>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let (mood, spell) = state.arrive(path.as_str(), request.method().as_str());
    let given = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let key = given.and_then(|it| it.strip_prefix("Bearer "));
    if mood == Mood::Unauthorized || key != Some(state.options.api_key.expose_secret()) {
        let why = "Incorrect API key provided";
        return refusal(StatusCode::UNAUTHORIZED, "invalid_request_error", why);
    }
    match mood {
        Mood::Accepts | Mood::Unauthorized => next.run(request).await,
        Mood::Slow => {
            let answer = next.run(request).await;
            let delay = spell.delay.unwrap_or(state.options.slow_delay);
            // The delay, or the end of the sandbox, whichever comes first.
            let _ = timeout(delay, state.stop.cancelled()).await;
            answer
        }
        Mood::RateLimited => {
            let why = "Rate limit reached";
            let answer = refusal(StatusCode::TOO_MANY_REQUESTS, "requests", why);
            ([(header::RETRY_AFTER, "1")], answer).into_response()
        }
        Mood::ServerError => {
            let why = "The server had an error while processing your request";
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", why)
        }
        Mood::LosesReply => {
            let answer = next.run(request).await;
            connection.cut();
            answer
        }
        Mood::Down => {
            connection.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response() // goes nowhere
        }
    }
}
