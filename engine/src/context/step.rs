//! Steps and transactions: run once, then remembered.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Context, Suspension};
use crate::{
    committer::Op,
    effect::idempotency_key,
    error::Error,
    failure::Failure,
    json,
    registry::stored,
    retry::RetryPolicy,
    store::{self, checkpoints::CheckpointRow, db::BEGIN_STEP},
    trace,
    tx::Tx,
    workflow::App,
};

/// A step that takes longer has hung.
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// A transaction that takes longer holds locks that others wait for. The server ends each of its statements before that
/// ([`BEGIN_STEP`]).
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// A step's output above this belongs in a table of its own.
pub(crate) const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// What is put round a payload, a child's output or a winner's, which may be as large as an output may be: the signal's name
/// (200 characters), the key of its message (an index holds it: 2.7 kB), the state and a few words of ours.
const ENVELOPE_BYTES_MAX: usize = 4 * 1024;

/// As deep as that goes: two objects, for what ended a wait and in it a child's end, and as many in reserve.
const ENVELOPE_DEPTH_MAX: usize = 4;

/// What a step's body is told.
#[derive(Debug, Clone)]
pub struct StepKey {
    /// The same over attempts, workers and versions: for a provider that honours idempotency keys.
    pub key: String,
    /// Which try this is, from 1.
    pub attempt: u16,
}

/// How patient a step is. A [`RetryPolicy`] alone is one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepPolicy {
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// After this long an attempt has hung, and counts as failed.
    pub timeout: Duration,
}

impl StepPolicy {
    /// Of a step that says nothing else: [`RetryPolicy::STEP`], one minute.
    pub const STEP: StepPolicy = StepPolicy { retry: RetryPolicy::STEP, timeout: STEP_TIMEOUT };

    /// With another patience between attempts.
    #[must_use]
    pub const fn retry(self, retry: RetryPolicy) -> StepPolicy {
        StepPolicy { retry, ..self }
    }

    /// With another limit of time for each attempt.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> StepPolicy {
        StepPolicy { timeout, ..self }
    }
}

impl From<RetryPolicy> for StepPolicy {
    fn from(retry: RetryPolicy) -> StepPolicy {
        StepPolicy::STEP.retry(retry)
    }
}

