//! Why a job is not running: read from the rows that keep it, said in words that a program can act on.

mod prose; // for people

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::{
    engine::Engine,
    error::Error,
    gate::{Breaker, Gate, Gates, slot},
    job::JobId,
    store::{
        self,
        explain::{CrowdRow, GateView, PlaceRow},
    },
};

/// Jobs in front of this one that are counted. What lies beyond is "at least so many".
const COUNT_MAX: i64 = 1000;

/// Holders of a full gate that are named.
const HOLDERS_MAX: i64 = 5;

/// One thing that keeps a job from running. Several can hold at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// It is over.
    Ended {
        /// How.
        state: String,
    },
    /// It is running.
    Running {
        /// Where; `None`: the worker is gone, and its jobs will be returned.
        worker: Option<String>,
    },
    /// Its time has not come: enqueued for later, or between two attempts.
    Scheduled {
        /// When it comes.
        until: Option<DateTime<Utc>>,
        /// What for.
        reason: String,
    },
    /// It waits for something that its body asked for.
    WaitingFor {
        /// In words.
        reason: String,
        /// Signals that wake it.
        signals: Vec<String>,
        /// When it stops waiting.
        until: Option<DateTime<Utc>>,
    },
    /// A person must decide.
    Parked {
        /// What about.
        reason: String,
    },
    /// Nothing of its queue is begun.
    QueuePaused {
        /// As somebody said.
        reason: String,
        /// Until then; `None`: until somebody resumes it.
        until: Option<DateTime<Utc>>,
    },
    /// As many of its queue run as may.
    QueueFull {
        /// The queue's limit.
        max: u32,
        /// How many run.
        running: u32,
    },
    /// As many of its scope and key run, or hold a permit, as may.
    GateFull {
        /// The gate's scope.
        scope: String,
        /// Its limit.
        max: u32,
        /// Some of those who have passed it, the longest first.
        by: Vec<JobId>,
    },
    /// Its rate gives it a slot later.
    RateSlot {
        /// The gate's scope.
        scope: String,
        /// Its slot, if nothing else takes from the same rate.
        at: DateTime<Utc>,
    },
    /// Its scope's breaker does not let it through.
    BreakerOpen {
        /// The gate's scope.
        scope: String,
        /// `open`, `half-open`, `coming back`.
        phase: &'static str,
        /// When that changes by itself.
        until: Option<DateTime<Utc>>,
    },
    /// No live worker serves its queue.
    NoWorker,
    /// Live workers serve its queue, but none knows its kind.
    UnknownKind {
        /// How many serve the queue.
        workers: u32,
    },
    /// Others come first.
    Behind {
        /// How many, but never more than 1,000 are counted.
        jobs: u32,
    },
    /// Nothing keeps it: the next free worker takes it.
    Next,
}

impl Why {
    /// A word for labels of metrics and filters.
    pub const fn word(&self) -> &'static str {
        match self {
            Why::Ended { .. } => "ended",
            Why::Running { .. } => "running",
            Why::Scheduled { .. } => "scheduled",
            Why::WaitingFor { .. } => "waiting_for",
            Why::Parked { .. } => "parked",
            Why::QueuePaused { .. } => "queue_paused",
            Why::QueueFull { .. } => "queue_full",
            Why::GateFull { .. } => "gate_full",
            Why::RateSlot { .. } => "rate_slot",
            Why::BreakerOpen { .. } => "breaker_open",
            Why::NoWorker => "no_worker",
            Why::UnknownKind { .. } => "unknown_kind",
            Why::Behind { .. } => "behind",
            Why::Next => "next",
        }
    }
}

/// What was found about a job that may run as far as it is concerned.
struct Facts {
    place: PlaceRow,
    gates: Vec<Gate>,
    views: Vec<GateView>,
    crowd: CrowdRow,
}

impl Engine {
    /// Why a job is not running, the weightiest first; never empty for a job that there is.
    pub async fn explain(&self, id: JobId) -> Result<Vec<Why>, Error> {
        let job_id = id.as_uuid();
        let found = self
            .read(async |conn| {
                let Some(place) = store::explain::place_of(conn, job_id).await? else {
                    return Ok(None);
                };
                if resting(&place).is_some() {
                    return Ok(Some(Facts::of(place)));
                }
                let gates = place.gates.clone().map(serde_json::from_value::<Gates>);
                let gates = gates.and_then(Result::ok).unwrap_or_default().as_slice().to_vec();
                let ids: Vec<_> = gates.iter().map(Gate::id).collect();
                let views = if ids.is_empty() {
                    Vec::new()
                } else {
                    store::explain::gates_view(conn, &ids, job_id, HOLDERS_MAX).await?
                };
                let crowd = store::explain::crowd_of(conn, job_id, &place, COUNT_MAX).await?;
                Ok(Some(Facts { place, gates, views, crowd }))
            })
            .await?;
        found.map(|facts| reasons(&facts)).ok_or(Error::NoSuchJob)
    }
}

