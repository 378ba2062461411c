//! What an effect is told, and what its probe can answer.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{
    failure::Failure,
    job::JobId,
    sealed::{Sealed, Sealer},
};

/// One call of an effect's `apply`, `probe` or `undo`.
#[derive(Debug, Clone)]
pub struct EffectCall {
    /// The same over attempts, workers and versions: what a provider that honours keys is given.
    pub key: String,
    /// The run it belongs to.
    pub job: JobId,
    /// Which try this is, from 1.
    pub attempt: u16,
    /// When the latest attempt was begun, by the database's clock.
    pub begun_at: DateTime<Utc>,
    /// How long ago that was.
    pub age: Duration,
    pub(crate) sealer: Arc<Sealer>,
}

impl EffectCall {
    /// The key that a provider is given for the deed of this name in this run: for comparing its books with the ledger.
    pub fn key_of(job: JobId, name: &str) -> String {
        idempotency_key(job, name)
    }

    /// Decrypts a part of the effect's input. One that cannot be read parks the run: the key may come back.
    pub fn open<T: DeserializeOwned>(&self, sealed: &Sealed<T>) -> Result<T, Failure> {
        self.sealer.open(sealed).map_err(|error| Failure::diverged(error.to_string()))
    }
}

/// What a probe found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe<T> {
    /// It happened, with this output: adopted as if the reply had not been lost.
    Happened(T),
    /// It did not happen: safe to do again.
    DidNotHappen,
    /// Too early to tell: look again after this long.
    NotYet(Duration),
    /// The other side cannot tell. The run is parked: a person must look.
    CannotTell,
}

/// The idempotency key of a step: a fingerprint of the run and the step's key, never of an attempt.
pub(crate) fn idempotency_key(job: JobId, step: &str) -> String {
    let digest = Sha256::new().chain_update(job.as_uuid()).chain_update(step).finalize();
    format!("tl-{}", hex::encode(&digest[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_the_run_and_the_step_alone() {
        let (one, two) = (JobId::mint(), JobId::mint());
        assert_eq!(idempotency_key(one, "charge"), idempotency_key(one, "charge"));
        assert_ne!(idempotency_key(one, "charge"), idempotency_key(two, "charge"));
        assert_ne!(idempotency_key(one, "charge"), idempotency_key(one, "charge#2"));
        assert!(idempotency_key(one, "charge").len() <= 64);
    }
}
