//! Who comes in.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{ConnectInfo, Query, State as Shared, WebSocketUpgrade},
    http::StatusCode,
    response::Response,
};

use super::{mood::RealtimeMood, socket};
use crate::{
    connection::Cutter,
    openai::{chat::refusal, state::State},
};

/// The longest message that is read, in bytes.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// `GET /v1/realtime?model=…`. The key was checked before.
pub(crate) async fn open(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(model) = query.get("model").filter(|model| !model.is_empty()).cloned() else {
        let why = "you must provide a model parameter";
        return refusal(StatusCode::BAD_REQUEST, "invalid_request_error", why);
    };
    match state.change(|memory| memory.realtime_spell.at_the_door()) {
        RealtimeMood::Refuses => {
            let why = "The server is overloaded";
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "server_error", why);
        }
        RealtimeMood::Hangs => {
            state.stop.cancelled().await;
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "server_error", "stopped");
        }
        RealtimeMood::Well
        | RealtimeMood::Slow
        | RealtimeMood::Dies
        | RealtimeMood::Chatters
        | RealtimeMood::Errs
        | RealtimeMood::Fails
        | RealtimeMood::Garbles
        | RealtimeMood::Floods
        | RealtimeMood::Deaf
        | RealtimeMood::Expires => {}
    }
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| socket::converse(socket, state, model, cutter))
}
