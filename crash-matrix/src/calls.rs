//! What the outside was asked for, by idempotency key: outlives every worker, as a provider does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use engine::{EffectCall, JobId};
use parking_lot::Mutex;

/// A provider's memory, for the clients of a test. Clones are the same.
///
/// The effect says what its provider does: one that honours keys calls [`Calls::once`] and may be asked again; one that
/// does not calls [`Calls::again`], and then a deed that is done twice under one key is a violation.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    deeds: BTreeMap<String, Deed>,
    /// Of everything that happens here.
    clock: u64,
}

/// What became of one key.
#[derive(Debug, Clone)]
struct Deed {
    job: JobId,
    /// So often it stands.
    stands: u32,
    /// When it was first taken back.
    undone: Option<u64>,
    /// When it was first done.
    done: u64,
}

impl Calls {
    /// A provider that has not been asked for anything.
    pub fn new() -> Calls {
        Calls::default()
    }

    /// The deed is done, unless it was done under this key before. Gives how often it stands: once.
    pub fn once(&self, call: &EffectCall) -> u32 {
        self.record(call, |deed| deed.stands = 1)
    }

    /// The deed is done once more. Gives how often it stands now.
    pub fn again(&self, call: &EffectCall) -> u32 {
        self.record(call, |deed| deed.stands += 1)
    }

    fn record(&self, call: &EffectCall, change: impl FnOnce(&mut Deed)) -> u32 {
        let mut inner = self.0.lock();
        inner.clock += 1;
        let done = inner.clock;
        let deed = inner.deeds.entry(call.key.clone()).or_insert(Deed {
            job: call.job,
            stands: 0,
            undone: None,
            done,
        });
        change(deed);
        deed.stands
    }

    /// The deed is taken back, if it stands; a second time changes nothing.
    pub fn undo(&self, call: &EffectCall) {
        let mut inner = self.0.lock();
        inner.clock += 1;
        let now = inner.clock;
        if let Some(deed) = inner.deeds.get_mut(&call.key) {
            deed.stands = 0;
            deed.undone.get_or_insert(now);
        }
    }

    /// For a probe: whether the deed stands.
    pub fn stands(&self, call: &EffectCall) -> bool {
        self.0.lock().deeds.get(&call.key).is_some_and(|deed| deed.stands > 0)
    }

    /// Keys of a job whose deed stands.
    pub fn standing(&self, job: JobId) -> Vec<String> {
        let inner = self.0.lock();
        inner
            .deeds
            .iter()
            .filter(|(_, deed)| deed.job == job && deed.stands > 0)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// A new provider, for a new database.
    pub(crate) fn forget(&self) {
        self.0.lock().deeds.clear();
    }

    /// The jobs that asked for anything.
    pub(crate) fn jobs(&self) -> BTreeSet<JobId> {
        self.0.lock().deeds.values().map(|deed| deed.job).collect()
    }

    /// What does not hold of a job's deeds, given the keys of all in its ledger, of those that are done, and of those that
    /// a person has to look at.
    pub(crate) fn judge(
        &self,
        job: JobId,
        in_ledger: &[String],
        done: &[String],
        open: &[String],
    ) -> Vec<String> {
        let inner = self.0.lock();
        let mut found = Vec::new();
        let mine: Vec<_> = inner.deeds.iter().filter(|(_, deed)| deed.job == job).collect();
        for (key, deed) in &mine {
            if !in_ledger.contains(key) {
                found.push(format!("{key} was done without a place in the ledger"));
            }
            if deed.stands > 1 {
                found.push(format!("{key} was done {} times", deed.stands));
            }
            if deed.stands > 0 && !done.contains(key) && !open.contains(key) {
                found.push(format!("{key} stands, and the ledger does not know it"));
            }
        }
        for key in done {
            if mine.iter().all(|(known, deed)| *known != key || deed.stands == 0) {
                found.push(format!("{key} is done in the ledger alone"));
            }
        }
        for (one, older) in &mine {
            for (other, younger) in &mine {
                if older.done < younger.done
                    && older.undone.is_some()
                    && older.undone < younger.undone
                {
                    found.push(format!("{one} was taken back before {other}, which is younger"));
                }
            }
        }
        found
    }
}
