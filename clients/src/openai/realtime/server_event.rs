//! What the model tells us.

use std::{borrow::Cow, fmt, time::Duration};

use super::wire::{
    BadEvent, Wire, WireError, WireItem, WireLimit, WireResponse, WireSession, deeper,
};
use crate::audio::Mulaw;

/// One event from the model. `Debug` shows no words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// The conversation exists.
    SessionCreated {
        /// Its id, `sess_…`; empty where none is told.
        session_id: String,
    },
    /// What was asked for by `session.update` holds.
    SessionUpdated,
    /// The caller begins to speak: if an answer is being heard, it is over.
    SpeechStarted {
        /// What will hold what the caller says.
        item_id: Cow<'a, str>,
        /// Milliseconds of audio since the conversation began.
        audio_start_ms: u64,
    },
    /// The caller has finished.
    SpeechStopped {
        /// What will hold what the caller said.
        item_id: Cow<'a, str>,
        /// Milliseconds of audio since the conversation began.
        audio_end_ms: u64,
    },
    /// What the caller said is part of the conversation.
    InputCommitted {
        /// What holds it.
        item_id: Cow<'a, str>,
    },
    /// What the caller had not finished is forgotten.
    InputCleared,
    /// Nobody has spoken for `idle_timeout_ms`.
    IdleTimeout,
    /// What the caller said, in words.
    InputTranscript {
        /// What holds it.
        item_id: Cow<'a, str>,
        /// The words.
        transcript: Words<'a>,
    },
    /// What the caller said could not be written down.
    InputTranscriptFailed {
        /// What holds it.
        item_id: Cow<'a, str>,
    },
    /// The rest of an answer is as if it had never been said.
    ItemTruncated {
        /// What holds the answer.
        item_id: Cow<'a, str>,
        /// How much was heard.
        audio_end_ms: u64,
    },
    /// An answer begins.
    ResponseCreated {
        /// `resp_…`.
        response_id: String,
    },
    /// A part of an answer, as audio. The model makes it faster than it can be heard.
    AudioDelta(AudioDelta<'a>),
    /// All of an answer's audio has come.
    AudioDone {
        /// The answer.
        response_id: Cow<'a, str>,
        /// What holds it.
        item_id: Cow<'a, str>,
    },
    /// A part of an answer, in words.
    TranscriptDelta(TranscriptDelta<'a>),
    /// All of an answer's words; whether they are heard is another matter.
    TranscriptDone(TranscriptDelta<'a>),
    /// The model calls a tool.
    FunctionCall(FunctionCall),
    /// Something else of an answer begins or ends.
    OutputItem,
    /// An answer is over.
    ResponseDone(Box<ResponseDone>),
    /// What is left of the account's limits.
    RateLimits(Vec<RateLimit>),
    /// Something went wrong. Mostly the conversation goes on.
    Error(ApiError),
    /// A type that this version does not know or does not need, by its name.
    Unknown(Cow<'a, str>),
}

/// What somebody said. `Debug` shows its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Words<'a>(pub Cow<'a, str>);

/// A part of an answer, as audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioDelta<'a> {
    /// The answer.
    pub response_id: Cow<'a, str>,
    /// What holds it.
    pub item_id: Cow<'a, str>,
    /// The audio.
    pub audio: Mulaw<'a>,
}

/// A part of an answer, or all of it, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptDelta<'a> {
    /// The answer.
    pub response_id: Cow<'a, str>,
    /// What holds it.
    pub item_id: Cow<'a, str>,
    /// The words.
    pub words: Words<'a>,
}

/// The model calls a tool. `Debug` does not show the arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct FunctionCall {
    /// The answer of which it is a part.
    pub response_id: String,
    /// What holds it; may be empty.
    pub item_id: String,
    /// What the tool's answer refers to.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// As the model wrote them: usually a JSON object.
    pub arguments: String,
}

/// An answer is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseDone {
    /// `resp_…`.
    pub response_id: String,
    /// How it ended.
    pub status: ResponseStatus,
    /// What it cost, where it is told.
    pub usage: Option<Usage>,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseStatus {
    /// It was made to its end.
    Completed,
    /// The caller spoke (`true`), or we have ended it.
    Cancelled {
        /// Whether the caller spoke.
        by_turn: bool,
    },
    /// It was too long, or was stopped by a filter.
    Incomplete,
    /// It could not be made.
    Failed {
        /// OpenAI's word for why, such as `rate_limit_exceeded`.
        code: Option<String>,
    },
}

/// What an answer cost, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All that was read.
    pub input_tokens: u64,
    /// Of these, audio.
    pub input_audio_tokens: u64,
    /// Of these, known from before.
    pub cached_tokens: u64,
    /// All that was made.
    pub output_tokens: u64,
    /// Of these, audio.
    pub output_audio_tokens: u64,
}

/// What is left of one of the account's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// `requests` or `tokens`.
    pub name: String,
    /// How many there are.
    pub limit: u64,
    /// How many are left.
    pub remaining: u64,
    /// When there are all again.
    pub reset_after: Duration,
}

/// Something went wrong, in OpenAI's words, but not in its sentences: they may quote what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// `invalid_request_error`, `server_error`, …
    pub kind: String,
    /// `session_expired`, `rate_limit_exceeded`, …
    pub code: Option<String>,
    /// Which field of ours.
    pub param: Option<String>,
    /// Which event of ours.
    pub event_id: Option<String>,
}

