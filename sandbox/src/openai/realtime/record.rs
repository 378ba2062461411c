//! What tests and people want to know afterwards.

use std::{collections::VecDeque, fmt};

use serde::Serialize;
use serde_json::Value;

/// Sessions that are remembered.
const SESSIONS_MAX: usize = 2_000;

/// Things said in one session that are remembered.
const SAID_MAX: usize = 500;

/// One connection's conversation. Has no `Debug` of what was said.
#[derive(Clone, Default, Serialize)]
pub struct RealtimeSession {
    /// `sess_…`.
    pub id: String,
    /// The model that was asked for.
    pub model: String,
    /// What the conversation was set up with.
    pub settings: Value,
    /// What was said, in order, including what was brought in.
    pub said: Vec<Said>,
    /// Audio that came, in milliseconds.
    pub heard_ms: u64,
    /// When the caller began to speak, in nanoseconds since 1970.
    #[serde(skip)]
    pub interrupted_at: Vec<u64>,
    /// Whether the connection is open.
    pub open: bool,
}

/// Something in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The item's id.
    pub item_id: String,
    /// `user`, `assistant`, `system`, `call` or `output`.
    pub by: &'static str,
    /// The words; of an answer that was cut off, those that were heard.
    pub words: String,
    /// How much of it there is, for what is audio.
    pub audio_ms: u64,
    /// Whether it was brought in by the client instead of being said here.
    pub brought: bool,
    /// Whether it was cut off.
    pub truncated: bool,
}

impl RealtimeSession {
    pub(super) fn say(&mut self, said: Said) {
        if self.said.len() < SAID_MAX {
            self.said.push(said);
        }
    }
}

impl fmt::Debug for RealtimeSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealtimeSession")
            .field("id", &self.id)
            .field("said", &self.said.len())
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// All of them, newest first.
#[derive(Default)]
pub(crate) struct Records(VecDeque<RealtimeSession>);

impl Records {
    pub(super) fn put(&mut self, session: &RealtimeSession) {
        if let Some(known) = self.0.iter_mut().find(|known| known.id == session.id) {
            known.clone_from(session);
        } else {
            self.0.push_front(session.clone());
            self.0.truncate(SESSIONS_MAX);
        }
    }

    pub(crate) fn all(&self) -> Vec<RealtimeSession> {
        self.0.iter().cloned().collect()
    }
}
