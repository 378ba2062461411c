//! What a workflow's body has in its hands: durable steps, deeds, waits, children and branches.
//!
//! Each call first looks whether this run has done it already. A call that has to leave the worker (a retry, a wait, a
//! lost lease) never returns: it notes why and stays pending, and the runner drops the body. So there is no error that a
//! body could swallow by mistake.

mod branch; // a part of a run that goes on beside others
mod child; // jobs of its own
mod deed; // what stands in the ledger
mod drive; // several branches at once
mod fan_out; // many children
mod hold; // permits kept through everything
mod join; // all of them
mod keys; // under which name it is remembered
mod leaving; // when it can get no further
mod memo; // what was done before
mod patch; // old runs and new ones
mod pivot; // no way back
mod progress; // for people who look on
mod race; // the first of them
mod record; // what must be the same after a crash
mod settled; // how a group of branches ended
mod step; // once, then remembered
mod suspension; // why it left
mod wait; // signals and timers

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::{
    branch::Branch,
    child::{ChildEnd, Spawned, WhenParentEnds},
    fan_out::FanOut,
    hold::Held,
    step::{StepKey, StepPolicy},
    wait::{Arrived, Awaited, Wait, WaitAny},
};
use self::{branch::Node, leaving::Stuck};
pub(crate) use self::{
    deed::ProbeAnswer, memo::Memo, pivot::is_past_pivot, suspension::Suspension,
};
use crate::{
    engine::Engine,
    failure::{Class, Failure},
    job::JobId,
    leased::LeasedJob,
    retry::RetryPolicy,
    undo::World,
    workflow::App,
};

/// The surroundings of one attempt of one run, or of one branch of it. Neither `Clone` nor `'static`, so that it cannot
/// leak into a task.
pub struct Context<'a, A: App> {
    shared: Arc<Shared<'a, A>>,
    node: Arc<Node>,
}

/// What all branches of an attempt have in common.
struct Shared<'a, A: App> {
    world: World<'a, A>,
    job: &'a LeasedJob,
    /// After this instant it is over.
    deadline: Option<DateTime<Utc>>,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    memo: Memo,
    /// How often each name has come up in this execution of the body.
    seen: HashMap<String, u32>,
    /// Keys that have come up in this execution.
    met: HashSet<String>,
    /// How many calls there were in this execution.
    steps: u32,
    /// Calls that are at work at this moment, and have not left.
    active: usize,
    /// Calls that can get no further.
    stuck: Vec<Stuck>,
    stuck_ids: u64,
    /// The first pivot that the run has passed.
    pivot: Option<String>,
    cancel_refused: bool,
    patches: HashMap<String, bool>,
    /// Children that are to be cancelled when the run ends.
    to_cancel: Vec<JobId>,
    said: progress::Said,
}

impl<'a, A: App> Context<'a, A> {
    pub(crate) fn new(world: World<'a, A>, job: &'a LeasedJob, memo: Memo) -> Context<'a, A> {
        let inner = Inner {
            pivot: memo.pivot(),
            to_cancel: memo.to_cancel(),
            cancel_refused: false,
            patches: HashMap::new(),
            said: progress::Said::default(),
            memo,
            seen: HashMap::new(),
            met: HashSet::new(),
            steps: 0,
            active: 0,
            stuck: Vec::new(),
            stuck_ids: 0,
        };
        let deadline = world.registry.deadline_of(job);
        let shared =
            Shared { world, job, deadline, inner: Mutex::new(inner), changed: Notify::new() };
        Context { shared: Arc::new(shared), node: Node::root() }
    }

    /// Which job this is.
    pub fn job_id(&self) -> JobId {
        self.job().id()
    }

    /// On behalf of which tenant, where it is a tenant's.
    pub fn tenant(&self) -> Option<Uuid> {
        self.job().tenant()
    }

    /// Which try of the whole body this is, from 1.
    pub fn attempt(&self) -> i16 {
        self.job().attempt()
    }

    /// Which claim of the job this is. Rises with every claim: what is told to others under an earlier one is void.
    pub fn epoch(&self) -> i32 {
        self.job().epoch()
    }

    /// Plain values from the configuration.
    pub fn settings(&self) -> &A::Settings {
        self.world().settings
    }

    /// Encrypts a value, so that it can be an argument or an output.
    pub fn seal<T: serde::Serialize>(
        &self,
        value: &T,
    ) -> Result<crate::sealed::Sealed<T>, Failure> {
        self.engine().sealer().seal(value).map_err(Failure::permanent)
    }

    /// Decrypts an argument or an output. One that cannot be read parks the run: the key may come back.
    pub fn open<T: serde::de::DeserializeOwned>(
        &self,
        sealed: &crate::sealed::Sealed<T>,
    ) -> Result<T, Failure> {
        self.engine().sealer().open(sealed).map_err(|error| Failure::diverged(error.to_string()))
    }

    /// Notes a failed attempt and decides what follows from it: leave and come back, or give the failure to the body.
    async fn fail(
        &self,
        key: &str,
        phase: &'static str,
        policy: RetryPolicy,
        failure: Failure,
    ) -> Failure {
        let attempt = self.inner().lock().memo.next_attempt(key, phase);
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

    /// Whether the ledger holds anything, as far as this attempt knows.
    pub(crate) fn has_deeds(&self) -> bool {
        self.inner().lock().memo.has_deeds()
    }

    fn world(&self) -> &World<'a, A> {
        &self.shared.world
    }

    fn engine(&self) -> &'a Engine {
        self.shared.world.engine
    }

    fn clients(&self) -> &'a A::Clients {
        self.shared.world.clients
    }

    fn job(&self) -> &'a LeasedJob {
        self.shared.job
    }

    fn inner(&self) -> &Mutex<Inner> {
        &self.shared.inner
    }

    /// What time it is in the database, about. Not recorded: for what is told to others, and never for what the run decides
    /// ([`Context::now`]).
    pub fn db_time(&self) -> DateTime<Utc> {
        self.clock()
    }

    /// The database's now.
    fn clock(&self) -> DateTime<Utc> {
        self.job().now()
    }
}