impl<'a> ServerEvent<'a> {
    /// Reads one event.
    pub fn read(text: &'a str) -> Result<Self, BadEvent> {
        let wire = match Wire::read(text) {
            Ok(wire) => wire,
            Err(Ok(kind)) => return Ok(Self::Unknown(kind)),
            Err(Err(bad)) => return Err(bad),
        };
        let response_id = wire.response_id.map(|it| it.0).ok_or(BadEvent::Missing("response_id"));
        let item_id = wire.item_id.map(|it| it.0).ok_or(BadEvent::Missing("item_id"));
        let delta = wire.delta.map(|it| it.0).ok_or(BadEvent::Missing("delta"));
        let transcript =
            wire.transcript.map(|it| Words(it.0)).ok_or(BadEvent::Missing("transcript"));
        let end = wire.audio_end_ms.ok_or(BadEvent::Missing("audio_end_ms"));
        Ok(match &*wire.kind {
            "response.output_audio.delta" => Self::AudioDelta(AudioDelta {
                response_id: response_id?,
                item_id: item_id?,
                audio: Mulaw::read(delta?)?,
            }),
            "response.output_audio.done" => {
                Self::AudioDone { response_id: response_id?, item_id: item_id? }
            }
            "response.output_audio_transcript.delta" => Self::TranscriptDelta(TranscriptDelta {
                response_id: response_id?,
                item_id: item_id?,
                words: Words(delta?),
            }),
            "response.output_audio_transcript.done" => Self::TranscriptDone(TranscriptDelta {
                response_id: response_id?,
                item_id: item_id?,
                words: transcript?,
            }),
            "input_audio_buffer.speech_started" => {
                let start = wire.audio_start_ms.ok_or(BadEvent::Missing("audio_start_ms"))?;
                Self::SpeechStarted { item_id: item_id?, audio_start_ms: start }
            }
            "input_audio_buffer.speech_stopped" => {
                Self::SpeechStopped { item_id: item_id?, audio_end_ms: end? }
            }
            "input_audio_buffer.committed" => Self::InputCommitted { item_id: item_id? },
            "input_audio_buffer.cleared" => Self::InputCleared,
            "input_audio_buffer.timeout_triggered" => Self::IdleTimeout,
            "conversation.item.truncated" => {
                Self::ItemTruncated { item_id: item_id?, audio_end_ms: end? }
            }
            "conversation.item.input_audio_transcription.completed" => {
                Self::InputTranscript { item_id: item_id?, transcript: transcript? }
            }
            "conversation.item.input_audio_transcription.failed" => {
                Self::InputTranscriptFailed { item_id: item_id? }
            }
            "response.output_item.added" => Self::OutputItem,
            "response.output_item.done" => output(deeper(wire.item, "item")?, &response_id?)?,
            "response.created" => {
                let response: WireResponse = deeper(wire.response, "response")?;
                Self::ResponseCreated { response_id: response.id }
            }
            "response.done" => {
                let response: WireResponse = deeper(wire.response, "response")?;
                Self::ResponseDone(Box::new(response.into()))
            }
            "rate_limits.updated" => {
                let limits: Vec<WireLimit> = deeper(wire.rate_limits, "rate_limits")?;
                Self::RateLimits(limits.into_iter().map(RateLimit::from).collect())
            }
            "session.created" => {
                let session: WireSession = deeper(wire.session, "session")?;
                Self::SessionCreated { session_id: session.id.unwrap_or_default() }
            }
            "session.updated" => Self::SessionUpdated,
            _ => Self::Error(deeper::<WireError>(wire.error, "error")?.into()),
        })
    }
}

/// A finished part of an answer. Arguments of a call that was broken off are no arguments.
fn output<'a>(item: WireItem, response_id: &str) -> Result<ServerEvent<'a>, BadEvent> {
    if item.kind != "function_call" || item.status.is_some_and(|it| it != "completed") {
        return Ok(ServerEvent::OutputItem);
    }
    Ok(ServerEvent::FunctionCall(FunctionCall {
        response_id: response_id.to_owned(),
        item_id: item.id.unwrap_or_default(),
        call_id: item.call_id.ok_or(BadEvent::Missing("call_id"))?,
        name: item.name.ok_or(BadEvent::Missing("name"))?,
        arguments: item.arguments.unwrap_or_default(),
    }))
}

impl From<WireResponse> for ResponseDone {
    fn from(wire: WireResponse) -> Self {
        let (reason, error) =
            wire.status_details.map_or((None, None), |it| (it.reason, it.error.map(|it| it.code)));
        let status = match wire.status.as_deref() {
            Some("completed") => ResponseStatus::Completed,
            Some("cancelled") => {
                ResponseStatus::Cancelled { by_turn: reason.as_deref() == Some("turn_detected") }
            }
            Some("incomplete") => ResponseStatus::Incomplete,
            _ => ResponseStatus::Failed { code: error.flatten() },
        };
        let usage = wire.usage.map(|usage| {
            let input = usage.input_token_details.unwrap_or_default();
            let output = usage.output_token_details.unwrap_or_default();
            Usage {
                input_tokens: usage.input_tokens,
                input_audio_tokens: input.audio_tokens.unwrap_or_default(),
                cached_tokens: input.cached_tokens.unwrap_or_default(),
                output_tokens: usage.output_tokens,
                output_audio_tokens: output.audio_tokens.unwrap_or_default(),
            }
        });
        Self { response_id: wire.id, status, usage }
    }
}

impl From<WireLimit> for RateLimit {
    fn from(wire: WireLimit) -> Self {
        let reset_after = Duration::try_from_secs_f64(wire.reset_seconds).unwrap_or_default();
        Self { name: wire.name, limit: wire.limit, remaining: wire.remaining, reset_after }
    }
}

impl From<WireError> for ApiError {
    fn from(wire: WireError) -> Self {
        let WireError { kind, code, param, event_id } = wire;
        Self { kind: kind.unwrap_or_default(), code, param, event_id }
    }
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({} bytes)", self.0.len())
    }
}

impl fmt::Debug for FunctionCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionCall")
            .field("call_id", &self.call_id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
