//! Effects and changes: deeds that stand in the undo ledger.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Context, Suspension, step::encoded};
use crate::{
    cause::Cause,
    committer::Op,
    effect::{EffectCall, Probe, idempotency_key},
    failure::{Class, Failure},
    retry::RetryPolicy,
    store::{
        self,
        effects::{IntentRow, SettleRow, StoredEffect},
    },
    trace,
    workflow::{App, Change, Effect},
};

/// What a probe answered, for the metric.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProbeAnswer {
    Happened,
    DidNotHappen,
    NotYet,
    CannotTell,
    Failed,
}

impl ProbeAnswer {
    fn of<T, L>(answer: &Result<Result<Probe<T>, Failure>, L>) -> ProbeAnswer {
        match answer {
            Ok(Ok(Probe::Happened(_))) => ProbeAnswer::Happened,
            Ok(Ok(Probe::DidNotHappen)) => ProbeAnswer::DidNotHappen,
            Ok(Ok(Probe::NotYet(_))) => ProbeAnswer::NotYet,
            Ok(Ok(Probe::CannotTell)) => ProbeAnswer::CannotTell,
            Ok(Err(_)) | Err(_) => ProbeAnswer::Failed,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            ProbeAnswer::Happened => "happened",
            ProbeAnswer::DidNotHappen => "did_not_happen",
            ProbeAnswer::NotYet => "not_yet",
            ProbeAnswer::CannotTell => "cannot_tell",
            ProbeAnswer::Failed => "failed",
        }
    }
}

/// Where an effect stands when its turn comes.
enum Standing {
    /// It is done; this is its output.
    Done(Value),
    /// It was begun and nobody knows what became of it.
    Open(StoredEffect),
    /// It has not happened.
    New { seq: i16 },
}

/// Whether an earlier attempt may have done it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// None has.
    Never,
    /// One may have: it is repeated unasked, because the other side honours its key.
    Perhaps,
}