impl Facts {
    /// Of a job for which its place says it all.
    fn of(place: PlaceRow) -> Facts {
        let crowd = CrowdRow { serve: 0, know: 0, before: 0, running: 0 };
        Facts { place, gates: Vec::new(), views: Vec::new(), crowd }
    }
}

/// What a job says that does not want to run at all.
fn resting(place: &PlaceRow) -> Option<Why> {
    let reason = || place.reason.clone().unwrap_or_default();
    if let Some(state) = &place.ended {
        return Some(Why::Ended { state: state.clone() });
    }
    match place.wait.as_deref() {
        Some("parked") => Some(Why::Parked { reason: reason() }),
        Some("scheduled") => Some(Why::Scheduled { until: place.due, reason: reason() }),
        Some(_) if place.blocked != Some(true) => {
            let signals = place.wakes.clone().unwrap_or_default();
            Some(Why::WaitingFor { reason: reason(), signals, until: place.due })
        }
        None if !place.is_ready => Some(Why::Running { worker: place.worker.clone() }),
        Some(_) | None => None,
    }
}

/// Reads nothing: what was found goes in, what to say comes out.
fn reasons(facts: &Facts) -> Vec<Why> {
    if let Some(why) = resting(&facts.place) {
        return vec![why];
    }
    let mut all = queue_reasons(facts);
    if facts.place.blocked == Some(true) {
        all.extend(facts.gates.iter().filter_map(|gate| gate_reason(facts, gate)));
    }
    if facts.crowd.before > 0 {
        all.push(Why::Behind { jobs: count(facts.crowd.before) });
    }
    if all.is_empty() {
        all.push(Why::Next);
    }
    all
}

fn queue_reasons(facts: &Facts) -> Vec<Why> {
    let (place, crowd) = (&facts.place, &facts.crowd);
    let mut all = Vec::new();
    if place.paused {
        let reason = place.pause_reason.clone().unwrap_or_default();
        all.push(Why::QueuePaused { reason, until: place.pause_until });
    }
    if crowd.serve == 0 {
        all.push(Why::NoWorker);
    } else if crowd.know == 0 {
        all.push(Why::UnknownKind { workers: count(crowd.serve) });
    }
    if let Some(max) = place.at_once_max.filter(|max| crowd.running >= i64::from(*max)) {
        all.push(Why::QueueFull { max: count(max.into()), running: count(crowd.running) });
    }
    all
}

fn gate_reason(facts: &Facts, gate: &Gate) -> Option<Why> {
    let (place, now) = (&facts.place, facts.place.now);
    let view = facts.views.iter().find(|view| view.gate_id == gate.id())?;
    let scope = gate.scope().to_owned();
    match gate {
        Gate::AtOnce { max, .. } => {
            let is_full = view.running >= i64::from(*max) && !view.has;
            let by = || view.holders.iter().copied().map(JobId::from).collect();
            is_full.then(|| Why::GateFull { scope, max: *max, by: by() })
        }
        Gate::Rate { every_us, burst, .. } => {
            let every = TimeDelta::microseconds(i64::try_from(*every_us).ok()?);
            let at = slot_behind(view.next_at, every, *burst, facts.crowd.before, now);
            (at > place.now).then_some(Why::RateSlot { scope, at })
        }
        Gate::Breaker { .. } => {
            let breaker = view.breaker.clone().map(serde_json::from_value::<Breaker>);
            let (phase, until) = breaker.and_then(Result::ok)?.says(now)?;
            Some(Why::BreakerOpen { scope, phase, until })
        }
    }
}

/// The slot of a job with so many before it.
fn slot_behind(
    next_at: Option<DateTime<Utc>>,
    every: TimeDelta,
    burst: u32,
    before: i64,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let mut next_at = next_at;
    let mut at = now;
    for _ in 0..=before {
        at = slot(next_at, every, burst).map_or(now, |slot| slot.max(now));
        next_at = Some(next_at.map_or(at, |next| next.max(at)) + every);
    }
    at
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_slot_of_a_job_is_as_many_intervals_away_as_there_are_jobs_before_it() {
        let every = TimeDelta::seconds(10);
        // One started at 0.
        let slots: Vec<_> = (0..4).map(|n| slot_behind(Some(at(10)), every, 1, n, at(3))).collect();
        assert_eq!(slots, [at(10), at(20), at(30), at(40)]);
    }

    #[test]
    fn what_was_saved_up_is_counted_first() {
        let every = TimeDelta::seconds(10);
        let slots: Vec<_> = (0..4).map(|n| slot_behind(None, every, 3, n, at(0))).collect();
        assert_eq!(slots, [at(0), at(0), at(0), at(10)]);
    }
}
