//! Who may run now. Reads nothing, writes nothing: what is locked goes in, what to write comes out.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    Gate,
    breaker::{Answer, Breaker},
};

/// A job that waits before its gates.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) job_id: Uuid,
    pub(crate) queue_id: i16,
    /// With whom it takes turns: its tenant in a fair queue, else its lane.
    pub(crate) party: Uuid,
    pub(crate) gates: Vec<Gate>,
    /// Runs whatever its gates say: it has expired, and running means ending it.
    pub(crate) exempt: bool,
}

/// Where a gate stands that is locked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Permits that are out.
    pub(crate) running: u32,
    /// Of these, canaries.
    pub(crate) canaries: u32,
    /// Candidates that have a permit already: their last worker died, or handed them back.
    pub(crate) has: Vec<Uuid>,
    /// When the next start is due, if none is saved up.
    pub(crate) next_at: Option<DateTime<Utc>>,
    pub(crate) breaker: Breaker,
    /// Whether the row has to be written.
    pub(crate) changed: bool,
}

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Who runs, in this order.
    pub(crate) run: Vec<Uuid>,
    /// Which permits are given out: gate, job, and whether it is a canary.
    pub(crate) permits: Vec<(Uuid, Uuid, bool)>,
    /// When it is worth asking again.
    pub(crate) next_at: Option<DateTime<Utc>>,
    /// Another worker is just asking one of the gates.
    pub(crate) is_busy: bool,
}

/// What keeps a job.
enum Kept {
    /// Until then, at the earliest.
    Until(DateTime<Utc>),
    /// Until a permit comes back.
    Full,
    /// Somebody else has the gate in hand.
    Busy,
}

/// Gives `room` places to candidates whose gates let them, party by party in turns, each party's in the order given, and
/// `turns` to one party at most. `queue_rooms`: places left in queues that have a limit. `standings`: of the gates that are locked; they are moved on.
pub(crate) fn decide(
    now: DateTime<Utc>,
    room: usize,
    turns: usize,
    candidates: Vec<Candidate>,
    queue_rooms: &mut HashMap<i16, usize>,
    standings: &mut HashMap<Uuid, Standing>,
) -> Plan {
    let mut plan = Plan::default();
    let mut parties = in_parties(candidates);
    for _ in 0..turns {
        if plan.run.len() >= room || parties.is_empty() {
            break;
        }
        parties.retain_mut(|party| {
            while plan.run.len() < room {
                let Some(candidate) = party.pop_front() else { return false };
                if let Err(kept) = admit(now, &candidate, queue_rooms, standings, &mut plan) {
                    match kept {
                        Kept::Until(at) => {
                            plan.next_at = Some(plan.next_at.map_or(at, |next| next.min(at)));
                        }
                        Kept::Busy => plan.is_busy = true,
                        Kept::Full => {}
                    }
                    continue; // the next of the same party may have other gates
                }
                break;
            }
            !party.is_empty()
        });
    }
    plan
}

/// Parties in the order of their first candidates.
fn in_parties(candidates: Vec<Candidate>) -> Vec<VecDeque<Candidate>> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut parties: Vec<VecDeque<Candidate>> = Vec::new();
    for candidate in candidates {
        let place = *places.entry(candidate.party).or_insert_with(|| {
            parties.push(VecDeque::new());
            parties.len() - 1
        });
        if let Some(party) = parties.get_mut(place) {
            party.push_back(candidate);
        }
    }
    parties
}

/// All gates or none: first every gate is asked without moving it, then all are moved.
fn admit(
    now: DateTime<Utc>,
    candidate: &Candidate,
    queue_rooms: &mut HashMap<i16, usize>,
    standings: &mut HashMap<Uuid, Standing>,
    plan: &mut Plan,
) -> Result<(), Kept> {
    if queue_rooms.get(&candidate.queue_id) == Some(&0) {
        return Err(Kept::Full);
    }
    let gates: &[Gate] = if candidate.exempt { &[] } else { &candidate.gates };
    for gate in gates {
        let standing = standings.get(&gate.id()).ok_or(Kept::Busy)?;
        // On a copy: a breaker counts whom it has let through.
        pass(now, gate, candidate.job_id, &mut standing.clone())?;
    }
    for gate in gates {
        let Some(standing) = standings.get_mut(&gate.id()) else { continue };
        if let Some(is_canary) = pass(now, gate, candidate.job_id, standing)? {
            plan.permits.push((gate.id(), candidate.job_id, is_canary));
        }
    }
    if let Some(left) = queue_rooms.get_mut(&candidate.queue_id) {
        *left -= 1;
    }
    plan.run.push(candidate.job_id);
    Ok(())
}

/// One gate lets a job through, or says what keeps it. Gives whether a permit is needed, and of which kind.
fn pass(
    now: DateTime<Utc>,
    gate: &Gate,
    job_id: Uuid,
    standing: &mut Standing,
) -> Result<Option<bool>, Kept> {
    let has_one = standing.has.contains(&job_id);
    match gate {
        Gate::AtOnce { .. } if has_one => Ok(None),
        Gate::AtOnce { max, .. } if standing.running < *max => {
            standing.running += 1;
            Ok(Some(false))
        }
        Gate::AtOnce { .. } => Err(Kept::Full),
        Gate::Rate { every_us, burst, .. } => {
            let every = TimeDelta::microseconds(i64::try_from(*every_us).unwrap_or(i64::MAX));
            let slot = slot(standing.next_at, every, *burst);
            if slot.is_some_and(|slot| now < slot) {
                return Err(slot.map_or(Kept::Full, Kept::Until));
            }
            standing.next_at = Some(standing.next_at.map_or(now, |next| next.max(now)) + every);
            standing.changed = true;
            Ok(None)
        }
        Gate::Breaker { .. } => {
            let before = standing.breaker.clone();
            // A canary whose worker died is still out, so it does not stand in its own way.
            let canaries = standing.canaries.saturating_sub(u32::from(has_one));
            let answer = standing.breaker.ask(now, canaries);
            standing.changed |= standing.breaker != before;
            match answer {
                Answer::Pass => Ok(None),
                Answer::Canary => {
                    standing.canaries = canaries + 1;
                    Ok((!has_one).then_some(true))
                }
                Answer::At(at) => Err(Kept::Until(at)),
                Answer::Wait => Err(Kept::Full),
            }
        }
    }
}

/// The earliest instant of the next start: GCRA, with `burst - 1` starts that may be ahead of their time.
pub(crate) fn slot(
    next_at: Option<DateTime<Utc>>,
    every: TimeDelta,
    burst: u32,
) -> Option<DateTime<Utc>> {
    let ahead = every.checked_mul(i32::try_from(burst.saturating_sub(1)).unwrap_or(i32::MAX))?;
    next_at?.checked_sub_signed(ahead)
}

#[cfg(test)]
mod tests;
