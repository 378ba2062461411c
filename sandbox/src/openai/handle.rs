//! The same control, typed, for the same process.

use std::{fmt, sync::Arc};

use url::Url;

use super::{
    chat::Completion,
    realtime::{RealtimeSession, RealtimeSpell},
    state::State,
};
use crate::{spell::Spell, twilio::Mood};

/// A running sandbox. Cheap to clone; outlives the server harmlessly.
#[derive(Clone)]
pub struct Handle {
    pub(super) state: Arc<State>,
    pub(super) base_url: Url,
}

impl Handle {
    /// Where it listens.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// What `OPENAI_BASE_URL` is set to.
    pub fn api_base(&self) -> String {
        format!("{}/v1", self.base_url.as_str().trim_end_matches('/'))
    }

    /// What a client of the speech model connects to.
    pub fn realtime_url(&self) -> String {
        format!("{}/realtime", self.api_base().replacen("http", "ws", 1))
    }

    /// How conversations by speech go from now on. A [`RealtimeMood`](super::RealtimeMood) alone is a spell without end.
    pub fn set_realtime_mood(&self, spell: impl Into<RealtimeSpell>) {
        self.state.change(|memory| memory.realtime_spell = spell.into());
    }

    /// Conversations by speech, newest first.
    pub fn realtime_sessions(&self) -> Vec<RealtimeSession> {
        self.state.change(|memory| memory.realtime.all())
    }

    /// Cuts every conversation by speech, as a failure of the whole service would.
    pub fn end_conversations(&self) {
        self.state.end_conversations();
    }

    /// For each frame that came from a caller of the Twilio sandbox since this was asked last: how long after it left the phone it
    /// came here, in microseconds.
    pub fn take_delays_micros(&self) -> Vec<u64> {
        self.state.take_delays()
    }

    /// Waits until `look` finds what it looks for; it is asked again after everything that happens in a conversation by speech.
    pub async fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changes = self.state.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return found;
            }
            if changes.changed().await.is_err() {
                // The sender lives in the state that this handle holds.
                std::future::pending::<()>().await;
            }
        }
    }

    /// How requests are treated from now on.
    pub fn set_mood(&self, spell: impl Into<Spell<Mood>>) {
        self.state.change(|memory| memory.spell = spell.into());
    }

    /// What is answered from now on; none to repeat the question.
    pub fn set_answer(&self, answer: Option<&str>) {
        self.state.change(|memory| memory.answer = answer.map(ToOwned::to_owned));
    }

    /// Questions that were answered, newest first.
    pub fn completions(&self) -> Vec<Completion> {
        self.state.change(|memory| memory.completions.iter().cloned().collect())
    }

    /// All API requests that arrived, however they ended.
    pub fn requests_total(&self) -> u64 {
        let paths = self.state.change(|memory| memory.paths.snapshot());
        paths.values().map(|traffic| traffic.requests).sum()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}
