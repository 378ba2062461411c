//! Where a claim begins to look: the low-water marks.
//!
//! While somebody holds a transaction open, every token that was claimed since stays in the index as a dead entry, and a
//! look from the beginning of a queue walks over all of them. A claimer knows how far it has come at each priority, so it
//! begins there.
//!
//! What becomes ready *below* its mark (a job that was woken, one whose enqueue committed late) is found by looks *back*: by
//! a second of jobs, by ten, by a hundred, or by all. As long as a look at all is quick, there are no others, and nothing is
//! ever behind a mark. One that is slow is spaced, in proportion to what it took and to how many workers look: all of them
//! together spend a sixteenth of a core's time on each kind of look. So the younger a job is, the sooner it is found, and no
//! worker goes without a look at all for longer than a few minutes.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::store::ready::{ClaimedRow, OPEN, Range};

/// What a look may take beyond one that begins at its marks, to be quick; and what each job that it found may.
const QUICK: Duration = Duration::from_millis(4);
const QUICK_A_JOB: Duration = Duration::from_micros(40);

/// Of what a look from its marks takes at least, so much is taken for the way to the server and back.
const WAY_MAX: Duration = Duration::from_millis(20);

/// How far looks go back, counted from the mark; the last kind goes back to the beginning.
const BACK: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(100)];
const ALL: usize = BACK.len();

/// After a slow look, so many times its length until the next of its kind, anywhere.
const REST_FACTOR: u32 = 16;

/// How long one worker goes without a look, however many there are.
const REST_MAX: Duration = Duration::from_mins(2);

/// Marks of one queue; who uses more priorities walks over the dead of some.
const PRIORITIES_MAX: usize = 8;

/// How far a claimer has come in each of its queues.
#[derive(Debug, Default)]
pub(super) struct Marks {
    queues: HashMap<i16, Known>,
    /// The least that a look from its marks has taken.
    way: Option<Duration>,
}

#[derive(Debug)]
struct Known {
    /// By priority.
    marks: BTreeMap<i16, Uuid>,
    kinds: [Kind; ALL + 1],
}

/// A kind of look: when the next one is due, and how long the last one was to be followed by none.
#[derive(Debug, Clone, Copy)]
struct Kind {
    due: Instant,
    rest: Duration,
}

/// One look: where it begins and ends in each queue.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) ranges: Vec<Range>,
    /// Queues in their order, and the kind of the look at each; `None`: from its marks on.
    kinds: Vec<(i16, Option<usize>)>,
    began: Instant,
}

/// How a look went.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) rows: &'a [ClaimedRow],
    /// It did not end because there was no more room, but for queues with a room of their own.
    pub(super) is_all: bool,
    pub(super) limited: &'a [i16],
    /// Workers that look at the same queues.
    pub(super) fleet: u32,
    /// About 1; another one each time, so that many do not look at the same moment.
    pub(super) stagger: f64,
    pub(super) now: Instant,
}

impl Marks {
    /// Plans a look at these queues: at each of them the furthest back that is due.
    pub(super) fn look(&self, queue_ids: &[i16], now: Instant) -> Look {
        let mut look = Look { ranges: Vec::new(), kinds: Vec::new(), began: now };
        for queue_id in queue_ids {
            let known = self.queues.get(queue_id);
            let kind = known.map_or(Some(ALL), |known| known.due(now));
            match known.filter(|_| kind != Some(ALL)) {
                Some(known) => known.ranges(*queue_id, kind, &mut look.ranges),
                None => look.ranges.push(whole(*queue_id)),
            }
            look.kinds.push((*queue_id, kind));
        }
        look
    }

    /// Takes note of what a look found.
    pub(super) fn found(&mut self, look: &Look, seen: &Seen<'_>) {
        let rest = self.rest_after(look, seen);
        // Queues behind the one in which there was no more room were not looked at.
        let is_last =
            |(queue_id, _): &(i16, _)| seen.rows.iter().any(|row| row.queue_id == *queue_id);
        let last = look.kinds.iter().rposition(is_last).map_or(0, |last| last + 1);
        let looked_at = if seen.is_all { look.kinds.len() } else { last };
        for (queue_id, kind) in look.kinds.iter().take(looked_at) {
            let known = self.queues.entry(*queue_id).or_insert_with(|| Known::new(seen.now));
            if let Some(kind) = *kind {
                known.looked(kind, rest, seen.now);
            }
            let is_cut = !seen.is_all || seen.limited.contains(queue_id);
            known.came_to(seen.rows.iter().filter(|row| row.queue_id == *queue_id), is_cut);
        }
    }

