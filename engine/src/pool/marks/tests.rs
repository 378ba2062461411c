//! Where looks begin.

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
        claimed_at: DateTime::from_timestamp_millis(HOUR).unwrap(),
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

/// When all jobs here are claimed.
const HOUR: i64 = 3_600_000;

/// A job of this millisecond.
const fn made_at(millis: u128) -> u128 {
    (millis << 80) | (0x7 << 76) | 0x8000_0000_0000_0001
}

const SLOW: Duration = Duration::from_millis(100);

type From = (i16, u128, i32);

fn of(look: &Look) -> Vec<From> {
    look.ranges.iter().map(|it| (it.priority, it.job_id.as_u128(), it.below)).collect()
}

const START: From = (i16::MIN, 0, OPEN);

fn seen(rows: &[ClaimedRow], now: Instant) -> Seen<'_> {
    Seen { rows, is_all: true, limited: &[], fleet: 1, stagger: 1.0, now }
}

/// A claimer that has come to these, by a look that was slow.
fn came_to(rows: &[ClaimedRow]) -> (Marks, Instant) {
    let (mut marks, now) = (Marks::default(), Instant::now());
    let look = marks.look(&[7], now);
    marks.found(&look, &seen(rows, now + SLOW));
    (marks, now + SLOW)
}

/// Looks back by a hundred seconds, by ten and by one, all of them slow.
fn looked_back(marks: &mut Marks, mut now: Instant) -> Instant {
    for _ in 0..ALL {
        let look = marks.look(&[7], now);
        now += SLOW;
        marks.found(&look, &seen(&[], now));
    }
    now
}

fn due(marks: &Marks, kind: usize) -> Instant {
    marks.queues[&7].kinds[kind].due
}

#[test]
fn while_looks_are_quick_each_begins_at_the_beginning() {
    let (mut marks, mut now) = (Marks::default(), Instant::now());
    for job in 1..5 {
        let look = marks.look(&[7], now);
        assert_eq!(of(&look), [START]);
        now += QUICK + QUICK_A_JOB;
        marks.found(&look, &seen(&[row(0, job)], now));
        assert_eq!(marks.rest(&look, now), Duration::MAX);
    }
}

#[test]
fn after_slow_looks_the_next_ones_begin_where_each_priority_came_to() {
    let (mut marks, now) = came_to(&[row(0, 3), row(0, 5), row(-1, 9)]);
    let now = looked_back(&mut marks, now);
    let look = marks.look(&[7], now);
    // A third priority is looked for below, between and above them.
    assert_eq!(of(&look), [(i16::MIN, 0, -1), (-1, 9, 0), (0, 5, OPEN)]);
    assert_eq!(of(&marks.look(&[8], now)), [START], "of another queue nothing is known");
    // The look at all took a tenth of a second, and those back three since.
    let since = 3 * SLOW + 3 * QUICK_A_JOB * REST_FACTOR;
    assert_eq!(marks.rest(&look, now) + since, SLOW * REST_FACTOR);
    assert_eq!(of(&marks.look(&[7], now + Duration::from_secs(2))), [START]);
}

#[test]
fn a_look_goes_as_far_back_as_is_due() {
    let (mut marks, mut now) = came_to(&[row(0, made_at(600_000))]);
    let mut back = Vec::new();
    for _ in 0..=ALL {
        let look = marks.look(&[7], now);
        back.push(look.ranges.last().unwrap().job_id.as_u128() >> 80);
        now += SLOW;
        marks.found(&look, &seen(&[], now));
    }
    assert_eq!(back, [500_000, 590_000, 599_000, 600_000]);
    // What lies nearer was looked at with what lies further back.
    let look = marks.look(&[7], now + Duration::from_secs(2));
    now = look.began + SLOW;
    marks.found(&look, &seen(&[], now));
    assert!((0..=ALL).all(|kind| due(&marks, kind) > now));
}

#[test]
fn the_more_look_the_seldomer_does_each_and_none_looks_seldomer_than_in_two_minutes() {
    let (mut marks, now) = (Marks::default(), Instant::now());
    let look = marks.look(&[7], now);
    marks.found(&look, &Seen { fleet: 4, ..seen(&[], now + SLOW) });
    assert_eq!(due(&marks, ALL) - now, SLOW + SLOW * REST_FACTOR * 4);
    let look = marks.look(&[7], now + REST_MAX);
    let now = look.began + 100 * SLOW;
    marks.found(&look, &Seen { fleet: 1000, ..seen(&[], now) });
    assert_eq!(due(&marks, ALL) - now, REST_MAX);
}

#[test]
fn the_way_to_the_server_is_no_walk() {
    let (mut marks, now) = came_to(&[row(0, 5)]);
    let now = looked_back(&mut marks, now);
    let way = Duration::from_millis(10);
    let look = marks.look(&[7], now);
    marks.found(&look, &seen(&[], now + way));
    let look = marks.look(&[7], now + Duration::from_mins(1));
    let now = look.began + way + QUICK;
    marks.found(&look, &seen(&[], now));
    assert_eq!(of(&marks.look(&[7], now)), [START], "it was as quick as there is");
}

#[test]
fn a_look_that_ended_early_takes_its_last_mark_back_and_has_not_looked_further() {
    let mut marks = Marks::default();
    let began = Instant::now();
    for (jobs, is_all, expected) in [([8, 9], false, 9), ([2, 3], false, 3), ([1, 2], true, 3)] {
        let look = marks.look(&[7, 8], began + REST_MAX);
        let rows = [row(-1, 7), row(0, jobs[0]), row(0, jobs[1])];
        marks.found(&look, &Seen { is_all, ..seen(&rows, look.began + SLOW) });
        let marked: Vec<_> = marks.queues[&7].marks.values().map(Uuid::as_u128).collect();
        assert_eq!(marked, [7, expected]);
        assert_eq!(marks.queues.contains_key(&8), is_all);
    }
}

#[test]
fn a_limited_queue_may_have_more_below_where_a_look_came_to() {
    let (mut marks, now) = came_to(&[row(0, 9)]);
    let look = marks.look(&[7], now + REST_MAX);
    let rows = [row(0, 3)];
    marks.found(&look, &Seen { limited: &[7], ..seen(&rows, look.began) });
    assert_eq!(marks.queues[&7].marks[&0], Uuid::from_u128(3));
}

#[test]
fn an_id_that_is_ahead_of_its_time_hides_nothing() {
    let (marks, _) = came_to(&[row(0, u128::MAX)]);
    assert_eq!(marks.queues[&7].marks[&0].as_u128() >> 80, u128::from(HOUR.unsigned_abs()));
}

#[test]
fn who_gets_no_answer_looks_elsewhere_next_time() {
    let (mut marks, now) = (Marks::default(), Instant::now());
    let look = marks.look(&[7], now);
    let now = now + Duration::from_secs(5);
    let seed = Uuid::from_u128(made_at(600_000));
    marks.failed(&look, &seen(&[], now), seed);
    assert_eq!(of(&marks.look(&[7], now)).len(), 2);
    let now = looked_back(&mut marks, now);
    assert_eq!(of(&marks.look(&[7], now)), [(i16::MIN, 0, 0), (0, seed.as_u128(), OPEN)]);
}

#[test]
fn of_many_priorities_the_least_urgent_have_marks() {
    let rows: Vec<_> = (0..20).map(|priority| row(priority, 1)).collect();
    let (marks, _) = came_to(&rows);
    let marked: Vec<_> = marks.queues[&7].marks.keys().copied().collect();
    assert_eq!(marked, (12..20).collect::<Vec<_>>());
}
