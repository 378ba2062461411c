//! What is outside: a provider that remembers its deeds, and a plan of what goes wrong at which place, in which order.
//! Shared by all workers of a test; outlives them, as a provider does.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use engine::Failure;
use parking_lot::Mutex;
use tests::{holds, wait_until};
use tokio::sync::Semaphore;

/// Long enough that no retry comes before a test has seen the pause.
const PAUSE: Duration = Duration::from_mins(20);

/// What happens the next time somebody comes to a place.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// Nothing.
    Fine,
    /// Worth another try.
    Retry,
    /// At the earliest after this long.
    RetryAfter(Duration),
    /// For good.
    Permanent,
    /// Free of charge, this much later.
    Snooze(Duration),
    /// The deed is done; the reply is lost.
    Lost,
    /// The deed is not done; nobody can tell.
    LostBefore,
    /// A panic.
    Panic,
    /// It takes until the test opens the place.
    Gate,
    /// A probe's answers.
    NotYet(Duration),
    /// As above.
    CannotTell,
}

/// The outside.
#[derive(Default)]
pub(crate) struct World {
    plans: Mutex<HashMap<String, VecDeque<Plan>>>,
    log: Mutex<Vec<String>>,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// How many are at a place, and the most there ever were.
    inside: Mutex<HashMap<String, (usize, usize)>>,
    /// Deeds that stand, by idempotency key, and how often each was done.
    deeds: Mutex<BTreeMap<String, u32>>,
}

impl World {
    /// From now on, who comes to a place meets these, one after the other; after that nothing.
    pub(crate) fn plan(&self, place: &str, plans: impl IntoIterator<Item = Plan>) {
        self.plans.lock().entry(place.to_owned()).or_default().extend(plans);
    }

    /// Somebody is at a place.
    pub(crate) async fn at(&self, place: &str) -> Plan {
        self.log.lock().push(place.to_owned());
        let plan =
            self.plans.lock().get_mut(place).and_then(VecDeque::pop_front).unwrap_or(Plan::Fine);
        if matches!(plan, Plan::Gate) {
            let _inside = self.enter(place);
            let gate = self.gate(place);
            gate.acquire().await.expect("gates are never taken down").forget();
        }
        plan
    }

    /// Somebody is at a place where nothing is remembered.
    pub(crate) async fn pass(&self, place: &str) -> Result<(), Failure> {
        self.at(place).await.into_result(place)
    }

    fn gate(&self, place: &str) -> Arc<Semaphore> {
        Arc::clone(
            self.gates
                .lock()
                .entry(place.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(0))),
        )
    }

    /// Lets one through.
    pub(crate) fn open(&self, place: &str) {
        self.gate(place).add_permits(1);
    }

    /// Counts somebody for as long as the guard lives: whoever is killed is gone.
    fn enter<'a>(&'a self, place: &'a str) -> Inside<'a> {
        let mut inside = self.inside.lock();
        let (now, most) = inside.entry(place.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Inside { world: self, place }
    }

    /// How many stand before a closed gate.
    pub(crate) fn inside(&self, place: &str) -> usize {
        self.inside.lock().get(place).map_or(0, |(now, _)| *now)
    }

    /// The most that ever stood there at once.
    pub(crate) fn most_inside(&self, place: &str) -> usize {
        self.inside.lock().get(place).map_or(0, |(_, most)| *most)
    }

    /// How often somebody was at a place.
    pub(crate) fn count(&self, place: &str) -> usize {
        self.log.lock().iter().filter(|entry| *entry == place).count()
    }

    /// Waits until somebody has been there this often.
    pub(crate) async fn reached(&self, place: &str, times: usize) {
        wait_until(&format!("{place}, {times} times"), async || holds(self.count(place) >= times))
            .await;
    }

    /// Everything that happened at places that begin so, in order.
    pub(crate) fn story(&self, prefix: &str) -> Vec<String> {
        self.log
            .lock()
            .iter()
            .filter_map(|entry| entry.strip_prefix(prefix))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// A deed is done. A second time under the same key is a second deed: this provider honours no keys.
    pub(crate) fn done(&self, key: &str) {
        *self.deeds.lock().entry(key.to_owned()).or_default() += 1;
    }

    /// A deed is taken back, if it stands.
    pub(crate) fn undone(&self, key: &str) {
        self.deeds.lock().remove(key);
    }

    /// Whether a deed stands.
    pub(crate) fn stands(&self, key: &str) -> bool {
        self.deeds.lock().contains_key(key)
    }

    /// How many deeds stand, those done twice counted twice.
    pub(crate) fn deeds(&self) -> u32 {
        self.deeds.lock().values().sum()
    }
}

/// Somebody before a closed gate.
struct Inside<'a> {
    world: &'a World,
    place: &'a str,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if let Some((now, _)) = self.world.inside.lock().get_mut(self.place) {
            *now -= 1;
        }
    }
}

impl Plan {
    /// As the code at a place sees it.
    pub(crate) fn into_result(self, place: &str) -> Result<(), Failure> {
        match self {
            Plan::Fine | Plan::Gate | Plan::NotYet(_) | Plan::CannotTell => Ok(()),
            Plan::Retry => Err(Failure::retry_after(PAUSE, format!("{place} is busy"))),
            Plan::RetryAfter(after) => Err(Failure::retry_after(after, format!("{place} is busy"))),
            Plan::Permanent => Err(Failure::permanent(format!("{place} is closed"))),
            Plan::Snooze(after) => Err(Failure::snooze(after, format!("{place} opens later"))),
            Plan::Lost | Plan::LostBefore => {
                Err(Failure::unknown(format!("{place} gave no answer")))
            }
            Plan::Panic => panic!("{place} exploded"),
        }
    }
}