    /// Takes note of a look that got no answer. Who has no marks yet begins at `begin` from then on, so that the next look
    /// has less to walk over.
    pub(super) fn failed(&mut self, look: &Look, seen: &Seen<'_>, begin: Uuid) {
        self.found(look, seen);
        for (queue_id, _) in &look.kinds {
            let known = self.queues.entry(*queue_id).or_insert_with(|| Known::new(seen.now));
            if known.marks.is_empty() {
                known.marks.insert(0, begin);
            }
        }
    }

    /// How long there is to be no other look of the kind.
    fn rest_after(&mut self, look: &Look, seen: &Seen<'_>) -> Duration {
        let jobs = u32::try_from(seen.rows.len()).unwrap_or(u32::MAX);
        let took = (seen.now - look.began).saturating_sub(QUICK_A_JOB.saturating_mul(jobs));
        if look.kinds.iter().all(|(_, kind)| kind.is_none()) {
            self.way = Some(self.way.map_or(took, |way| way.min(took)).min(WAY_MAX));
        }
        if took <= QUICK + self.way.unwrap_or_default() {
            return Duration::ZERO;
        }
        let rest = took.saturating_mul(REST_FACTOR).saturating_mul(seen.fleet.max(1));
        rest.min(REST_MAX).mul_f64(seen.stagger)
    }

    /// How long a claimer that found nothing may rest: until it has to look back further than it did.
    pub(super) fn rest(&self, look: &Look, now: Instant) -> Duration {
        let due = look.kinds.iter().filter_map(|(queue_id, kind)| {
            let further = kind.map_or(0, |kind| kind + 1);
            self.queues.get(queue_id)?.kinds[further..].iter().map(|kind| kind.due).min()
        });
        due.min().map_or(Duration::MAX, |due| due.saturating_duration_since(now))
    }
}

impl Known {
    fn new(now: Instant) -> Known {
        let kind = Kind { due: now, rest: Duration::ZERO };
        Known { marks: BTreeMap::new(), kinds: [kind; ALL + 1] }
    }

    /// The furthest look back that is due.
    fn due(&self, now: Instant) -> Option<usize> {
        (0..=ALL).rev().find(|kind| now >= self.kinds[*kind].due)
    }

    /// Adds all of the queue but what lies below its marks, less as much as it is to look back.
    fn ranges(&self, queue_id: i16, kind: Option<usize>, ranges: &mut Vec<Range>) {
        let by = kind.and_then(|kind| BACK.get(kind).copied()).unwrap_or_default();
        let mut range = whole(queue_id);
        for (priority, mark) in &self.marks {
            // What is more urgent than any of its kind before is looked at from its beginning.
            ranges.push(Range { below: i32::from(*priority), ..range });
            range = Range { priority: *priority, job_id: earlier(*mark, by), ..range };
        }
        ranges.push(range);
    }

    /// Who has looked back further has looked at what lies nearer.
    fn looked(&mut self, kind: usize, rest: Duration, now: Instant) {
        self.kinds[kind].rest = rest;
        for kind in &mut self.kinds[..=kind] {
            kind.due = now + kind.rest;
        }
    }

    fn came_to<'a>(&mut self, rows: impl Iterator<Item = &'a ClaimedRow>, is_cut: bool) {
        let mut came_to: BTreeMap<i16, Uuid> = BTreeMap::new();
        for row in rows {
            let mark = mark_of(row);
            let far = came_to.entry(row.priority).or_insert(mark);
            *far = mark.max(*far);
        }
        let last = came_to.last_key_value().map(|(priority, _)| *priority);
        for (priority, mark) in came_to {
            let known = self.marks.entry(priority).or_insert(mark);
            // A look that ended early has left things between where it ended and the mark of before.
            let ended_here = is_cut && Some(priority) == last;
            *known = if ended_here { mark } else { mark.max(*known) };
        }
        while self.marks.len() > PRIORITIES_MAX {
            self.marks.pop_first();
        }
    }
}

const fn whole(queue_id: i16) -> Range {
    Range { queue_id, priority: i16::MIN, job_id: Uuid::nil(), below: OPEN }
}

/// A job that was just claimed as a mark. One whose id is ahead of its time (a caller's own, or a fast clock's) must not hide
/// what comes after it.
fn mark_of(row: &ClaimedRow) -> Uuid {
    let claimed = u64::try_from(row.claimed_at.timestamp_millis()).unwrap_or_default();
    row.job_id.min(first_of(u128::from(claimed)))
}

/// An id that none has which was made this long before.
pub(super) fn earlier(id: Uuid, by: Duration) -> Uuid {
    if by.is_zero() { id } else { first_of((id.as_u128() >> 80).saturating_sub(by.as_millis())) }
}

/// What no id of this millisecond lies below. (Ids begin with it: RFC 9562, version 7.)
const fn first_of(millis: u128) -> Uuid {
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests;
