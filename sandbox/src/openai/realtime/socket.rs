//! One connection.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use tokio::time::{Instant, sleep_until};

use super::{
    conversation::{Conversation, Out},
    mood::RealtimeMood,
};
use crate::{connection::Cutter, openai::state::State};

/// Where no delay is asked for, a slow answer takes so long.
const SLOW: Duration = Duration::from_secs(5);

/// OpenAI ends a conversation after an hour.
const SESSION_MAX: Duration = Duration::from_hours(1);

/// Speaks with one client until one of the two has had enough.
pub(super) async fn converse(
    mut socket: WebSocket,
    state: Arc<State>,
    model: String,
    cutter: Cutter,
) {
    let mut conversation = Conversation::new(&model, state.options.pace());
    let over = Instant::now() + SESSION_MAX;
    let mut ends = state.ends();
    loop {
        if !send(&mut socket, &mut conversation, &state, &cutter).await {
            break;
        }
        let due = conversation.due();
        tokio::select! {
            () = state.stop.cancelled() => break,
            // Somebody ends all conversations by hand.
            _ = ends.changed() => {
                cutter.cut();
                break;
            }
            () = sleep_until(over) => break,
            () = sleep_until(due.unwrap_or(over)), if due.is_some() => {
                conversation.go_on(Instant::now());
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => hear(&mut conversation, &text, &state),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    conversation.record.open = false;
    state.change(|memory| memory.realtime.put(&conversation.record));
    state.changed();
}

fn hear(conversation: &mut Conversation, text: &str, state: &State) {
    let deaf = state.change(|memory| memory.realtime_spell.mood == RealtimeMood::Deaf);
    let mut delays = Vec::new();
    conversation.obey(text, Instant::now(), deaf, &mut delays, || {
        state.change(|memory| {
            let delay = memory.realtime_spell.delay.unwrap_or(SLOW);
            (memory.realtime_spell.at_an_answer(), delay)
        })
    });
    state.delayed(delays.into_iter());
}

/// Sends what there is to send. Whether the connection goes on.
async fn send(
    socket: &mut WebSocket,
    conversation: &mut Conversation,
    state: &State,
    cutter: &Cutter,
) -> bool {
    if conversation.out.is_empty() {
        return true;
    }
    state.change(|memory| memory.realtime.put(&conversation.record));
    state.changed();
    for out in std::mem::take(&mut conversation.out) {
        let sent = match out {
            Out::Text(text) => socket.send(Message::Text(text.into())).await,
            Out::Close => {
                let _ = socket.send(Message::Close(None)).await;
                return false;
            }
            Out::Cut => {
                cutter.cut();
                return false;
            }
        };
        if sent.is_err() {
            return false;
        }
    }
    true
}
