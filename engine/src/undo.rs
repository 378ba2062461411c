//! Taking back what a run did: its ledger, newest first, each entry a durable step of its own. Shielded from cancellation.
//! An entry that cannot be taken back parks the run where a person can decide.

mod child; // jobs of their own, which undo themselves

use std::{sync::Arc, time::Duration};

use crate::{
    admin::keeps_its_deeds,
    cause::Cause,
    committer::{CommitError, Op},
    context::Suspension,
    effect::{EffectCall, Probe, idempotency_key},
    engine::Engine,
    failure::{Class, Failure},
    job::JobId,
    leased::LeasedJob,
    registry::Registry,
    retry::RetryPolicy,
    runner::{Deeds, Ending, Final, Reason},
    state::Course,
    store::{
        self,
        db::BEGIN_UNDO,
        effects::{SettleRow, StoredEffect},
        failures::{FailureCount, FailureRow},
    },
    trace,
    workflow::App,
};

/// An undo that takes longer has hung. The server ends each statement of a change's before that ([`BEGIN_UNDO`]).
const UNDO_TIMEOUT: Duration = Duration::from_secs(30);

/// What an undo has to work with.
pub(crate) struct World<'a, A: App> {
    pub(crate) engine: &'a Engine,
    pub(crate) registry: &'a Registry<A>,
    pub(crate) clients: &'a A::Clients,
    pub(crate) settings: &'a A::Settings,
}

impl<A: App> Clone for World<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: App> Copy for World<'_, A> {}

/// What became of one entry.
enum Entry {
    Undone,
    Left(Suspension),
}

/// A run stops going forward. Without deeds it ends here; with deeds it first takes them back, in this same lease.
pub(crate) async fn turn<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    has_deeds: bool,
    reason: Reason,
) -> Ending {
    if matches!(reason, Reason::Cancelled) {
        match keeps_its_deeds(world.engine, job.id()).await {
            Ok(false) => {}
            Ok(true) => {
                let deeds = if has_deeds { Deeds::Kept } else { Deeds::Stand };
                return Ending::Finished { state: Final::Cancelled, deeds };
            }
            Err(error) => {
                tracing::warn!(job.id = %job.id(), %error, "how to cancel a run could not be read");
                return Ending::left(Suspension::Interrupted);
            }
        }
    }
    if !has_deeds {
        let state = match reason {
            Reason::Failed(text) => Final::Failed(text),
            Reason::Cancelled => Final::Cancelled,
        };
        return Ending::Finished { state, deeds: Deeds::Stand };
    }
    let course = match reason {
        Reason::Failed(text) => {
            note(world, job, None, 0, &Failure::undo(text)).await;
            Course::UndoingFailed
        }
        Reason::Cancelled => Course::UndoingCancelled,
    };
    match world.engine.committer().commit(Op::Turn(job.fence(), course.code())).await {
        Ok(()) => run_as(world, job, course).await,
        Err(error) => Ending::left(departure(&error)),
    }
}

/// Goes on taking back.
pub(crate) async fn run<A: App>(world: &World<'_, A>, job: &LeasedJob) -> Ending {
    run_as(world, job, job.course()).await
}

async fn run_as<A: App>(world: &World<'_, A>, job: &LeasedJob, course: Course) -> Ending {
    let fence = job.fence();
    let read = world
        .engine
        .db()
        .run(async |conn| {
            let effects = store::effects::effects_of(conn, fence.job_id, fence.retention).await?;
            let failures =
                store::failures::failures_count(conn, fence.job_id, fence.retention).await?;
            let why = store::timeline::failure_last(conn, fence.job_id, fence.retention).await?;
            Ok((effects, failures, why))
        })
        .await;
    let Ok((effects, failures, why)) = read else { return Ending::left(Suspension::Interrupted) };
    if let Err(suspension) = newest_first(world, job, &effects, &failures).await {
        return Ending::left(suspension);
    }
    // A run of which nothing had happened is as good as new: it can be tried again.
    let is_undone = effects.iter().any(|effect| effect.state != "idle");
    let deeds = if is_undone { Deeds::Undone } else { Deeds::Stand };
    let state = if course == Course::UndoingCancelled {
        Final::Cancelled
    } else {
        Final::Failed(why.unwrap_or_else(|| "undone".to_owned()))
    };
    Ending::Finished { state, deeds }
}