impl<A: App> Context<'_, A> {
    /// Runs `f` once; its output is committed before the next line runs. After a crash in between it runs again, with the
    /// same key: at least once, that is. Fails over to [`RetryPolicy::STEP`].
    pub async fn step<T, F>(&self, name: &str, f: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
        F: AsyncFnOnce(&A::Clients, StepKey) -> Result<T, Failure>,
    {
        self.step_with(name, StepPolicy::STEP, f).await
    }

    /// A step with a patience of its own.
    pub async fn step_with<T, F>(
        &self,
        name: &str,
        policy: impl Into<StepPolicy>,
        f: F,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
        F: AsyncFnOnce(&A::Clients, StepKey) -> Result<T, Failure>,
    {
        let StepPolicy { retry, timeout } = policy.into();
        let key = self.claim_key(name)?;
        if let Some(output) = self.remembered(&key, "step").await {
            return self.decoded(&output).await;
        }
        self.boundary().await;
        let attempt = self.inner().lock().memo.attempt(&key, "do");
        let started_at = self.clock();
        let span = trace::part("step", name, &key, attempt);
        let call = StepKey { key: idempotency_key(self.job_id(), &key), attempt };
        let result = {
            let _active = self.active();
            span.within(tokio::time::timeout(timeout, f(self.clients(), call))).await
        };
        span.end(trace::why(&result));
        let output = match result {
            Ok(Ok(output)) => output,
            Ok(Err(failure)) => return Err(self.fail(&key, "do", retry, failure).await),
            Err(_) => {
                let failure = Failure::retry(format!("no end within {timeout:?}"));
                return Err(self.fail(&key, "do", retry, failure).await);
            }
        };
        let row = CheckpointRow {
            fence: self.job().fence(),
            form: "step",
            output: encoded(&output)?,
            attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
            started_at: Some(started_at),
            takes_signal: None,
            key,
        };
        self.commit(Op::Checkpoint(row)).await?;
        Ok(output)
    }

    /// Runs `f` in a transaction that its checkpoint commits with: its writes happen exactly once. It is handed nothing
    /// that could reach the network.
    pub async fn transaction<T, F>(&self, name: &str, f: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
        F: AsyncFnOnce(&mut Tx) -> Result<T, Failure>,
    {
        let key = self.claim_key(name)?;
        if let Some(output) = self.remembered(&key, "transaction").await {
            return self.decoded(&output).await;
        }
        self.boundary().await;
        let attempt = self.inner().lock().memo.attempt(&key, "do");
        let started_at = self.clock();
        let span = trace::part("transaction", name, &key, attempt);
        let written = span
            .within(self.in_transaction(async |tx| {
                let output = f(tx).await?;
                let row = CheckpointRow {
                    fence: self.job().fence(),
                    key: key.clone(),
                    form: "transaction",
                    output: encoded(&output)?,
                    attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
                    started_at: Some(started_at),
                    takes_signal: None,
                };
                store::checkpoints::checkpoints_insert(tx, &[row]).await?;
                Ok(output)
            }))
            .await;
        span.end(trace::why_failed(&written));
        match written {
            Ok(output) => Ok(output),
            Err(failure) => Err(self.fail(&key, "do", RetryPolicy::STEP, failure).await),
        }
    }

    /// A transaction that holds this job's lease, so that nobody can rescue the job before it commits.
    pub(super) async fn in_transaction<T, F>(&self, f: F) -> Result<T, Failure>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, Failure>,
    {
        // Whoever takes this branch back must know whether it was committed.
        let (active, critical) = (self.active(), self.critical());
        let work = async {
            let mut tx = self.engine().begin_as(BEGIN_STEP).await?;
            if !store::leases::lease_hold(&mut tx, self.job().fence()).await? {
                return Ok(None);
            }
            let output = f(&mut tx).await?;
            Ok(Some((tx, output)))
        };
        let done: Result<Option<(Tx, T)>, Failure> =
            match tokio::time::timeout(TRANSACTION_TIMEOUT, work).await {
                Ok(done) => done,
                Err(_) => Err(Failure::retry(format!(
                    "no end within {} s",
                    TRANSACTION_TIMEOUT.as_secs()
                ))),
            };
        let committed = match done? {
            None => None,
            Some((tx, output)) => Some((tx.commit().await, output)),
        };
        drop((active, critical));
        match committed {
            Some((Ok(()), output)) => Ok(output),
            // The server itself says that it did not commit: an error like any other of the step.
            Some((Err(Error::Database(error @ sqlx::Error::Database(_))), _)) => Err(error.into()),
            // It may have committed: the next attempt reads what is there.
            Some((Err(error), _)) => {
                tracing::debug!(job.id = %self.job_id(), %error, "a transaction's commit was not confirmed");
                self.suspend(Suspension::Interrupted).await
            }
            None => {
                crate::metrics::stale_write_rejected();
                self.suspend(Suspension::Lost).await
            }
        }
    }

    /// The stored output of a step; a step of another form under this name means that the code has changed.
    pub(super) async fn remembered(&self, key: &str, form: &str) -> Option<Value> {
        let found = {
            let inner = self.inner().lock();
            if inner.memo.effect(key).is_some() {
                Some(Err("a deed".to_owned()))
            } else {
                inner.memo.checkpoint(key).map(|stored| {
                    if stored.lent.is_some() {
                        Err("a deed".to_owned())
                    } else if stored.form == form {
                        Ok(stored.output.clone())
                    } else {
                        Err(stored.form.clone())
                    }
                })
            }
        };
        match found {
            None => None,
            Some(Ok(output)) => Some(output),
            Some(Err(other)) => {
                let why = format!("{key} was {other} and is now {form}");
                self.suspend(Suspension::diverged(Some(key), why)).await
            }
        }
    }

    /// Reads a stored value; one that does not fit parks the run, so that a rollback of the deploy heals it.
    pub(super) async fn decoded<T: DeserializeOwned>(&self, value: &Value) -> Result<T, Failure> {
        match stored(value) {
            Ok(value) => Ok(value),
            Err(failure) => self.suspend(Suspension::diverged(None, failure.text)).await,
        }
    }
}

/// An output as the database can hold it.
pub(super) fn encoded<T: Serialize>(output: &T) -> Result<Value, Failure> {
    encoded_within(output, OUTPUT_BYTES_MAX, json::DEPTH_MAX)
}

/// The same of one in its envelope: whoever was allowed to yield it can be told of.
pub(super) fn enveloped<T: Serialize>(envelope: &T) -> Result<Value, Failure> {
    let depth_max = json::DEPTH_MAX + ENVELOPE_DEPTH_MAX;
    encoded_within(envelope, OUTPUT_BYTES_MAX + ENVELOPE_BYTES_MAX, depth_max)
}

fn encoded_within<T: Serialize>(
    output: &T,
    bytes_max: usize,
    depth_max: usize,
) -> Result<Value, Failure> {
    let value = serde_json::to_value(output)
        .map_err(|error| Failure::permanent(format!("the output is no JSON: {error}")))?;
    json::check_within(&value, bytes_max, depth_max)
        .map_err(|fault| Failure::permanent(format!("the output cannot be stored: {fault}")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::BEGIN;

    #[test]
    fn the_server_gives_up_a_transactions_statement_before_its_worker_hangs_up() {
        let secs = TRANSACTION_TIMEOUT.as_secs();
        let limits = [("lock_timeout", secs * 7 / 10), ("statement_timeout", secs * 8 / 10)];
        let said = limits.map(|(name, secs)| format!("set local {name} = '{secs}s'")).join("; ");
        assert_eq!(BEGIN_STEP, format!("{BEGIN}; {said}"));
    }
}
