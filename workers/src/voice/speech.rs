//! The seam behind which somebody listens and speaks. One implementation speaks to a model that does both
//! ([`super::realtime`]); one that is made of recognition, a text model and synthesis would stand beside it.

use clients::audio::Mulaw;
use domain::voice::Spoken;
use futures::future::BoxFuture;
use workflows::voice_session::tools::Tool;

/// What a conversation begins with.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    /// What the assistant is told.
    pub instructions: String,
    /// What the assistant can have done.
    pub tools: Vec<Tool>,
    /// What was said before, in order; empty in a new call.
    pub spoken: Vec<Spoken>,
}

/// Whoever can listen and speak.
pub(super) trait Speech: Send + Sync + 'static {
    /// Begins a conversation.
    fn begin(&self, opening: Opening) -> BoxFuture<'_, Result<Conversation, SpeechFailed>>;
}

/// A conversation: one half is told, the other one tells.
pub(super) struct Conversation {
    /// Is told what the caller says.
    pub mouthpiece: Box<dyn Mouthpiece>,
    /// Tells what to answer.
    pub ear: Box<dyn Ear>,
}

/// Takes what the other side is to know.
pub(super) trait Mouthpiece: Send {
    /// Passes it on; returns when it has left.
    fn tell<'a>(&'a mut self, tell: &'a Tell) -> BoxFuture<'a, Result<(), SpeechFailed>>;

    /// Ends the conversation in order.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

/// Brings what the other side says. Dropping the future loses nothing.
pub(super) trait Ear: Send {
    /// The next event. An end is a failure, too: a conversation is ended by us.
    fn next(&mut self) -> BoxFuture<'_, Result<SpeechEvent, SpeechFailed>>;
}

/// The conversation could not be had, or has broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SpeechFailed {
    /// It could not be reached in time, or broke: another try may succeed.
    #[error("the speech service could not be reached")]
    Unreachable,
    /// It refused: another try will not help.
    #[error("the speech service refused")]
    Refused,
}

/// What the other side is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tell {
    /// What the caller says.
    Audio(Mulaw<'static>),
    /// Something that was not said aloud: keys that were pressed, a remark of ours.
    Note {
        /// Whether the caller did it, or we say so.
        by_caller: bool,
        /// What.
        text: String,
    },
    /// What came of what was asked for.
    Answer {
        /// By which it is known.
        id: String,
        /// What came of it.
        text: String,
    },
    /// Say something now; if given, this.
    Speak(Option<&'static str>),
    /// Of this item only so much was heard.
    Heard {
        /// Which.
        item: String,
        /// So much.
        ms: u64,
    },
}

/// What the other side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SpeechEvent {
    /// Audio for the caller.
    Audio {
        /// Of which item.
        item: String,
        /// The audio.
        audio: Mulaw<'static>,
    },
    /// The words of an item, bit by bit.
    Words {
        /// Of which item.
        item: String,
        /// The next ones.
        text: String,
    },
    /// An item's audio has come to its end.
    Spoken {
        /// Which.
        item: String,
    },
    /// The caller has begun to speak.
    CallerSpeaks,
    /// The caller has stopped speaking.
    CallerStopped,
    /// What the caller said.
    CallerSaid {
        /// As far as it was understood.
        text: String,
    },
    /// The assistant begins to answer.
    Begins,
    /// The answer is complete, played or not.
    Complete {
        /// Whether nothing of it failed on their side.
        is_well: bool,
    },
    /// The assistant wants something done.
    Asks {
        /// By which its answer is known.
        id: String,
        /// Which tool.
        name: String,
        /// JSON, as it came.
        arguments: String,
    },
    /// Nothing for us.
    Other,
}
