//! How events stand in JSON. One flat structure for all of them, read in one pass without a tree; what is deeper is read only
//! where it is wanted.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::EVENT_BYTES_MAX;
use crate::{audio::BadAudio, borrowed::Str};

/// An event that is none. Shows nothing of what it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Longer than any event is.
    #[error("an event of more than {EVENT_BYTES_MAX} bytes")]
    TooLarge,
    /// No JSON, or not of the shape that its type has.
    #[error("an event that cannot be read")]
    Malformed,
    /// A field that its type has is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Its audio is no base64.
    #[error(transparent)]
    Audio(#[from] BadAudio),
}

/// Any event from the model.
#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) response_id: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) item_id: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) delta: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) transcript: Option<Str<'a>>,
    #[serde(default)]
    pub(super) audio_start_ms: Option<u64>,
    #[serde(default)]
    pub(super) audio_end_ms: Option<u64>,
    #[serde(borrow, default)]
    pub(super) session: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) rate_limits: Option<&'a RawValue>,
}

/// The types that are read; of any other its name is all that is known.
const KNOWN: [&str; 20] = [
    "session.created",
    "session.updated",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.timeout_triggered",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "response.created",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
    "error",
];

impl<'a> Wire<'a> {
    /// Reads an event. `Err(Ok(type))` is one of an unknown type, whatever it holds.
    pub(super) fn read(text: &'a str) -> Result<Self, Result<Cow<'a, str>, BadEvent>> {
        if text.len() > EVENT_BYTES_MAX {
            return Err(Err(BadEvent::TooLarge));
        }
        match serde_json::from_str::<Self>(text) {
            Ok(wire) if KNOWN.contains(&&*wire.kind) => Ok(wire),
            Ok(wire) => Err(Ok(wire.kind)),
            // A new type may use a known name for something else.
            Err(_) => match serde_json::from_str::<KindOnly<'a>>(text) {
                Ok(it) if !KNOWN.contains(&&*it.kind) => Err(Ok(it.kind)),
                _ => Err(Err(BadEvent::Malformed)),
            },
        }
    }
}

/// Reads what stands deeper.
pub(super) fn deeper<'a, T: Deserialize<'a>>(
    field: Option<&'a RawValue>,
    name: &'static str,
) -> Result<T, BadEvent> {
    let raw = field.ok_or(BadEvent::Missing(name))?;
    serde_json::from_str(raw.get()).map_err(|_| BadEvent::Malformed)
}

#[derive(Deserialize)]
struct KindOnly<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireSession {
    #[serde(default)]
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireItem {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) call_id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireResponse {
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) status_details: Option<WireDetails>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct WireDetails {
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) error: Option<WireError>,
}

#[derive(Deserialize, Default)]
pub(super) struct WireUsage {
    #[serde(default)]
    pub(super) input_tokens: u64,
    #[serde(default)]
    pub(super) output_tokens: u64,
    #[serde(default)]
    pub(super) input_token_details: Option<WireTokens>,
    #[serde(default)]
    pub(super) output_token_details: Option<WireTokens>,
}

#[derive(Deserialize, Default)]
pub(super) struct WireTokens {
    #[serde(default)]
    pub(super) audio_tokens: Option<u64>,
    #[serde(default)]
    pub(super) cached_tokens: Option<u64>,
}

/// The part of an error that is safe to keep: its `message` may quote what was said.
#[derive(Deserialize)]
pub(super) struct WireError {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) param: Option<String>,
    #[serde(default)]
    pub(super) event_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireLimit {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) limit: u64,
    #[serde(default)]
    pub(super) remaining: u64,
    #[serde(default)]
    pub(super) reset_seconds: f64,
}