/// Takes back a part of what a run did while the run itself goes on: the branches of a race that have lost.
pub(crate) async fn take_back<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    belongs: impl Fn(&str) -> bool,
) -> Result<(), Suspension> {
    let fence = job.fence();
    let read = world
        .engine
        .db()
        .run(async |conn| {
            let effects = store::effects::effects_of(conn, fence.job_id, fence.retention).await?;
            let failures =
                store::failures::failures_count(conn, fence.job_id, fence.retention).await?;
            Ok((effects, failures))
        })
        .await;
    let Ok((mut effects, failures)) = read else { return Err(Suspension::Interrupted) };
    effects.retain(|effect| belongs(&effect.key));
    newest_first(world, job, &effects, &failures).await
}

/// Takes back what is left of these entries, which come oldest first.
async fn newest_first<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    effects: &[StoredEffect],
    failures: &[FailureCount],
) -> Result<(), Suspension> {
    for effect in effects.iter().rev().filter(|effect| !effect.is_settled()) {
        if !job.is_ours() {
            return Err(Suspension::Lost);
        }
        if job.stopping().is_cancelled() {
            return Err(Suspension::Interrupted);
        }
        let failed = failures
            .iter()
            .find(|count| count.key.as_deref() == Some(&effect.key) && count.phase == "undo")
            .map_or(0, |count| u16::try_from(count.charged).unwrap_or(u16::MAX));
        let entry = tokio::select! {
            biased;
            () = job.lost().cancelled() => Entry::Left(Suspension::Lost),
            entry = undo(world, job, effect, failed) => entry,
        };
        if let Entry::Left(suspension) = entry {
            return Err(suspension);
        }
    }
    Ok(())
}

async fn undo<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    effect: &StoredEffect,
    failed: u16,
) -> Entry {
    let span = trace::part("undo", &effect.name, &effect.key, failed.saturating_add(1));
    let work = async {
        match effect.form.as_str() {
            "change" => undo_change(world, job, effect).await,
            "child" => child::undo(world, job, effect).await,
            _ => {
                match tokio::time::timeout(UNDO_TIMEOUT, undo_effect(world, job, effect, failed))
                    .await
                {
                    Ok(result) => result,
                    Err(_) => {
                        Err(Failure::retry(format!("no end within {} s", UNDO_TIMEOUT.as_secs())))
                    }
                }
            }
        }
    };
    let result = span.within(work).await;
    span.end(trace::why_failed(&result));
    let failure = match result {
        Ok(entry) => return entry,
        Err(failure) => failure,
    };
    let attempt = failed.saturating_add(1);
    note(world, job, Some(&effect.key), attempt, &failure).await;
    let delay = match failure.class {
        Class::Snooze { after } => Some(after),
        Class::Retry { .. } | Class::Unknown | Class::Panic => {
            let wish = if let Class::Retry { after: Some(after) } = failure.class {
                after
            } else {
                Duration::ZERO
            };
            RetryPolicy::UNDO.next_delay(attempt, &mut rand::rng()).map(|delay| delay.max(wish))
        }
        Class::Permanent | Class::Undo | Class::Diverged => None,
    };
    Entry::Left(if let Some(delay) = delay {
        Suspension::again(delay, format!("undo of {} is tried again", effect.key), false)
    } else {
        let cause =
            if failure.class == Class::Diverged { Cause::Diverged } else { Cause::UndoFailed };
        let why = format!("undo of {} failed: {}", effect.key, failure.text);
        Suspension::parked(cause, Some(&effect.key), why)
    })
}

