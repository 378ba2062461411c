//! The same control, typed, for the same process.

use std::{fmt, sync::Arc};

use url::Url;

use super::{chat::Completion, state::State};
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
