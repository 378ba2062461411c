//! A question and its answer, in the shape of OpenAI's API ("Create chat completion").

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::State;

/// A question that was answered. Has no `Debug`: it holds what people said.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// The model that was asked for.
    pub model: String,
    /// What was said before, role and text.
    pub messages: Vec<(String, String)>,
    /// What was answered.
    pub answer: String,
}

#[derive(Deserialize)]
struct Asked {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Content,
}

/// A text, or its parts.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
    #[default]
    None,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Content {
    fn text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
            Content::None => String::new(),
        }
    }
}

/// An answer that is no success, in OpenAI's shape.
pub(super) fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    let body =
        json!({ "error": { "message": message, "type": kind, "param": null, "code": null } });
    (status, Json(body)).into_response()
}

pub(super) async fn create(Shared(state): Shared<Arc<State>>, body: Bytes) -> Response {
    let bad = |why: &str| refusal(StatusCode::BAD_REQUEST, "invalid_request_error", why);
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(_) => return bad("we could not parse the JSON body of your request"),
    };
    if asked.messages.is_empty() {
        return bad("[] is too short - 'messages'");
    }
    if asked.stream == Some(true) {
        return bad("this sandbox does not stream");
    }
    let messages: Vec<_> =
        asked.messages.into_iter().map(|it| (it.role, it.content.text())).collect();
    let last = messages.iter().rev().find(|(role, _)| role == "user");
    let echo = last.map_or_else(|| "Hello!".to_owned(), |(_, text)| format!("You said: {text}"));
    let answer = state.change(|memory| memory.answer.clone()).unwrap_or(echo);
    let completion = Completion { model: asked.model, messages, answer };
    let wire = wire(&completion);
    state.keep(completion);
    Json(wire).into_response()
}

fn wire(completion: &Completion) -> Value {
    let words = |text: &str| text.split_whitespace().count();
    let asked: usize = completion.messages.iter().map(|(_, text)| words(text)).sum();
    let answered = words(&completion.answer);
    json!({
        "id": format!("chatcmpl-{:029x}", rand::rng().random::<u128>() >> 12),
        "object": "chat.completion",
        "created": 1_764_547_200,
        "model": completion.model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": completion.answer, "refusal": null, "annotations": [] },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
        "service_tier": "default",
    })
}
