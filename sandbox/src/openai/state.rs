//! The memory. One lock, never held across an await.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rand::RngExt;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::chat::Completion;
use crate::{spell::Spell, traffic::Paths, twilio::Mood};

/// Questions that are remembered.
const COMPLETIONS_MAX: usize = 10_000;

/// How the sandbox is set up. [`Options::new`] fills in the rest.
#[derive(Clone)]
pub struct Options {
    /// The key that callers have to show.
    pub api_key: SecretString,
    /// How long [`Mood::Slow`] holds an answer back, where a spell does not say.
    pub slow_delay: Duration,
}

impl Options {
    /// A key.
    pub fn new(api_key: impl Into<SecretString>) -> Self {
        Self { api_key: api_key.into(), slow_delay: Duration::from_secs(2) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("slow_delay", &self.slow_delay).finish_non_exhaustive()
    }
}

/// Shared by everything that runs for one sandbox.
pub(super) struct State {
    pub(super) options: Options,
    pub(super) stop: CancellationToken,
    memory: Mutex<Memory>,
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) spell: Spell<Mood>,
    pub(super) paths: Paths,
    /// Newest first.
    pub(super) completions: VecDeque<Completion>,
    /// Said instead of repeating the question.
    pub(super) answer: Option<String>,
}

impl State {
    pub(super) fn new(options: Options, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { options, stop, memory: Mutex::default() })
    }

    /// Counts a request and says how to treat it.
    pub(super) fn arrive(&self, path: &str, method: &str) -> (Mood, Spell<Mood>) {
        let mut memory = self.memory.lock();
        memory.paths.request(path, method);
        let spell = memory.spell;
        (memory.spell.treat(true, rand::rng().random()), spell)
    }

    pub(super) fn keep(&self, completion: Completion) {
        let mut memory = self.memory.lock();
        memory.completions.push_front(completion);
        memory.completions.truncate(COMPLETIONS_MAX);
        memory.paths.effect("/v1/chat/completions");
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.memory.lock())
    }
}
