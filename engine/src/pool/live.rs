//! The jobs in the hands of a pool, and under which worker id it holds them.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{leased::LeasedJob, store::cancel::Asked};

#[derive(Debug)]
pub(super) struct Live {
    worker_id: AtomicI32,
    jobs: Mutex<HashMap<Uuid, LeasedJob>>,
    changed: Notify,
    fleet: AtomicU32,
    doubted: Mutex<Option<Instant>>,
}

impl Live {
    pub(super) fn new(worker_id: i32) -> Live {
        Live {
            worker_id: AtomicI32::new(worker_id),
            jobs: Mutex::default(),
            changed: Notify::new(),
            fleet: AtomicU32::new(1),
            doubted: Mutex::default(),
        }
    }

    pub(super) fn worker_id(&self) -> i32 {
        self.worker_id.load(Ordering::Acquire)
    }

    /// A claim or an end got no answer: there may be leases of jobs that nobody has in hand.
    pub(super) fn doubt(&self) {
        *self.doubted.lock() = Some(Instant::now());
    }

    /// When that last happened.
    pub(super) fn doubted(&self) -> Option<Instant> {
        *self.doubted.lock()
    }

    /// How many workers looked at the same queues at the last beat, this one included.
    pub(super) fn fleet(&self) -> u32 {
        self.fleet.load(Ordering::Relaxed)
    }

    pub(super) fn set_fleet(&self, workers: u32) {
        self.fleet.store(workers.max(1), Ordering::Relaxed);
    }

    /// A claim of this pool under this id. An earlier one of the same job, if it is still at work here, has lost its lease.
    /// False, and nothing was done: the id is that of a life that is over.
    pub(super) fn insert(&self, worker_id: i32, job: LeasedJob) -> bool {
        // Under the lock, which a new id is given under, too.
        let mut jobs = self.jobs.lock();
        if self.worker_id() != worker_id {
            return false;
        }
        if let Some(earlier) = jobs.insert(job.fence().job_id, job) {
            earlier.lost().cancel();
        }
        true
    }

    /// Takes a job off the list, unless a later claim of the same job stands there by now.
    pub(super) fn remove(&self, job: &LeasedJob) {
        let mut jobs = self.jobs.lock();
        let id = job.fence().job_id;
        if jobs.get(&id).is_some_and(|held| held.epoch() == job.epoch()) {
            jobs.remove(&id);
        }
        if jobs.is_empty() {
            self.changed.notify_waiters();
        }
    }

    pub(super) fn all(&self) -> Vec<LeasedJob> {
        self.jobs.lock().values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.lock().len()
    }

    /// Resolves when no job is left.
    pub(super) async fn empty(&self) {
        loop {
            let changed = self.changed.notified();
            if self.len() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Marks these jobs as to be cancelled, or as lost if they were terminated.
    pub(super) fn cancel(&self, asked: &[Asked]) {
        let jobs = self.jobs.lock();
        for (job, asked) in asked.iter().filter_map(|it| Some((jobs.get(&it.job_id)?, it))) {
            if asked.gone {
                job.lost().cancel();
            } else {
                job.cancel().cancel();
            }
        }
    }

    /// The lease has ended: everything in hand is somebody else's, and what is claimed from now on has a new holder.
    pub(super) fn lose_all(&self, new_worker_id: i32) {
        let mut jobs = self.jobs.lock();
        for (_, job) in jobs.drain() {
            job.lost().cancel();
        }
        self.worker_id.store(new_worker_id, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// As [`Live::lose_all`], while no new id is to be had.
    pub(super) fn lose(&self) {
        self.lose_all(0);
    }
}
