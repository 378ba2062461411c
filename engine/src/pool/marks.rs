//! Where a claim begins to look: the low-water marks.
//!
//! While somebody holds a transaction open, every token that was claimed since stays in the index as a dead entry, and a
//! look from the beginning of a queue walks over all of them. A claimer knows how far it has come at each priority, so it
//! begins there.
//!
//! What becomes ready *below* its mark (a job that was woken, one whose enqueue committed late) is found by looks *back*: by
//! a second of jobs, by ten, by a hundred, or by all. As long as a look at all is quick, there are no others, and nothing is
//! ever behind a mark. One that is slow is spaced, in proportion to what it took and to how many look: all claimers together
//! spend a sixteenth of a core's time on each kind of look. So the younger a job is, the sooner it is found, and nothing is
//! missed for longer than half a minute.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::store::ready::{ClaimedRow, OPEN, Range};

/// A look that took no longer is quick, for what it found nothing of and for each job that it found.
const QUICK: Duration = Duration::from_millis(4);
const QUICK_A_JOB: Duration = Duration::from_micros(40);

/// How far looks go back, counted from the mark; the last kind goes back to the beginning.
const BACK: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(100)];
const ALL: usize = BACK.len();

/// After a slow look, so many times its length until the next of its kind, anywhere.
const REST_FACTOR: u32 = 16;

/// How long what lies below all marks can be missed at worst.
const REST_MAX: Duration = Duration::from_secs(30);

/// Marks of one queue; who uses more priorities walks over the dead of some.
const PRIORITIES_MAX: usize = 8;

/// How far a claimer has come in each of its queues.
#[derive(Debug)]
pub(super) struct Marks {
    /// By queue and priority.
    marks: HashMap<i16, BTreeMap<i16, Uuid>>,
    /// For each kind of look: when the next one is due, and how long the last one is to be followed by none.
    kinds: [Kind; ALL + 1],
}

#[derive(Debug, Clone, Copy)]
struct Kind {
    due: Instant,
    rest: Duration,
}

/// One look: where it begins and ends in each queue.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) ranges: Vec<Range>,
    /// Its kind; `None`: from the marks on.
    kind: Option<usize>,
    began: Instant,
}

impl Marks {
    pub(super) fn new(now: Instant) -> Marks {
        let kind = Kind { due: now, rest: Duration::ZERO };
        Marks { marks: HashMap::new(), kinds: [kind; ALL + 1] }
    }

    /// Plans a look at these queues: the furthest back that is due.
    pub(super) fn look(&self, queue_ids: &[i16], now: Instant) -> Look {
        let kind = (0..=ALL).rev().find(|kind| now >= self.kinds[*kind].due);
        let by =
            kind.map_or(Duration::ZERO, |kind| BACK.get(kind).copied().unwrap_or(Duration::MAX));
        let ranges = queue_ids.iter().flat_map(|queue_id| self.ranges(*queue_id, by)).collect();
        Look { ranges, kind, began: now }
    }

    /// All of a queue but what lies below its marks, less as much as it is to look back.
    fn ranges(&self, queue_id: i16, by: Duration) -> Vec<Range> {
        let whole = Range { queue_id, priority: i16::MIN, job_id: Uuid::nil(), below: OPEN };
        let Some(marks) = self.marks.get(&queue_id).filter(|_| by != Duration::MAX) else {
            return vec![whole];
        };
        let mut ranges = vec![whole];
        for (priority, mark) in marks {
            // What is more urgent than any of its kind before is looked at from its beginning.
            if let Some(before) = ranges.last_mut() {
                before.below = i32::from(*priority);
            }
            let job_id = earlier(*mark, by);
            ranges.push(Range { queue_id, priority: *priority, job_id, below: OPEN });
        }
        ranges
    }

    /// Takes note of what a look found. `is_all`: it did not end because there was no more room. `fleet`: workers that live.
    pub(super) fn found(
        &mut self,
        look: &Look,
        rows: &[ClaimedRow],
        is_all: bool,
        (fleet, now): (u32, Instant),
    ) {
        if let Some(kind) = look.kind {
            let took = now - look.began;
            let jobs = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let is_quick = took <= QUICK + QUICK_A_JOB * jobs;
            let rest = if is_quick { Duration::ZERO } else { (took * REST_FACTOR).min(REST_MAX) };
            self.kinds[kind].rest = rest * fleet.max(1);
            // Who has looked back further has looked at what lies nearer.
            for kind in &mut self.kinds[..=kind] {
                kind.due = now + kind.rest;
            }
        }
        let mut came_to: HashMap<i16, BTreeMap<i16, Uuid>> = HashMap::new();
        for row in rows {
            let marks = came_to.entry(row.queue_id).or_default();
            let far = marks.entry(row.priority).or_insert(row.job_id);
            *far = row.job_id.max(*far);
        }
        for (queue_id, marks) in came_to {
            let last = marks.last_key_value().map(|(priority, _)| *priority);
            let known = self.marks.entry(queue_id).or_default();
            for (priority, mark) in marks {
                let known = known.entry(priority).or_insert(mark);
                // A look that ended early has left things between where it ended and the mark of before.
                let ended_here = !is_all && Some(priority) == last;
                *known = if ended_here { mark } else { mark.max(*known) };
            }
            while known.len() > PRIORITIES_MAX {
                known.pop_first();
            }
        }
    }

