//! The memory behind its lock, which is never held across an await.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{memory::Memory, mood::Mood, options::Options};
use crate::spell::Spell;

/// Shared by everything that runs for one sandbox.
pub(super) struct State {
    pub(super) options: Options,
    /// Ends what waits.
    pub(super) stop: CancellationToken,
    memory: Mutex<Memory>,
    /// Where events are posted.
    endpoint: Mutex<Option<Url>>,
    /// Rises with every change, for those who wait for one.
    changes: watch::Sender<u64>,
}

impl State {
    pub(super) fn new(options: Options, stop: CancellationToken) -> Arc<Self> {
        let random = match options.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_rng(&mut rand::rng()),
        };
        let memory = Mutex::new(Memory::empty(is_live(&options), random));
        let endpoint = Mutex::new(options.webhook_url.clone());
        let changes = watch::Sender::new(0);
        Arc::new(Self { options, stop, memory, endpoint, changes })
    }

    /// Counts a request and says how to treat it, and how long a slow one is held back.
    pub(super) fn arrive(&self, path: &str, method: &str, writes: bool) -> (Mood, Spell<Mood>) {
        self.change(|memory| {
            memory.paths.request(path, method);
            let coin = memory.random.random();
            let spell = memory.spell;
            (memory.spell.treat(writes, coin), spell)
        })
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.memory.lock())
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        let outcome = act(&mut self.memory.lock());
        self.changed();
        outcome
    }

    pub(super) fn endpoint(&self) -> Option<Url> {
        self.endpoint.lock().clone()
    }

    pub(super) fn set_endpoint(&self, url: Option<Url>) {
        *self.endpoint.lock() = url;
        self.changed();
    }

    /// Forgets everything but whose account it is.
    pub(super) fn reset(&self) {
        self.change(|memory| {
            let random = memory.random.fork();
            *memory = Memory::empty(is_live(&self.options), random);
        });
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

fn is_live(options: &Options) -> bool {
    options.secret_key.expose_secret().starts_with("sk_live_")
}
