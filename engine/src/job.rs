//! What is to be done: a kind, a queue, arguments, and how it wants to be treated.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    error::Error,
    gate::Gates,
    workflow::{App, Change},
};

/// Arguments above this belong in a table of their own, with their id as the argument.
pub const ARGS_BYTES_MAX: usize = 256 * 1024;

/// Names a job for ever. A `UUIDv7`, so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// A new id, from this process's clock (the clock only orders; it decides nothing).
    #[expect(clippy::disallowed_methods, reason = "the one place where job ids are made")]
    pub fn mint() -> JobId {
        JobId(Uuid::now_v7())
    }

    /// The id as the database keeps it.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for JobId {
    fn from(uuid: Uuid) -> JobId {
        JobId(uuid)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<JobId, uuid::Error> {
        Uuid::try_parse(text).map(JobId)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long a finished job is kept. Decides its partition, so it cannot change later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// A few days: frequent chores of which only the last ones interest.
    Brief,
    /// A few weeks: the default.
    #[default]
    Standard,
    /// A year: what an auditor may ask about.
    Long,
}

impl Retention {
    pub(crate) const fn code(self) -> i16 {
        match self {
            Retention::Brief => 0,
            Retention::Standard => 1,
            Retention::Long => 2,
        }
    }

    /// The CHECK admits 0 to 2 only.
    pub(crate) const fn from_code(code: i16) -> Retention {
        match code {
            0 => Retention::Brief,
            2 => Retention::Long,
            _ => Retention::Standard,
        }
    }
}

/// When a job may run first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// As soon as a worker is free.
    #[default]
    Now,
    /// This long after the enqueue, by the database's clock.
    After(Duration),
    /// At an instant.
    At(DateTime<Utc>),
}

/// How long a unique key keeps others out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until the job is finished.
    WhileLive,
    /// This long, finished or not.
    For(Duration),
    /// For ever.
    ForEver,
}

/// A key of which the queue accepts one job: a second enqueue returns the first job's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    pub(crate) key: Vec<u8>,
    pub(crate) hold: Hold,
}

impl Unique {
    /// A key within a scope (the kind, as a rule). Only its SHA-256 is stored, so it may hold what must not be seen.
    pub fn new(scope: &str, key: &str, hold: Hold) -> Unique {
        let digest =
            Sha256::new().chain_update(scope).chain_update([0]).chain_update(key).finalize();
        Unique { key: digest[..16].to_vec(), hold }
    }
}

/// A job that is not in the database yet.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name for ever; callers that must answer before the commit know it already.
    pub id: JobId,
    /// Which workflow runs it.
    pub kind: String,
    /// Where it waits for a worker.
    pub queue: String,
    /// The workflow, serialised.
    pub args: Value,
    /// Lower runs first; 0 is ordinary.
    pub priority: i16,
    /// How long it is kept when finished.
    pub retention: Retention,
    /// When it may run first.
    pub start: Start,
    /// After that it is not begun any more; [`Start::Now`]: it may always be.
    pub expires: Start,
    /// How long its run may take, counted from its creation; `None`: as its workflow says.
    pub deadline: Option<Duration>,
    /// What it has to pass before it runs. `None`: what its workflow says.
    pub gates: Option<Gates>,
    /// Whose work it is, where it is a tenant's.
    pub tenant: Option<Uuid>,
    /// Keeps a second one out.
    pub unique: Option<Unique>,
    /// The W3C trace context of the request that asked for it.
    pub traceparent: Option<String>,
    pub(crate) parent: Option<Parent>,
    pub(crate) deed: Option<Deed>,
}

/// Who waits for a child's end.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) id: JobId,
    pub(crate) step: String,
}

/// What was done in the transaction that enqueues a job.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) name: &'static str,
    pub(crate) input: Value,
    pub(crate) output: Value,
}

impl NewJob {
    /// A job of a kind that is known by name only (the admin API). Code uses [`crate::Workflow::job`].
    pub fn of_kind(kind: &str, queue: &str, args: Value) -> NewJob {
        NewJob {
            id: JobId::mint(),
            kind: kind.to_owned(),
            queue: queue.to_owned(),
            args,
            priority: 0,
            retention: Retention::default(),
            start: Start::Now,
            expires: Start::Now,
            deadline: None,
            gates: None,
            tenant: None,
            unique: None,
            traceparent: None,
            parent: None,
            deed: None,
        }
    }

    /// With this id, made by the caller beforehand.
    #[must_use]
    pub fn id(mut self, id: JobId) -> NewJob {
        self.id = id;
        self
    }

    /// On behalf of a tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: Uuid) -> NewJob {
        self.tenant = Some(tenant);
        self
    }

    /// Not before.
    #[must_use]
    pub fn start(mut self, start: Start) -> NewJob {
        self.start = start;
        self
    }

    /// Fails instead of beginning later than this long after its enqueue. Once begun, it may take its time.
    #[must_use]
    pub fn expires_after(mut self, time: Duration) -> NewJob {
        self.expires = Start::After(time);
        self
    }

    /// Fails, and is undone, if it has not ended this long after its creation; instead of what its workflow says.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> NewJob {
        self.deadline = Some(time);
        self
    }

    /// Fails instead of beginning after this instant.
    #[must_use]
    pub fn expires_at(mut self, instant: DateTime<Utc>) -> NewJob {
        self.expires = Start::At(instant);
        self
    }

    /// Passes these gates before it runs, instead of those that its workflow says.
    #[must_use]
    pub fn gates(mut self, gates: Gates) -> NewJob {
        self.gates = Some(gates);
        self
    }

    /// Kept unique by a key.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> NewJob {
        self.unique = Some(unique);
        self
    }

    /// Born with a deed: a change that the caller makes in the transaction of the enqueue. It stands first in the job's
    /// ledger, so unless the job succeeds it is undone, even if no worker ever ran the body.
    pub fn with_deed<A: App, C: Change<A>>(
        mut self,
        done: &C,
        output: &C::Output,
    ) -> Result<NewJob, Error> {
        let input = serde_json::to_value(done).map_err(Error::Encode)?;
        let output = serde_json::to_value(output).map_err(Error::Encode)?;
        self.deed = Some(Deed { name: C::NAME, input, output });
        Ok(self)
    }

    /// Lower runs first.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> NewJob {
        self.priority = priority;
        self
    }
}

/// What became of an enqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// The job is new.
    New(JobId),
    /// Its unique key is taken: this is the job that has it.
    Duplicate(JobId),
}

impl Enqueued {
    /// The job that now stands for the request, new or not.
    pub const fn id(self) -> JobId {
        match self {
            Enqueued::New(id) | Enqueued::Duplicate(id) => id,
        }
    }
}
