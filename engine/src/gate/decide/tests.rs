//! Random histories against what must hold in each.

use proptest::prelude::*;

use super::*;
use crate::gate::Gates;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
}

fn candidate(party: u128, gates: &Gates) -> Candidate {
    Candidate {
        job_id: Uuid::from_u128(rand::random()),
        queue_id: 1,
        party: Uuid::from_u128(party),
        gates: gates.as_slice().to_vec(),
        exempt: false,
    }
}

fn asked(candidates: &[Candidate]) -> HashMap<Uuid, Standing> {
    let ids = candidates.iter().flat_map(|candidate| candidate.gates.iter().map(Gate::id));
    ids.map(|id| (id, Standing::default())).collect()
}

#[test]
fn parties_take_turns_however_many_jobs_one_of_them_has() {
    let none = Gates::none();
    let mut candidates: Vec<_> = (0..100).map(|_| candidate(1, &none)).collect();
    candidates.extend((2..=4).map(|party| candidate(party, &none)));
    let party_of: HashMap<_, _> = candidates.iter().map(|c| (c.job_id, c.party)).collect();
    let plan = decide(at(0), 8, 8, candidates, &mut HashMap::new(), &mut HashMap::new());
    let ran: Vec<_> = plan.run.iter().map(|id| party_of[id].as_u128()).collect();
    assert_eq!(ran, [1, 2, 3, 4, 1, 1, 1, 1]);
}

#[test]
fn whoever_is_there_does_not_take_the_turns_of_those_who_are_in_another_hand() {
    let none = Gates::none();
    let mut candidates: Vec<_> = (0..100).map(|_| candidate(1, &none)).collect();
    candidates.extend((2..=4).map(|party| candidate(party, &none)));
    let party_of: HashMap<_, _> = candidates.iter().map(|c| (c.job_id, c.party)).collect();
    let plan = decide(at(0), 8, 2, candidates, &mut HashMap::new(), &mut HashMap::new());
    let ran: Vec<_> = plan.run.iter().map(|id| party_of[id].as_u128()).collect();
    assert_eq!(ran, [1, 2, 3, 4, 1]);
}

#[test]
fn a_job_whose_gate_is_full_does_not_keep_the_next_of_its_lane() {
    let (full, free) =
        (Gates::none().at_once("a", "full", 1), Gates::none().at_once("a", "free", 1));
    let candidates = vec![candidate(1, &full), candidate(1, &free)];
    let mut standings = asked(&candidates);
    standings.get_mut(&full.as_slice()[0].id()).unwrap().running = 1;
    let expected = candidates[1].job_id;
    let plan = decide(at(0), 8, 8, candidates, &mut HashMap::new(), &mut standings);
    assert_eq!(plan.run, [expected]);
}

#[test]
fn a_gate_that_another_worker_has_in_hand_lets_nobody_through() {
    let candidates = vec![candidate(1, &Gates::none().at_once("a", "", 9))];
    let plan = decide(at(0), 8, 8, candidates, &mut HashMap::new(), &mut HashMap::new());
    assert!(plan.run.is_empty() && plan.is_busy);
}

#[test]
fn whoever_is_kept_by_one_gate_takes_nothing_from_the_others() {
    let gates =
        Gates::none().at_once("a", "", 1).rate("r", "", std::time::Duration::from_secs(1), 1);
    let candidates = vec![candidate(1, &gates)];
    let mut standings = asked(&candidates);
    standings.get_mut(&gates.as_slice()[1].id()).unwrap().next_at = Some(at(500));
    let plan = decide(at(0), 8, 8, candidates, &mut HashMap::new(), &mut standings);
    assert!(plan.run.is_empty());
    assert_eq!(plan.next_at, Some(at(500)));
    assert_eq!(standings[&gates.as_slice()[0].id()].running, 0);
}

