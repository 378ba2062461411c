//! Where a claim begins to look: the low-water mark.
//!
//! While somebody holds a transaction open, every token that was claimed since stays in the index as a dead entry, and a
//! look from the beginning of a queue walks over all of them. A claimer knows how far it has come, so it begins there.
//!
//! What becomes ready *below* its mark (a job that was woken, one of higher priority, one whose enqueue committed late)
//! is found by a full look, from the beginning. As long as full looks are quick, there are only full looks, and nothing
//! is ever behind a mark. When they become slow, they are spaced so that they take a fifth of the time, and at least one
//! a second: the engine slows down, but nothing is missed for longer than that.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::store::ready::{ClaimedRow, Mark};

/// A look that took no longer is quick.
const QUICK: Duration = Duration::from_millis(8);

/// After a slow full look, so many times its length until the next.
const REST_FACTOR: u32 = 4;

/// How long what lies below a mark can be missed at worst.
const FULL_LOOK_EVERY_MAX: Duration = Duration::from_secs(1);

/// How far a claimer has come in each of its queues.
#[derive(Debug)]
pub(super) struct Marks {
    marks: HashMap<i16, Mark>,
    full_due: Instant,
}

/// One look: where it begins in each queue.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) begin: Vec<Mark>,
    is_full: bool,
    began: Instant,
}

impl Marks {
    pub(super) fn new(now: Instant) -> Marks {
        Marks { marks: HashMap::new(), full_due: now }
    }

    /// Plans a look at these queues.
    pub(super) fn look(&self, queue_ids: &[i16], now: Instant) -> Look {
        let is_full = now >= self.full_due;
        let begin = |queue_id: &i16| {
            let start = Mark { queue_id: *queue_id, priority: i16::MIN, job_id: Uuid::nil() };
            if is_full { start } else { self.marks.get(queue_id).copied().unwrap_or(start) }
        };
        Look { begin: queue_ids.iter().map(begin).collect(), is_full, began: now }
    }

    /// Takes note of what a look found. `is_all`: it did not end because there was no more room.
    pub(super) fn found(&mut self, look: &Look, rows: &[ClaimedRow], is_all: bool, now: Instant) {
        if look.is_full {
            let took = now - look.began;
            let rest = if took <= QUICK { Duration::ZERO } else { took * REST_FACTOR };
            self.full_due = now + rest.min(FULL_LOOK_EVERY_MAX);
        }
        let mut came_to: HashMap<i16, Mark> = HashMap::new();
        for row in rows {
            let mark = Mark { queue_id: row.queue_id, priority: row.priority, job_id: row.job_id };
            let far = came_to.entry(row.queue_id).or_insert(mark);
            *far = mark.max(*far);
        }
        for (queue_id, mark) in came_to {
            let known = self.marks.entry(queue_id).or_insert(mark);
            // A look that ended early has left things between here and the mark of before.
            *known = if is_all { mark.max(*known) } else { mark };
        }
    }

    /// How long a claimer that found nothing may rest: until it has to look at all.
    pub(super) fn rest(&self, look: &Look, now: Instant) -> Duration {
        if look.is_full { Duration::MAX } else { self.full_due.saturating_duration_since(now) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn row(priority: i16, job: u128) -> ClaimedRow {
        ClaimedRow {
            deadline_at: None,
            job_id: Uuid::from_u128(job),
            retention: 1,
            epoch: 1,
            queue_id: 7,
            kind_id: 1,
            priority,
            attempt: 0,
            course: 0,
            claimed_at: DateTime::UNIX_EPOCH,
            args: serde_json::Value::Null,
            tenant_id: None,
            parent_id: None,
            unique_key: None,
            traceparent: None,
            has_deed: false,
            created_at: DateTime::UNIX_EPOCH,
            gated: false,
            expired: false,
        }
    }

    fn at(look: &Look) -> (i16, u128) {
        (look.begin[0].priority, look.begin[0].job_id.as_u128())
    }

    const START: (i16, u128) = (i16::MIN, 0);

    #[test]
    fn while_looks_are_quick_each_begins_at_the_beginning() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        for job in 1..5 {
            let look = marks.look(&[7], now);
            assert_eq!(at(&look), START);
            now += QUICK;
            marks.found(&look, &[row(0, job)], false, now);
        }
    }

    #[test]
    fn after_a_slow_look_the_next_ones_begin_where_it_came_to_until_a_full_one_is_due() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        let slow = marks.look(&[7], now);
        now += Duration::from_millis(100);
        marks.found(&slow, &[row(0, 3), row(0, 5), row(-1, 9)], false, now);
        let marked = marks.look(&[7], now);
        assert_eq!(at(&marked), (0, 5), "the last in claim order");
        assert_eq!(marks.rest(&marked, now), Duration::from_millis(400));
        now += Duration::from_millis(401);
        assert_eq!(at(&marks.look(&[7], now)), START);
    }

    #[test]
    fn what_lies_below_a_mark_is_looked_for_once_a_second_however_slow_a_look_is() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        let look = marks.look(&[7], now);
        now += Duration::from_secs(4);
        marks.found(&look, &[row(0, 3)], true, now);
        assert_eq!(at(&marks.look(&[7], now + FULL_LOOK_EVERY_MAX)), START);
    }

    #[test]
    fn a_full_look_that_ended_early_takes_the_mark_back() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        for (jobs, is_all, expected) in [([8, 9], false, 9), ([2, 3], false, 3), ([1, 2], true, 3)]
        {
            let look = marks.look(&[7], now + FULL_LOOK_EVERY_MAX);
            now = look.began + Duration::from_millis(100);
            marks.found(&look, &jobs.map(|job| row(0, job)), is_all, now);
            assert_eq!(at(&marks.look(&[7], now)), (0, expected));
        }
    }
}
