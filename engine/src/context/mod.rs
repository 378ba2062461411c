//! What a workflow's body has in its hands: durable steps, deeds, waits and children.
//!
//! Each call first looks whether this run has done it already. A call that has to leave the worker (a retry, a wait, a
//! lost lease) never returns: it notes why and stays pending, and the runner drops the body. So there is no error that a
//! body could swallow by mistake.

mod child;
mod deed;
mod memo;
mod step;
mod suspension;
mod wait;

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::{
    child::{ChildEnd, Spawned},
    step::StepKey,
    wait::{Awaited, Wait},
};
pub(crate) use self::{deed::ProbeAnswer, memo::Memo, suspension::Suspension};
use crate::{
    committer::{CommitError, Op},
    engine::Engine,
    failure::{Class, Failure},
    job::JobId,
    leased::LeasedJob,
    retry::RetryPolicy,
    store::failures::FailureRow,
    workflow::App,
};

/// Names of steps are part of the contract with the database: short and plain.
const NAME_CHARS_MAX: usize = 120;

/// More steps than this in one run are a loop that should have been split into children.
const STEPS_MAX: u32 = 10_000;

/// The surroundings of one attempt of one run. Neither `Clone` nor `'static`, so that it cannot leak into a task.
pub struct Context<'a, A: App> {
    engine: &'a Engine,
    clients: &'a A::Clients,
    settings: &'a A::Settings,
    job: &'a LeasedJob,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    memo: Memo,
    /// How often each name has come up in this execution of the body.
    seen: HashMap<String, u32>,
    /// How many calls there were in this execution.
    steps: u32,
    /// Bodies of steps that are running at this moment.
    active: usize,
    suspensions: Vec<Suspension>,
}

