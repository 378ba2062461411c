//! A claimed job in the hands of this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    job::JobId,
    state::Course,
    store::{Fence, ready::ClaimedRow},
};

/// Until when the pool's lease holds for certain, by this machine's own clock, which goes on while the process is stopped.
#[derive(Debug)]
pub(crate) struct LeaseClock {
    born: Instant,
    /// Milliseconds after `born`.
    until: AtomicU64,
}

impl LeaseClock {
    pub(crate) fn new() -> LeaseClock {
        LeaseClock { born: Instant::now(), until: AtomicU64::new(0) }
    }

    /// The lease was renewed by a request that was sent at this instant: never later than the database counts.
    pub(crate) fn renew(&self, sent: Instant, lease: Duration) {
        let until = (sent + lease).duration_since(self.born).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn holds(&self) -> bool {
        self.born.elapsed().as_millis() < u128::from(self.until.load(Ordering::Acquire))
    }
}

/// A job that a worker has claimed and not ended yet. Clones are the same job.
#[derive(Debug, Clone)]
pub struct LeasedJob(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    row: ClaimedRow,
    kind: Arc<str>,
    queue: Arc<str>,
    claimed: Instant,
    lease: Arc<LeaseClock>,
    lost: CancellationToken,
    cancel: CancellationToken,
    stop: CancellationToken,
    /// Whether it has said how far it is, under this lease.
    progress: AtomicBool,
    /// Room in the worker: given back when the last clone is dropped, which is after the outcome's commit.
    _room: OwnedSemaphorePermit,
}

impl LeasedJob {
    pub(crate) fn new(
        row: ClaimedRow,
        kind: Arc<str>,
        queue: Arc<str>,
        lease: Arc<LeaseClock>,
        stop: CancellationToken,
        room: OwnedSemaphorePermit,
    ) -> LeasedJob {
        LeasedJob(Arc::new(Inner {
            row,
            kind,
            queue,
            claimed: Instant::now(),
            lease,
            lost: CancellationToken::new(),
            cancel: CancellationToken::new(),
            stop,
            progress: AtomicBool::new(false),
            _room: room,
        }))
    }

    /// Which job.
    pub fn id(&self) -> JobId {
        self.0.row.job_id.into()
    }

    /// Which workflow.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Where it waited.
    pub fn queue(&self) -> &str {
        &self.0.queue
    }

    /// Which try this is, from 1.
    pub fn attempt(&self) -> i16 {
        self.0.row.attempt + 1
    }

    /// Which claim this is: the fence.
    pub fn epoch(&self) -> i32 {
        self.0.row.epoch
    }

    /// The trace context it was enqueued with.
    pub fn traceparent(&self) -> Option<&str> {
        self.0.row.traceparent.as_deref()
    }

    /// Whose work it is.
    pub fn tenant(&self) -> Option<Uuid> {
        self.0.row.tenant_id
    }

    pub(crate) fn args(&self) -> &Value {
        &self.0.row.args
    }

    pub(crate) fn course(&self) -> Course {
        Course::from_code(self.0.row.course)
    }

    pub(crate) fn fence(&self) -> Fence {
        Fence {
            job_id: self.0.row.job_id,
            retention: self.0.row.retention,
            epoch: self.0.row.epoch,
        }
    }

    /// Whether it had to pass gates: its end may let another one in.
    pub(crate) fn is_gated(&self) -> bool {
        self.0.row.gated
    }

    /// Whether its time was over before it began.
    pub(crate) fn has_expired(&self) -> bool {
        self.0.row.expired
    }

    /// Of which kind, by number.
    pub(crate) fn kind_id(&self) -> i16 {
        self.0.row.kind_id
    }

    /// Of which queue, by number.
    pub(crate) fn queue_id(&self) -> i16 {
        self.0.row.queue_id
    }

    /// Whether something was done for it before it ever ran.
    pub(crate) fn has_deed(&self) -> bool {
        self.0.row.has_deed
    }

    /// After which instant it is over, if it was given a deadline of its own.
    pub(crate) fn deadline_at(&self) -> Option<DateTime<Utc>> {
        self.0.row.deadline_at
    }

    /// When it was made.
    pub(crate) fn created_at(&self) -> DateTime<Utc> {
        self.0.row.created_at
    }

    /// It has said how far it is.
    pub(crate) fn has_progress(&self) {
        self.0.progress.store(true, Ordering::Release);
    }

    /// Whether it may have said how far it is, under this lease or an earlier one.
    pub(crate) fn may_have_progress(&self) -> bool {
        self.epoch() > 1 || self.0.progress.load(Ordering::Acquire)
    }

    pub(crate) fn parent(&self) -> Option<Uuid> {
        self.0.row.parent_id
    }

    pub(crate) fn unique_key(&self) -> Option<&[u8]> {
        self.0.row.unique_key.as_deref()
    }

    /// How long it waited from its creation to this claim, in seconds.
    pub(crate) fn waited(&self) -> f64 {
        let waited = self.0.row.claimed_at - self.0.row.created_at;
        waited.to_std().unwrap_or_default().as_secs_f64()
    }

    /// How long this claim has lasted.
    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.0.claimed.elapsed()
    }

    /// The database's now, as of the claim plus what has passed here since.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        #[cfg(feature = "planted-bugs")]
        if let Some(now) = crate::planted::clock() {
            return now;
        }
        self.0.row.claimed_at + self.0.claimed.elapsed()
    }

    /// Whether the lease is certainly ours at this instant. To be asked right before something that cannot be fenced: a
    /// process that was stopped for longer than its lease must not go on to send what another has sent meanwhile.
    pub(crate) fn is_ours(&self) -> bool {
        !self.0.lost.is_cancelled() && self.0.lease.holds()
    }

    /// Fires when the lease is no longer ours: nothing this process does for the job counts any more.
    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.0.lost
    }

    /// Fires when somebody wants the job cancelled.
    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.0.cancel
    }

    /// Fires when the worker is stopping: hand the job back at the next boundary.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }
}
