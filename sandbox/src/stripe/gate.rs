//! Every API request passes here: counted, then treated as the mood says, then done once per key.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{ConnectInfo, Request, State as Shared},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::{answer::Answer, form::Form, mood::Mood, render::Shape, route, state::State};
use crate::connection::Cutter;

/// The longest form of ours is a twentieth of this.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// One request, read.
struct Asked {
    method: Method,
    /// Below `/v1/`.
    path: String,
    form: Vec<u8>,
    key: Option<String>,
    shape: Shape,
}

pub(super) async fn treat(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches("/v1/").to_owned();
    let Some(pattern) = route::pattern(&segments(&path)) else {
        return Answer::missing("route").into_response();
    };
    let writes = parts.method != Method::GET;
    let (mood, spell) = state.arrive(&pattern, parts.method.as_str(), writes);
    if !is_ours(&state, &parts.headers) {
        return Answer::unauthenticated().into_response();
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes().to_vec();
    let form = match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(body) if parts.method == Method::POST => body.to_vec(),
        Ok(_) => query,
        Err(_) => return Answer::bad("The body is too large").into_response(),
    };
    let text = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok());
    let asked = Asked {
        path,
        form,
        // Stripe honours keys on POST alone.
        key: text("idempotency-key")
            .filter(|_| parts.method == Method::POST)
            .map(ToOwned::to_owned),
        shape: text("stripe-version").map(Shape::of_version).unwrap_or_default(),
        method: parts.method,
    };
    match mood {
        Mood::RateLimited => Answer::rate_limited().into_response(),
        Mood::ServerError => Answer::failed().into_response(),
        Mood::Conflict => Answer::key_in_use().into_response(),
        Mood::Down => {
            connection.cut();
            Answer::failed().into_response() // goes nowhere
        }
        Mood::Accepts => once(&state, &asked, &pattern, false, None).await.into_response(),
        Mood::Breaks => once(&state, &asked, &pattern, true, None).await.into_response(),
        Mood::Slow => {
            let delay = spell.delay.unwrap_or(state.options.slow_delay);
            once(&state, &asked, &pattern, false, Some(delay)).await.into_response()
        }
        Mood::LosesReply => {
            let answer = once(&state, &asked, &pattern, false, None).await;
            connection.cut();
            answer.into_response()
        }
    }
}

/// Does it, unless its key says that it was done. A slow one is done at once, and its key is in use until it is answered.
async fn once(
    state: &State,
    asked: &Asked,
    pattern: &str,
    breaks: bool,
    delay: Option<std::time::Duration>,
) -> Answer {
    let request =
        format!("{} {}\n{}", asked.method, asked.path, String::from_utf8_lossy(&asked.form));
    if let Some(key) = &asked.key {
        let begun = state.change(|memory| {
            let now = memory.now();
            memory.keys.begin(key, &request, now)
        });
        match begun {
            Ok(None) => {}
            Ok(Some(answer)) | Err(answer) => return answer,
        }
    }
    let answer = state.change(|memory| {
        if breaks {
            return Answer::failed();
        }
        let shape = memory.shape.unwrap_or(asked.shape);
        let form = Form::read(&asked.form);
        match route::run(memory, &asked.method, &segments(&asked.path), form, shape) {
            Ok(written) => {
                if asked.method != Method::GET {
                    memory.paths.effect(pattern);
                }
                Answer::of(written)
            }
            Err(refused) => refused,
        }
    });
    if let Some(delay) = delay {
        // The delay, or the end of the sandbox, whichever comes first.
        let _ = timeout(delay, state.stop.cancelled()).await;
    }
    if let Some(key) = &asked.key {
        state.change(|memory| memory.keys.end(key, &answer));
    }
    answer
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// The key, as a bearer token or as the user of Basic credentials.
fn is_ours(state: &State, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    given.and_then(|it| it.strip_prefix("Bearer "))
        == Some(state.options.secret_key.expose_secret())
}