impl<'a, A: App> Context<'a, A> {
    pub(crate) fn new(
        engine: &'a Engine,
        clients: &'a A::Clients,
        settings: &'a A::Settings,
        job: &'a LeasedJob,
        memo: Memo,
    ) -> Context<'a, A> {
        Context {
            engine,
            clients,
            settings,
            job,
            inner: Mutex::new(Inner {
                memo,
                seen: HashMap::new(),
                steps: 0,
                active: 0,
                suspensions: Vec::new(),
            }),
            changed: Notify::new(),
        }
    }

    /// Which job this is.
    pub fn job_id(&self) -> JobId {
        self.job.id()
    }

    /// On behalf of which tenant, where it is a tenant's.
    pub fn tenant(&self) -> Option<Uuid> {
        self.job.tenant()
    }

    /// Which try of the whole body this is, from 1.
    pub fn attempt(&self) -> i16 {
        self.job.attempt()
    }

    /// Plain values from the configuration.
    pub fn settings(&self) -> &A::Settings {
        self.settings
    }

    /// Encrypts a value, so that it can be an argument or an output.
    pub fn seal<T: serde::Serialize>(
        &self,
        value: &T,
    ) -> Result<crate::sealed::Sealed<T>, Failure> {
        self.engine.sealer().seal(value).map_err(Failure::permanent)
    }

    /// Decrypts an argument or an output. One that cannot be read parks the run: the key may come back.
    pub fn open<T: serde::de::DeserializeOwned>(
        &self,
        sealed: &crate::sealed::Sealed<T>,
    ) -> Result<T, Failure> {
        self.engine.sealer().open(sealed).map_err(|error| Failure::diverged(error.to_string()))
    }

    /// The key of this call: its name, and for a repeat in the same run its number.
    fn claim_key(&self, name: &str) -> Result<String, Failure> {
        let plain = !name.is_empty() && name.len() <= NAME_CHARS_MAX && !name.contains(['#', '\0']);
        if !plain {
            return Err(Failure::permanent(format!("{name:?} cannot be the name of a step")));
        }
        let mut inner = self.inner.lock();
        inner.steps += 1;
        if inner.steps > STEPS_MAX {
            return Err(Failure::permanent(format!("more than {STEPS_MAX} steps in one run")));
        }
        let seen = inner.seen.entry(name.to_owned()).or_insert(0);
        *seen += 1;
        Ok(if *seen == 1 { name.to_owned() } else { format!("{name}#{seen}") })
    }

    /// A boundary: the place to notice that the run must not go on here.
    async fn boundary(&self) {
        if !self.job.is_ours() {
            self.suspend::<()>(Suspension::Lost).await;
        }
        if self.job.cancel().is_cancelled() {
            self.suspend::<()>(Suspension::Cancelled).await;
        }
        if self.job.stopping().is_cancelled() {
            self.suspend::<()>(Suspension::Interrupted).await;
        }
    }

    /// Notes why the run leaves the worker. Never returns.
    async fn suspend<T>(&self, suspension: Suspension) -> T {
        self.inner.lock().suspensions.push(suspension);
        self.changed.notify_one();
        std::future::pending().await
    }

    /// Counts a running body of a step for as long as the guard lives: the run is not left while one is at work.
    fn active(&self) -> Active<'_, 'a, A> {
        self.inner.lock().active += 1;
        Active { ctx: self }
    }

    /// Resolves when the body can get no further in this attempt.
    pub(crate) async fn stuck(&self) -> Suspension {
        loop {
            {
                let mut inner = self.inner.lock();
                if inner.active == 0 && !inner.suspensions.is_empty() {
                    return Suspension::merge(std::mem::take(&mut inner.suspensions));
                }
            }
            self.changed.notified().await;
        }
    }

    /// Writes an operation; a lease that is lost, or a database that is away, ends the attempt.
    async fn commit(&self, op: Op) -> Result<(), Failure> {
        match self.engine.committer().commit(op).await {
            Ok(()) => Ok(()),
            Err(CommitError::Fenced) => self.suspend(Suspension::Lost).await,
            Err(CommitError::Unavailable) => self.suspend(Suspension::Interrupted).await,
            Err(CommitError::Refused(why)) => {
                Err(Failure::permanent(format!("the database refused the step's result: {why}")))
            }
        }
    }

    /// Notes a failed attempt and decides what follows from it: leave and come back, or give the failure to the body.
    async fn fail(
        &self,
        key: &str,
        phase: &'static str,
        policy: RetryPolicy,
        failure: Failure,
    ) -> Failure {
        let attempt = self.inner.lock().memo.next_attempt(key, phase);
        self.note(Some(key), phase, attempt, &failure).await;
        match failure.class {
            Class::Permanent | Class::Undo => failure,
            Class::Diverged => self.suspend(Suspension::diverged(Some(key), failure.text)).await,
            Class::Snooze { after } => {
                self.suspend(Suspension::again(after, format!("{key} is put off"), false)).await
            }
            Class::Retry { .. } | Class::Unknown | Class::Panic => {
                let delay = policy.next_delay(attempt, &mut rand::rng());
                match delay {
                    Some(delay) => {
                        let wish = if let Class::Retry { after: Some(after) } = failure.class {
                            after
                        } else {
                            Duration::ZERO
                        };
                        let reason = format!("{key} is tried again, attempt {}", attempt + 1);
                        self.suspend(Suspension::again(delay.max(wish), reason, false)).await
                    }
                    None => Failure::permanent(format!(
                        "gave up after {attempt} attempts: {}",
                        failure.text
                    )),
                }
            }
        }
    }

    async fn note(&self, key: Option<&str>, phase: &'static str, attempt: u16, failure: &Failure) {
        let row = FailureRow {
            fence: self.job.fence(),
            failure_id: JobId::mint().as_uuid(),
            key: key.map(ToOwned::to_owned),
            phase,
            attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
            class: failure.class.as_str(),
            error: failure.text.clone(),
        };
        // Written before what follows from it, since the committer keeps the order; nobody waits for it.
        let _ = self.engine.committer().submit(Op::Fail(row)).await;
    }

    fn now(&self) -> DateTime<Utc> {
        self.job.now()
    }
}

struct Active<'c, 'a, A: App> {
    ctx: &'c Context<'a, A>,
}

impl<A: App> Drop for Active<'_, '_, A> {
    fn drop(&mut self) {
        self.ctx.inner.lock().active -= 1;
        self.ctx.changed.notify_one();
    }
}

impl<A: App> Context<'_, A> {
    /// Whether the ledger holds anything, as far as this attempt knows.
    pub(crate) fn has_deeds(&self) -> bool {
        self.inner.lock().memo.has_deeds()
    }
}
