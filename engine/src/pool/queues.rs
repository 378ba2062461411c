//! What this pool knows of the queues. What is set on a queue is obeyed by the statements that claim; this is only so that
//! a pool knows which of them to ask with a lock, and whom to wake.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::store::queues::QueueRow;

/// How old the knowledge may be: what is set is noticed within a second.
const OLD_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    read: Option<Instant>,
    limited: HashSet<i16>,
}

impl Queues {
    /// Whether it is time to read again.
    pub(super) fn is_old(&self) -> bool {
        self.0.lock().read.is_none_or(|read| read.elapsed() > OLD_AFTER)
    }

    pub(super) fn keep(&self, rows: &[QueueRow]) {
        let limited = rows.iter().filter(|row| row.at_once_max.is_some()).map(|row| row.queue_id);
        *self.0.lock() = Known { read: Some(Instant::now()), limited: limited.collect() };
    }

    pub(super) fn is_limited(&self, queue_id: i16) -> bool {
        self.0.lock().limited.contains(&queue_id)
    }

    /// Those of these that have a limit.
    pub(super) fn limited(&self, queue_ids: &[i16]) -> Vec<i16> {
        let known = self.0.lock();
        queue_ids.iter().copied().filter(|id| known.limited.contains(id)).collect()
    }
}