impl<A: App> Context<'_, A> {
    /// Does a deed outside this database. Once, if the other side honours its key or the effect has a probe; else at least
    /// once.
    pub async fn effect<E: Effect<A>>(&self, effect: E) -> Result<E::Output, Failure> {
        let key = self.claim_key(E::NAME)?;
        let (seq, before) = match self.standing(&key, "effect", E::NAME).await {
            Standing::Done(output) => return self.decoded(&output).await,
            Standing::Open(stored) => {
                self.boundary().await;
                if E::KEY_IS_HONOURED {
                    (stored.seq, Before::Perhaps)
                } else if let Some(output) = self.ask::<E>(&effect, &key, &stored).await? {
                    return Ok(output);
                } else {
                    (stored.seq, Before::Never)
                }
            }
            Standing::New { seq } => {
                self.boundary().await;
                (seq, Before::Never)
            }
        };
        self.apply::<E>(effect, key, seq, before).await
    }

    /// Makes a named change in this database. Exactly once.
    pub async fn change<C: Change<A>>(&self, change: C) -> Result<C::Output, Failure> {
        let key = self.claim_key(C::NAME)?;
        let seq = match self.standing(&key, "change", C::NAME).await {
            Standing::Done(output) => return self.decoded(&output).await,
            Standing::Open(stored) => stored.seq,
            Standing::New { seq } => seq,
        };
        self.boundary().await;
        let attempt = self.inner().lock().memo.attempt(&key, "do");
        let span = trace::part("change", C::NAME, &key, attempt);
        let written = span
            .within(self.in_transaction(async |tx| {
                let output = change.apply(tx, self.settings()).await?;
                let row = IntentRow {
                    fence: self.job().fence(),
                    key: key.clone(),
                    seq,
                    form: "change",
                    name: C::NAME.to_owned(),
                    input: encoded(&change)?,
                    output: Some(encoded(&output)?),
                    attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
                };
                store::effects::effects_begin(tx, &[row]).await?;
                Ok(output)
            }))
            .await;
        span.end(trace::why_failed(&written));
        match written {
            Ok(output) => Ok(output),
            Err(failure) => Err(self.fail(&key, "do", RetryPolicy::STEP, failure).await),
        }
    }

    async fn standing(&self, key: &str, form: &str, name: &str) -> Standing {
        let found = {
            let mut inner = self.inner().lock();
            match inner.memo.effect(key).cloned() {
                None if inner.memo.checkpoint(key).is_some() => inner
                    .memo
                    .lent(key, form)
                    .map(Standing::Done)
                    .ok_or_else(|| "was a step".to_owned()),
                None => Ok(Standing::New { seq: inner.memo.next_seq() }),
                Some(stored) if stored.form != form || stored.name != name => {
                    Err(format!("was the {} {}", stored.form, stored.name))
                }
                Some(stored) => match (stored.state.as_str(), stored.output.clone()) {
                    ("done", Some(output)) => Ok(Standing::Done(output)),
                    ("intent" | "unknown", _) => Ok(Standing::Open(stored)),
                    ("idle", _) => Ok(Standing::New { seq: stored.seq }),
                    (state, _) => Err(format!("is {state}")),
                },
            }
        };
        match found {
            Ok(standing) => standing,
            Err(why) => self.suspend(Suspension::diverged(Some(key), format!("{key} {why}"))).await,
        }
    }

    /// Intent, deed, outcome.
    async fn apply<E: Effect<A>>(
        &self,
        effect: E,
        key: String,
        seq: i16,
        before: Before,
    ) -> Result<E::Output, Failure> {
        let attempt = self.inner().lock().memo.attempt(&key, "do");
        let begun_at = self.clock();
        let intent = IntentRow {
            fence: self.job().fence(),
            key: key.clone(),
            seq,
            form: "effect",
            name: E::NAME.to_owned(),
            input: encoded(&effect)?,
            output: None,
            attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
        };
        // From the intent to the outcome: a branch that is stopped in between would leave behind what nobody knows of.
        let critical = self.critical();
        self.commit(Op::Begin(intent)).await?;
        if !self.job().is_ours() {
            return self.suspend(Suspension::Lost).await;
        }
        let call = EffectCall {
            key: idempotency_key(self.job_id(), &key),
            job: self.job_id(),
            attempt,
            begun_at,
            age: Duration::ZERO,
            sealer: Arc::clone(self.engine().sealer()),
        };
        let span = trace::part("effect", E::NAME, &key, attempt);
        let result = {
            let _active = self.active();
            let work = effect.apply(self.clients(), &call);
            span.within(tokio::time::timeout(E::TIMEOUT, work)).await
        };
        span.end(trace::why(&result));
        let failure = match result {
            Ok(Ok(output)) => {
                let stored = encoded(&output)?;
                self.commit(Op::Settle(self.outcome(&key, "done", Some(stored)))).await?;
                return Ok(output);
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::unknown(format!("no end within {} s", E::TIMEOUT.as_secs())),
        };
        // A refusal says what became of this attempt. It says nothing of an earlier one, which an undo has to ask after.
        let is_open = failure.class == Class::Unknown || before == Before::Perhaps;
        let state = if is_open { "unknown" } else { "idle" };
        self.submit(Op::Settle(self.outcome(&key, state, None))).await;
        drop(critical);
        Err(self.fail(&key, "do", E::RETRY, failure).await)
    }

    /// Asks the other side what became of an earlier attempt. `None`: it did not happen.
    async fn ask<E: Effect<A>>(
        &self,
        effect: &E,
        key: &str,
        stored: &StoredEffect,
    ) -> Result<Option<E::Output>, Failure> {
        let call = EffectCall {
            key: idempotency_key(self.job_id(), key),
            job: self.job_id(),
            attempt: self.inner().lock().memo.attempt(key, "probe"),
            begun_at: stored.started_at,
            age: (self.clock() - stored.started_at).to_std().unwrap_or_default(),
            sealer: Arc::clone(self.engine().sealer()),
        };
        let span = trace::part("probe", E::NAME, key, call.attempt);
        let answer = {
            let _active = self.active();
            let work = effect.probe(self.clients(), &call);
            span.within(tokio::time::timeout(E::TIMEOUT, work)).await
        };
        span.end(trace::why(&answer));
        crate::metrics::probed(E::NAME, ProbeAnswer::of(&answer));
        match answer {
            Ok(Ok(Probe::Happened(output))) => {
                let value = encoded(&output)?;
                self.commit(Op::Settle(self.outcome(key, "done", Some(value)))).await?;
                Ok(Some(output))
            }
            Ok(Ok(Probe::DidNotHappen)) => Ok(None),
            Ok(Ok(Probe::NotYet(after))) => {
                let reason = format!("{key} may have happened; it is looked up again");
                self.suspend(Suspension::again(after, reason, false)).await
            }
            Ok(Ok(Probe::CannotTell)) => {
                let why = format!("unknown outcome: {key} may have happened");
                self.suspend(Suspension::parked(Cause::UnknownOutcome, Some(key), why)).await
            }
            Ok(Err(failure)) => Err(self.undecided(key, failure).await),
            Err(_) => {
                Err(self.undecided(key, Failure::retry("the probe did not end in time")).await)
            }
        }
    }

    /// A probe that cannot be carried out leaves the outcome unknown: that is for a person, never for a blind repeat.
    async fn undecided(&self, key: &str, failure: Failure) -> Failure {
        let failure = self.fail(key, "probe", RetryPolicy::STEP, failure).await;
        let why = format!("unknown outcome: {key}: {}", failure.text);
        self.suspend(Suspension::parked(Cause::UnknownOutcome, Some(key), why)).await
    }

    fn outcome(&self, key: &str, state: &'static str, output: Option<Value>) -> SettleRow {
        SettleRow { fence: self.job().fence(), key: key.to_owned(), state, output }
    }
}