#[test]
fn a_job_that_has_its_permit_already_needs_no_second() {
    let gates = Gates::none().at_once("a", "", 1);
    let candidates = vec![candidate(1, &gates), candidate(1, &gates)];
    let mut standings = asked(&candidates);
    let standing = standings.get_mut(&gates.as_slice()[0].id()).unwrap();
    (standing.running, standing.has) = (1, vec![candidates[1].job_id]);
    let expected = candidates[1].job_id;
    let plan = decide(at(0), 8, 8, candidates, &mut HashMap::new(), &mut standings);
    assert_eq!(plan.run, [expected]);
    assert!(plan.permits.is_empty());
}

proptest! {
    #[test]
    fn no_limit_is_ever_exceeded(
        max in 1_u32..5,
        queue_room in 0_usize..10,
        room in 0_usize..20,
        running in 0_u32..5,
        parties in prop::collection::vec(0_u128..4, 0..40),
    ) {
        let gates = Gates::none().at_once("a", "", max);
        let candidates: Vec<_> = parties.iter().map(|party| candidate(*party, &gates)).collect();
        let mut standings = asked(&candidates);
        if let Some(standing) = standings.values_mut().next() {
            standing.running = running;
        }
        let free = usize::try_from(max.saturating_sub(running)).unwrap();
        let expected = free.min(room).min(queue_room).min(candidates.len());
        let mut rooms = HashMap::from([(1, queue_room)]);
        let plan = decide(at(0), room, room, candidates, &mut rooms, &mut standings);
        // Exactly as many as may: nothing is wasted either.
        prop_assert_eq!(plan.run.len(), expected);
        prop_assert_eq!(plan.permits.len(), expected);
    }

    #[test]
    fn starts_never_come_closer_than_their_rate(
        every in 1_i64..50,
        burst in 1_u32..5,
        looks in prop::collection::vec((0_i64..200, 0_usize..5), 1..60),
    ) {
        let every_time = std::time::Duration::from_millis(u64::try_from(every).unwrap());
        let gates = Gates::none().rate("r", "", every_time, burst);
        let mut standings = asked(&[candidate(1, &gates)]);
        let (mut now, mut starts) = (0, Vec::new());
        for (step, waiting) in looks {
            now += step;
            let candidates: Vec<_> = (0..waiting).map(|_| candidate(1, &gates)).collect();
            let plan = decide(at(now), 10, 10, candidates, &mut HashMap::new(), &mut standings);
            starts.extend(plan.run.iter().map(|_| now));
            if let Some(next) = plan.next_at {
                prop_assert!(next > at(now), "there is something to wait for");
            }
        }
        // In any window of k intervals there are at most k + burst starts.
        for (first, from) in starts.iter().enumerate() {
            for (last, to) in starts.iter().enumerate().skip(first) {
                let allowed = (to - from) / every + i64::from(burst);
                prop_assert!(i64::try_from(last - first + 1).unwrap() <= allowed, "{starts:?}");
            }
        }
    }

    #[test]
    fn in_each_turn_parties_get_equally_many(
        counts in prop::collection::vec(1_usize..30, 1..8),
        room in 1_usize..60,
    ) {
        let none = Gates::none();
        let candidates: Vec<_> = counts.iter().enumerate()
            .flat_map(|(party, count)| (0..*count).map(move |_| u128::try_from(party).unwrap()))
            .map(|party| candidate(party, &none)).collect();
        let party_of: HashMap<_, _> = candidates.iter().map(|c| (c.job_id, c.party)).collect();
        let plan = decide(at(0), room, room, candidates, &mut HashMap::new(), &mut HashMap::new());
        let mut got = vec![0_usize; counts.len()];
        for id in &plan.run {
            got[usize::try_from(party_of[id].as_u128()).unwrap()] += 1;
        }
        prop_assert_eq!(plan.run.len(), room.min(counts.iter().sum()));
        let most = got.iter().max().copied().unwrap_or(0);
        for (got, count) in got.iter().zip(&counts) {
            prop_assert!(*got + 1 >= most || got == count, "whoever has less had no more");
        }
    }
}
