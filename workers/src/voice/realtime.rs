//! A model that listens and speaks by itself: OpenAI's Realtime API.

use clients::openai::realtime::{
    Broken, ClientEvent, DialError, Item, Realtime, Receiver, ResponseStatus, Role, Sender,
    ServerEvent, Session, Tool, TurnDetection,
};
use domain::voice::{Speaker, Spoken};
use futures::{FutureExt, future::BoxFuture};
use serde_json::value::RawValue;

use super::speech::{
    Conversation, Ear, Mouthpiece, Opening, Speech, SpeechEvent, SpeechFailed, Tell,
};

/// Writes down what the caller says.
const TRANSCRIBER: &str = "gpt-4o-mini-transcribe";

/// A minute of speech.
const ANSWER_TOKENS_MAX: u32 = 1200;

/// Turns that a new conversation is told of; what is older rarely matters and costs with every answer.
const HISTORY_MAX: usize = 60;

/// The model.
pub(super) struct Model {
    pub(super) realtime: Realtime,
    /// One of its voices.
    pub(super) voice: String,
}

impl Speech for Model {
    fn begin(&self, opening: Opening) -> BoxFuture<'_, Result<Conversation, SpeechFailed>> {
        async move {
            let (sender, receiver) = self.realtime.dial().await.map_err(|error| of_dial(&error))?;
            let mut mouth = Mouth { sender, text: String::new() };
            let session = self.session(&opening);
            mouth.send(&ClientEvent::Update(&session)).await?;
            let old = opening.spoken.len().saturating_sub(HISTORY_MAX);
            for said in &opening.spoken[old..] {
                mouth.send(&ClientEvent::Add(item(said))).await?;
            }
            Ok(Conversation { mouthpiece: Box::new(mouth), ear: Box::new(Hearing(receiver)) })
        }
        .boxed()
    }
}

impl Model {
    fn session(&self, opening: &Opening) -> Session {
        let tools = opening.tools.iter().filter_map(|tool| {
            Some(Tool {
                name: tool.name.to_owned(),
                description: tool.description.to_owned(),
                // A test sees to it that they are JSON.
                parameters: RawValue::from_string(tool.parameters.clone()).ok()?,
            })
        });
        Session {
            instructions: opening.instructions.clone(),
            voice: self.voice.clone(),
            tools: tools.collect(),
            turn_detection: TurnDetection::default(),
            transcription_model: Some(TRANSCRIBER.to_owned()),
            language: None,
            output_tokens_max: ANSWER_TOKENS_MAX,
        }
    }
}

/// What was said, for a conversation that was not there.
fn item(said: &Spoken) -> Item<'_> {
    let role = match said.who {
        Speaker::Caller => Role::User,
        Speaker::Assistant => Role::Assistant,
        Speaker::Tool => Role::System,
    };
    Item::Message { role, text: &said.text }
}

struct Mouth {
    sender: Sender,
    text: String,
}

impl Mouth {
    async fn send(&mut self, event: &ClientEvent<'_>) -> Result<(), SpeechFailed> {
        event.write(&mut self.text);
        self.sender.send(&self.text).await.map_err(|_| SpeechFailed::Unreachable)
    }
}

impl Mouthpiece for Mouth {
    fn tell<'a>(&'a mut self, tell: &'a Tell) -> BoxFuture<'a, Result<(), SpeechFailed>> {
        async move {
            let event = match tell {
                Tell::Audio(audio) => ClientEvent::Append(audio),
                Tell::Note { by_caller, text } => {
                    let role = if *by_caller { Role::User } else { Role::System };
                    ClientEvent::Add(Item::Message { role, text })
                }
                Tell::Answer { id, text } => {
                    ClientEvent::Add(Item::FunctionOutput { call_id: id, output: text })
                }
                Tell::Speak(instructions) => ClientEvent::Respond { instructions: *instructions },
                Tell::Heard { item, ms } => {
                    ClientEvent::Truncate { item_id: item, audio_end_ms: *ms }
                }
            };
            self.send(&event).await
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async move {
            self.sender.close().await.ok();
        }
        .boxed()
    }
}

struct Hearing(Receiver);

impl Ear for Hearing {
    fn next(&mut self) -> BoxFuture<'_, Result<SpeechEvent, SpeechFailed>> {
        async move {
            let text = match self.0.next().await {
                Ok(Some(text)) => text,
                // A good-bye that we did not say: the model restarts, or the hour is over.
                Ok(None) | Err(Broken::Lost) => return Err(SpeechFailed::Unreachable),
                Err(Broken::TooLarge | Broken::Protocol) => return Err(SpeechFailed::Refused),
            };
            Ok(ServerEvent::read(&text).map_or(SpeechEvent::Other, of))
        }
        .boxed()
    }
}

/// What an event is to a call.
fn of(event: ServerEvent<'_>) -> SpeechEvent {
    match event {
        ServerEvent::AudioDelta(delta) => {
            SpeechEvent::Audio { item: delta.item_id.into_owned(), audio: delta.audio.into_owned() }
        }
        ServerEvent::TranscriptDelta(delta) => SpeechEvent::Words {
            item: delta.item_id.into_owned(),
            text: delta.words.0.into_owned(),
        },
        ServerEvent::AudioDone { item_id, .. } => {
            SpeechEvent::Spoken { item: item_id.into_owned() }
        }
        ServerEvent::SpeechStarted { .. } => SpeechEvent::CallerSpeaks,
        ServerEvent::SpeechStopped { .. } => SpeechEvent::CallerStopped,
        ServerEvent::InputTranscript { transcript, .. } => {
            SpeechEvent::CallerSaid { text: transcript.0.into_owned() }
        }
        ServerEvent::ResponseCreated { .. } => SpeechEvent::Begins,
        ServerEvent::ResponseDone(done) => {
            SpeechEvent::Complete { is_well: !matches!(done.status, ResponseStatus::Failed { .. }) }
        }
        ServerEvent::FunctionCall(call) => {
            SpeechEvent::Asks { id: call.call_id, name: call.name, arguments: call.arguments }
        }
        ServerEvent::Error(error) => {
            tracing::warn!(
                kind = error.kind,
                code = error.code,
                "the speech service reports an error"
            );
            SpeechEvent::Other
        }
        ServerEvent::SessionCreated { .. }
        | ServerEvent::SessionUpdated
        | ServerEvent::InputCommitted { .. }
        | ServerEvent::InputCleared
        | ServerEvent::IdleTimeout
        | ServerEvent::InputTranscriptFailed { .. }
        | ServerEvent::ItemTruncated { .. }
        | ServerEvent::TranscriptDone(_)
        | ServerEvent::OutputItem
        | ServerEvent::RateLimits(_)
        | ServerEvent::Unknown(_) => SpeechEvent::Other,
    }
}

/// What is worth another try.
fn of_dial(error: &DialError) -> SpeechFailed {
    match error {
        DialError::Unreachable(_)
        | DialError::TimedOut
        | DialError::RateLimited
        | DialError::ServerError { .. } => SpeechFailed::Unreachable,
        DialError::Rejected { status } => {
            tracing::error!(status, "the speech service does not take our key or model");
            SpeechFailed::Refused
        }
    }
}
