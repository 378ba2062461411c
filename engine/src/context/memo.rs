//! What a run has done before this attempt, read once at its beginning.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::WhenParentEnds;
use crate::{
    job::JobId,
    registry::stored,
    store::{
        self, Fence, checkpoints::StoredCheckpoint, effects::StoredEffect, signals::StoredSignal,
    },
};

/// The stored past of a run.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    checkpoints: HashMap<String, StoredCheckpoint>,
    effects: HashMap<String, StoredEffect>,
    /// Charged failures by step and phase.
    failures: HashMap<(String, String), u16>,
    /// `None` until a wait asks: most jobs never wait.
    signals: Option<Vec<StoredSignal>>,
    /// Taken in this attempt; their checkpoints may still be on their way.
    taken: HashSet<Uuid>,
    last_seq: i16,
}

impl Memo {
    /// Reads it.
    pub(crate) async fn load(conn: &mut PgConnection, fence: Fence) -> Result<Memo, sqlx::Error> {
        let (job_id, retention) = (fence.job_id, fence.retention);
        let checkpoints = store::checkpoints::checkpoints_of(conn, job_id, retention).await?;
        let effects = store::effects::effects_of(conn, job_id, retention).await?;
        let failures = store::failures::failures_count(conn, job_id, retention).await?;
        Ok(Memo {
            last_seq: effects.iter().map(|effect| effect.seq).max().unwrap_or(0),
            checkpoints: checkpoints
                .into_iter()
                .map(|stored| (stored.key.clone(), stored))
                .collect(),
            effects: effects.into_iter().map(|stored| (stored.key.clone(), stored)).collect(),
            failures: failures
                .into_iter()
                .filter_map(|count| {
                    let charged = u16::try_from(count.charged).unwrap_or(u16::MAX);
                    count.key.map(|key| ((key, count.phase), charged))
                })
                .collect(),
            signals: None,
            taken: HashSet::new(),
        })
    }

    pub(crate) fn checkpoint(&self, key: &str) -> Option<&StoredCheckpoint> {
        self.checkpoints.get(key)
    }

    /// What a deed of the run yielded of which this one is a fork.
    pub(crate) fn lent(&self, key: &str, form: &str) -> Option<Value> {
        let stored = self.checkpoints.get(key)?;
        (stored.lent.as_deref() == Some(form)).then(|| stored.output.clone())
    }

    pub(crate) fn effect(&self, key: &str) -> Option<&StoredEffect> {
        self.effects.get(key)
    }

    /// The first pivot that was passed before this attempt.
    pub(crate) fn pivot(&self) -> Option<String> {
        let mut pivots = self.checkpoints.values().filter(|stored| stored.form == "pivot");
        pivots.next().map(|stored| stored.key.clone())
    }

    /// Children that were declared to end with this run, and still may live.
    pub(crate) fn to_cancel(&self) -> Vec<JobId> {
        let children =
            self.effects.values().filter(|deed| deed.form == "child" && !deed.is_settled());
        children
            .filter(|deed| WhenParentEnds::of(&deed.input) == WhenParentEnds::Cancel)
            .filter_map(|deed| stored(deed.output.as_ref()?).ok())
            .collect()
    }

    /// The keys that the body has stored: all but that of the deed that the job was born with.
    pub(crate) fn keys_of_body(&self, born_with_deed: bool) -> impl Iterator<Item = &str> {
        let deeds = self.effects.values().filter(move |deed| !born_with_deed || deed.seq > 1);
        self.checkpoints.keys().chain(deeds.map(|deed| &deed.key)).map(String::as_str)
    }

    /// Every key that was stored before this attempt.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.checkpoints.keys().chain(self.effects.keys()).map(String::as_str)
    }

    /// Whether one of these deeds has not been taken back.
    pub(crate) fn stands(&self, belongs: impl Fn(&str) -> bool) -> bool {
        self.effects.values().any(|deed| belongs(&deed.key) && !deed.is_settled())
    }

    /// Whether the ledger holds anything.
    pub(crate) fn has_deeds(&self) -> bool {
        self.last_seq > 0
    }

    /// The place of the next deed in the ledger.
    pub(crate) fn next_seq(&mut self) -> i16 {
        self.last_seq = self.last_seq.saturating_add(1);
        self.last_seq
    }

    /// The number of the attempt that is going on (from 1), which has just failed; the next one has the next number.
    pub(crate) fn next_attempt(&mut self, key: &str, phase: &str) -> u16 {
        let count = self.failures.entry((key.to_owned(), phase.to_owned())).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }

    /// The number of the attempt that is going on, from 1.
    pub(crate) fn attempt(&self, key: &str, phase: &str) -> u16 {
        self.failures
            .get(&(key.to_owned(), phase.to_owned()))
            .copied()
            .unwrap_or(0)
            .saturating_add(1)
    }

    /// Whether the signals that were sent so far have been read.
    pub(crate) fn has_read_signals(&self) -> bool {
        self.signals.is_some()
    }

    /// Keeps what was read, unless a branch of the same run was quicker and may have taken some of them.
    pub(crate) fn keep_signals(&mut self, signals: Vec<StoredSignal>) {
        self.signals.get_or_insert(signals);
    }

    /// Keeps what a later look has found, but for what was taken in this attempt.
    pub(crate) fn renew_signals(&mut self, mut signals: Vec<StoredSignal>) {
        signals.retain(|signal| !self.taken.contains(&signal.signal_id));
        self.signals = Some(signals);
    }

    /// Takes the oldest signal with one of these names.
    pub(crate) fn take_signal(&mut self, names: &[String]) -> Option<StoredSignal> {
        let signals = self.signals.as_mut()?;
        let place = signals.iter().position(|signal| names.contains(&signal.name))?;
        let signal = signals.remove(place);
        self.taken.insert(signal.signal_id);
        Some(signal)
    }
}
