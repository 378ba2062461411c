//! What it tells, in OpenAI's shape ("Server events").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::RngExt;
use serde_json::{Value, json};

/// An id such as OpenAI's.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{:021x}", rand::rng().random::<u128>() >> 44)
}

/// An event with an id of its own.
pub(super) fn event(kind: &str, mut fields: Value) -> String {
    fields["type"] = json!(kind);
    fields["event_id"] = json!(id("event"));
    fields.to_string()
}

/// An error that does not end the session.
pub(super) fn error(code: &str, message: &str, param: Option<&str>, cause: Option<&str>) -> String {
    let error = json!({
        "type": "invalid_request_error", "code": code, "message": message, "param": param,
        "event_id": cause,
    });
    event("error", json!({ "error": error }))
}

/// Where in an answer something belongs.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) response_id: String,
    pub(super) item_id: String,
}

impl Place {
    /// An event about the answer's one part.
    pub(super) fn event(&self, kind: &str, fields: Value) -> String {
        let mut all = json!({
            "response_id": self.response_id, "item_id": self.item_id, "output_index": 0,
            "content_index": 0,
        });
        join(&mut all, fields);
        event(kind, all)
    }

    /// An event about the answer's one item.
    pub(super) fn item_event(&self, kind: &str, item: &Value) -> String {
        event(kind, json!({ "response_id": self.response_id, "output_index": 0, "item": item }))
    }

    pub(super) fn audio_delta(&self, audio: &[u8]) -> String {
        self.event("response.output_audio.delta", json!({ "delta": STANDARD.encode(audio) }))
    }
}

fn join(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Something that somebody said, as audio.
pub(super) fn message(id: &str, role: &str, status: &str, words: Option<&str>) -> Value {
    let kind = if role == "user" { "input_audio" } else { "output_audio" };
    let content = match (role, words) {
        ("assistant", None) => json!([]),
        _ => json!([{ "type": kind, "transcript": words }]),
    };
    json!({
        "id": id, "object": "realtime.item", "type": "message", "status": status, "role": role,
        "content": content,
    })
}

/// A call of a tool.
pub(super) fn call(id: &str, call_id: &str, status: &str, name: &str, arguments: &str) -> Value {
    json!({
        "id": id, "object": "realtime.item", "type": "function_call", "status": status,
        "call_id": call_id, "name": name, "arguments": arguments,
    })
}

/// An answer as a whole.
pub(super) fn response(
    id: &str,
    status: &str,
    details: &Value,
    output: &[Value],
    usage: &Value,
) -> Value {
    json!({
        "id": id, "object": "realtime.response", "status": status, "status_details": details,
        "output": output, "output_modalities": ["audio"], "max_output_tokens": "inf",
        "conversation_id": "conv_sandbox",
        "audio": { "output": { "format": { "type": "audio/pcmu" }, "voice": "alloy" } },
        "usage": usage, "metadata": null,
    })
}

/// What an answer cost: a token for 100 ms that were heard, one for 50 ms that were said.
pub(super) fn usage(heard_ms: u64, said_ms: u64) -> Value {
    let (input, output) = (heard_ms / 100, said_ms / 50);
    json!({
        "total_tokens": input + output, "input_tokens": input, "output_tokens": output,
        "input_token_details": { "text_tokens": 0, "audio_tokens": input, "cached_tokens": 0, "image_tokens": 0,
            "cached_tokens_details": { "text_tokens": 0, "audio_tokens": 0, "image_tokens": 0 } },
        "output_token_details": { "text_tokens": 0, "audio_tokens": output },
    })
}

/// What is left of the account's limits.
pub(super) fn rate_limits() -> String {
    let limit = |name, limit: u64| json!({ "name": name, "limit": limit, "remaining": limit - 1, "reset_seconds": 0.5 });
    event(
        "rate_limits.updated",
        json!({ "rate_limits": [limit("requests", 1_000), limit("tokens", 400_000)] }),
    )
}