async fn undo_change<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    effect: &StoredEffect,
) -> Result<Entry, Failure> {
    let change =
        world.registry.changes.get(effect.name.as_str()).map(Arc::clone).ok_or_else(|| {
            Failure::diverged(format!("the change {} is not known here", effect.name))
        })?;
    let Some(output) = &effect.output else { return Ok(Entry::Undone) };
    let work = async {
        let mut tx = world.engine.begin_as(BEGIN_UNDO).await?;
        if !store::leases::lease_hold(&mut tx, job.fence()).await? {
            return Ok(Entry::Left(Suspension::Lost));
        }
        change.undo(&mut tx, world.settings, &effect.input, output).await?;
        store::effects::effects_settle(&mut tx, &[settled(job, &effect.key, "undone", None)])
            .await?;
        tx.commit().await?;
        Ok(Entry::Undone)
    };
    match tokio::time::timeout(UNDO_TIMEOUT, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::retry(format!("no end within {} s", UNDO_TIMEOUT.as_secs()))),
    }
}

/// An open outcome is looked up before it is undone: what did not happen must not be taken back.
async fn undo_effect<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    effect: &StoredEffect,
    failed: u16,
) -> Result<Entry, Failure> {
    let known =
        world.registry.effects.get(effect.name.as_str()).map(Arc::clone).ok_or_else(|| {
            Failure::diverged(format!("the effect {} is not known here", effect.name))
        })?;
    let call = EffectCall {
        key: idempotency_key(job.id(), &effect.key),
        job: job.id(),
        attempt: failed.saturating_add(1),
        begun_at: effect.started_at,
        age: (job.now() - effect.started_at).to_std().unwrap_or_default(),
        sealer: Arc::clone(world.engine.sealer()),
    };
    let output = if effect.state == "done" {
        effect.output.clone()
    } else {
        match known.probe(world.clients, &call, &effect.input).await? {
            Probe::Happened(output) => Some(output),
            Probe::DidNotHappen => None,
            Probe::NotYet(after) => {
                let reason = format!("{} may have happened; it is looked up again", effect.key);
                return Ok(Entry::Left(Suspension::again(after, reason, false)));
            }
            Probe::CannotTell => {
                let why = format!("unknown outcome: {} may have to be undone", effect.key);
                let cause = Cause::UnknownOutcome;
                return Ok(Entry::Left(Suspension::parked(cause, Some(&effect.key), why)));
            }
        }
    };
    if let Some(output) = &output {
        known.undo(world.clients, &call, &effect.input, output).await?;
    }
    mark_undone(world, job, &effect.key).await
}

async fn mark_undone<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    key: &str,
) -> Result<Entry, Failure> {
    mark(world, job, key, "undone").await
}

async fn mark<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    key: &str,
    state: &'static str,
) -> Result<Entry, Failure> {
    match world.engine.committer().commit(Op::Settle(settled(job, key, state, None))).await {
        Ok(()) => Ok(Entry::Undone),
        Err(CommitError::Refused(why)) => Err(Failure::permanent(why)),
        Err(error) => Ok(Entry::Left(departure(&error))),
    }
}

fn settled(
    job: &LeasedJob,
    key: &str,
    state: &'static str,
    output: Option<serde_json::Value>,
) -> SettleRow {
    SettleRow { fence: job.fence(), key: key.to_owned(), state, output }
}

fn departure(error: &CommitError) -> Suspension {
    match error {
        CommitError::Fenced => Suspension::Lost,
        CommitError::Unavailable | CommitError::Refused(_) | CommitError::Repeated(_) => {
            Suspension::Interrupted
        }
    }
}

pub(crate) async fn note<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    key: Option<&str>,
    attempt: u16,
    failure: &Failure,
) {
    let row = FailureRow {
        fence: job.fence(),
        failure_id: JobId::mint().as_uuid(),
        key: key.map(ToOwned::to_owned),
        // The reason for turning round belongs to the way forward.
        phase: if key.is_some() { "undo" } else { "do" },
        attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
        class: failure.class.as_str(),
        error: failure.text.clone(),
    };
    let _ = world.engine.committer().submit(Op::Fail(row)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::BEGIN;

    #[test]
    fn the_server_gives_up_an_undos_statement_before_its_worker_hangs_up() {
        let secs = UNDO_TIMEOUT.as_secs();
        let limits = [("lock_timeout", secs * 7 / 10), ("statement_timeout", secs * 8 / 10)];
        let said = limits.map(|(name, secs)| format!("set local {name} = '{secs}s'")).join("; ");
        assert_eq!(BEGIN_UNDO, format!("{BEGIN}; {said}"));
    }
}
