//! The memory. One lock, never held across an await.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rand::RngExt;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    chat::Completion,
    realtime::{Pace, RealtimeSpell, Records},
};
use crate::{speech::CHARS_PER_SEC, spell::Spell, traffic::Paths, twilio::Mood};

/// Questions that are remembered.
const COMPLETIONS_MAX: usize = 10_000;

/// Delays that are kept until somebody takes them: a hundred calls for three minutes.
const DELAYS_MAX: usize = 1_000_000;

/// How the sandbox is set up. [`Options::new`] fills in the rest.
#[derive(Clone)]
pub struct Options {
    /// The key that callers have to show.
    pub api_key: SecretString,
    /// How long [`Mood::Slow`] holds an answer back, where a spell does not say.
    pub slow_delay: Duration,
    /// From the end of what a caller says to the first audio of an answer.
    pub think: Duration,
    /// From one part of an answer, of 100 ms, to the next: the model is faster than it can be heard.
    pub delta_every: Duration,
    /// How fast the model speaks.
    pub chars_per_sec: u32,
}

impl Options {
    /// A key.
    pub fn new(api_key: impl Into<SecretString>) -> Self {
        Self {
            api_key: api_key.into(),
            slow_delay: Duration::from_secs(2),
            think: Duration::from_millis(300),
            delta_every: Duration::from_millis(10),
            chars_per_sec: CHARS_PER_SEC,
        }
    }

    pub(super) fn pace(&self) -> Pace {
        let Self { think, delta_every, chars_per_sec, .. } = *self;
        Pace { think, delta_every, chars_per_sec }
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
    /// Rises with every change in a conversation by speech, for those who wait for one.
    changes: watch::Sender<u64>,
    /// Rises when all conversations by speech are to end.
    ends: watch::Sender<u64>,
    /// For each frame from a caller: how long after it left the phone it came, in microseconds.
    delays: Mutex<Vec<u64>>,
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) spell: Spell<Mood>,
    pub(super) paths: Paths,
    /// Newest first.
    pub(super) completions: VecDeque<Completion>,
    /// Said instead of repeating the question.
    pub(super) answer: Option<String>,
    pub(super) realtime: Records,
    pub(super) realtime_spell: RealtimeSpell,
}

impl State {
    pub(super) fn new(options: Options, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            options,
            stop,
            memory: Mutex::default(),
            changes: watch::Sender::new(0),
            ends: watch::Sender::new(0),
            delays: Mutex::default(),
        })
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

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn end_conversations(&self) {
        self.ends.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }

    pub(super) fn delayed(&self, micros: impl Iterator<Item = u64>) {
        let mut delays = self.delays.lock();
        let room = DELAYS_MAX.saturating_sub(delays.len());
        delays.extend(micros.take(room));
    }

    pub(super) fn take_delays(&self) -> Vec<u64> {
        std::mem::take(&mut self.delays.lock())
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.memory.lock())
    }
}