    /// How long a claimer that found nothing may rest: until it has to look back further than it did.
    pub(super) fn rest(&self, look: &Look, now: Instant) -> Duration {
        let further = look.kind.map_or(0, |kind| kind + 1);
        let due = self.kinds[further..].iter().map(|kind| kind.due).min();
        due.map_or(Duration::MAX, |due| due.saturating_duration_since(now))
    }
}

/// An id that none has which was made this long before. (Ids begin with their time in milliseconds: RFC 9562, version 7.)
fn earlier(id: Uuid, by: Duration) -> Uuid {
    let millis = (id.as_u128() >> 80).saturating_sub(by.as_millis());
    if by.is_zero() { id } else { Uuid::from_u128(millis << 80) }
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

    /// A job of this millisecond.
    fn made_at(millis: u128) -> u128 {
        (millis << 80) | (0x7 << 76) | 0x8000_0000_0000_0001
    }

    type From = (i16, u128, i32);

    fn of(look: &Look) -> Vec<From> {
        look.ranges.iter().map(|it| (it.priority, it.job_id.as_u128(), it.below)).collect()
    }

    const START: From = (i16::MIN, 0, OPEN);

    /// A claimer that has come to these, by a look that was slow.
    fn came_to(rows: &[ClaimedRow], took: Duration) -> (Marks, Instant) {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        let look = marks.look(&[7], now);
        now += took;
        marks.found(&look, rows, false, (1, now));
        (marks, now)
    }

    /// Looks back by a hundred seconds, by ten and by one, all of them slow.
    fn looked_back(marks: &mut Marks, mut now: Instant) -> Instant {
        for _ in 0..ALL {
            let look = marks.look(&[7], now);
            now += Duration::from_millis(100);
            marks.found(&look, &[], true, (1, now));
        }
        now
    }

    #[test]
    fn while_looks_are_quick_each_begins_at_the_beginning() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        for job in 1..5 {
            let look = marks.look(&[7], now);
            assert_eq!(of(&look), [START]);
            now += QUICK + QUICK_A_JOB;
            marks.found(&look, &[row(0, job)], false, (4, now));
            assert_eq!(marks.rest(&look, now), Duration::MAX);
        }
    }

    #[test]
    fn after_slow_looks_the_next_ones_begin_where_each_priority_came_to() {
        let (mut marks, now) =
            came_to(&[row(0, 3), row(0, 5), row(-1, 9)], Duration::from_millis(100));
        let now = looked_back(&mut marks, now);
        let look = marks.look(&[7], now);
        // A third priority is looked for below, between and above them.
        assert_eq!(of(&look), [(i16::MIN, 0, -1), (-1, 9, 0), (0, 5, OPEN)]);
        assert_eq!(of(&marks.look(&[8], now)), [START], "of another queue nothing is known");
        // The look at all took a tenth of a second, and those back a third of one since.
        assert_eq!(marks.rest(&look, now), Duration::from_millis(1600 - 200));
        assert_eq!(of(&marks.look(&[7], now + Duration::from_secs(2))), [START]);
    }

    #[test]
    fn a_look_goes_as_far_back_as_is_due() {
        let minute = made_at(60_000);
        let (mut marks, mut now) = came_to(&[row(0, minute)], Duration::from_secs(1));
        let mut seen = Vec::new();
        for _ in 0..=ALL {
            let look = marks.look(&[7], now);
            seen.push(look.ranges.last().unwrap().job_id.as_u128() >> 80);
            now += Duration::from_millis(100);
            marks.found(&look, &[], true, (1, now));
        }
        assert_eq!(seen, [0, 50_000, 59_000, 60_000]);
        // What lies nearer was looked at with what lies further back.
        assert!(marks.kinds.iter().all(|kind| kind.due > now));
    }

    #[test]
    fn the_more_look_the_seldomer_does_each_and_nothing_is_missed_for_longer_than_half_a_minute() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        let look = marks.look(&[7], now);
        now += Duration::from_millis(100);
        marks.found(&look, &[], true, (4, now));
        assert_eq!(marks.kinds[ALL].due - now, Duration::from_millis(100) * REST_FACTOR * 4);
        let look = marks.look(&[7], now + Duration::from_mins(1));
        now = look.began + Duration::from_secs(10);
        marks.found(&look, &[], true, (1, now));
        assert_eq!(marks.kinds[ALL].due - now, REST_MAX);
    }

    #[test]
    fn a_look_that_ended_early_takes_its_last_mark_back() {
        let mut now = Instant::now();
        let mut marks = Marks::new(now);
        for (jobs, is_all, expected) in [([8, 9], false, 9), ([2, 3], false, 3), ([1, 2], true, 3)]
        {
            let look = marks.look(&[7], now + Duration::from_mins(1));
            now = look.began + Duration::from_millis(100);
            let rows = [row(-1, 7), row(0, jobs[0]), row(0, jobs[1])];
            marks.found(&look, &rows, is_all, (1, now));
            let expected = BTreeMap::from([(-1, 7), (0, expected)]);
            assert_eq!(
                marks.marks[&7],
                expected.into_iter().map(|(p, j)| (p, Uuid::from_u128(j))).collect()
            );
        }
    }

    #[test]
    fn of_many_priorities_the_least_urgent_have_marks() {
        let rows: Vec<_> = (0..20).map(|priority| row(priority, 1)).collect();
        let (marks, _) = came_to(&rows, Duration::from_millis(100));
        assert_eq!(
            marks.marks[&7].keys().copied().collect::<Vec<_>>(),
            (12..20).collect::<Vec<_>>()
        );
    }
}
