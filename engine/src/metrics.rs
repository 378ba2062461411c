//! The engine's metrics: every name once, with its unit, and whether it is this process's or the fleet's (all here are
//! this process's; fleet-wide numbers are read from the database). Labels are bounded: queue, kind, outcome, schedule.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::{
    context::ProbeAnswer,
    depths::{Behind, Depths},
    leased::LeasedJob,
    scheduler::ScheduleLag,
    vitals::Vitals,
};

/// Jobs whose attempt was begun here, by queue and kind.
pub const STARTED: &str = "engine_jobs_started_total";
/// Attempts that ended here, by queue, kind and outcome.
pub const FINISHED: &str = "engine_attempts_finished_total";
/// From a job's creation to the beginning of its attempt, in seconds, by queue.
pub const WAITED: &str = "engine_job_wait_seconds";
/// From a claim to the commit of how it ended, in seconds, by kind.
pub const RAN: &str = "engine_attempt_run_seconds";
/// Writes that came too late: the fence held.
pub const STALE: &str = "engine_stale_writes_rejected_total";
/// Leases of silent workers that were returned here, by whether the job was parked.
pub const RESCUED: &str = "engine_leases_rescued_total";
/// Enqueues that found their unique key taken, by queue.
pub const DEDUPLICATED: &str = "engine_jobs_deduplicated_total";
/// Unknown outcomes that were looked up, by effect and answer.
pub const PROBED: &str = "engine_effects_probed_total";
/// Ticks made here, by schedule.
pub const TICKED: &str = "engine_schedule_ticks_total";
/// Ticks that could not be made here, by schedule: it is put aside, and its row says why.
pub const TICK_FAILED: &str = "engine_schedule_ticks_failed_total";
/// How long it took to claim what is ready, in seconds; looks that found nothing are not in it.
pub const CLAIM_TIME: &str = "engine_claim_seconds";
/// Operations in a flush of the committer.
pub const FLUSH_SIZE: &str = "engine_flush_operations";
/// How long a flush took, in seconds.
pub const FLUSH_TIME: &str = "engine_flush_seconds";
/// Operations that no longer wait because somebody had a row locked, by outcome: written, refused, in vain.
pub const SET_ASIDE: &str = "engine_operations_set_aside_total";

/// How long the oldest snapshot of the database has been open, in seconds. The fleet's: the same from every process.
pub const OLDEST_SNAPSHOT: &str = "engine_oldest_snapshot_seconds";
/// Deleted rows that still lie in a hot table, by table. The fleet's.
pub const DEAD_ROWS: &str = "engine_dead_rows";
/// How far ahead pieces of the history are made, in seconds, by class. The fleet's.
pub const PARTITIONS_AHEAD: &str = "engine_partitions_ahead_seconds";
/// Rows that fell into DEFAULT partitions. The fleet's.
pub const DEFAULT_ROWS: &str = "engine_default_partition_rows";
/// The share of the database's queue of notifications that is in use. The fleet's.
pub const NOTIFY_USED: &str = "engine_notify_queue_used_ratio";
/// Transactions since the database was last frozen. The fleet's.
pub const TRANSACTION_AGE: &str = "engine_database_age_transactions";

/// Jobs that are not running, by queue and reason, counted up to ten thousand. The fleet's.
pub const KEPT: &str = "engine_queue_waiting_jobs";
/// First jobs of a sample of lanes, by queue and by what keeps them. The fleet's.
pub const KEPT_BY: &str = "engine_lanes_kept_jobs";
/// How long ago the job that comes next in a queue was made, in seconds, by queue. The fleet's.
pub const NEXT_AGE: &str = "engine_queue_next_age_seconds";
/// How long a job of a queue may wait, in seconds, where something is promised. The fleet's.
pub const LATENCY_TARGET: &str = "engine_queue_latency_target_seconds";

/// For how long a queue has been paused, in seconds, by queue; zero: it is not. The fleet's.
pub const QUEUE_PAUSED: &str = "engine_queue_paused_seconds";
/// For how long a tick has been due that nobody has made, in seconds, by schedule; zero: none is. The fleet's.
pub const SCHEDULE_LATE: &str = "engine_schedule_late_seconds";
/// For how long a schedule has been paused, in seconds, by schedule; zero: it is not. The fleet's.
pub const SCHEDULE_PAUSED: &str = "engine_schedule_paused_seconds";

/// Connections of this process to the database, by pool and state: in use, idle, not opened. Together: what may be open.
pub const CONNECTIONS: &str = "engine_database_connections";
/// Places for jobs at once of the pools of this process, by pool and state: busy, free.
pub const SLOTS: &str = "engine_pool_slots";

/// All of them.
pub const NAMES: [&str; 29] = [
    STARTED,
    FINISHED,
    WAITED,
    RAN,
    STALE,
    RESCUED,
    DEDUPLICATED,
    PROBED,
    TICKED,
    TICK_FAILED,
    CLAIM_TIME,
    FLUSH_SIZE,
    FLUSH_TIME,
    SET_ASIDE,
    OLDEST_SNAPSHOT,
    DEAD_ROWS,
    PARTITIONS_AHEAD,
    DEFAULT_ROWS,
    NOTIFY_USED,
    TRANSACTION_AGE,
    KEPT,
    KEPT_BY,
    NEXT_AGE,
    LATENCY_TARGET,
    QUEUE_PAUSED,
    SCHEDULE_LATE,
    SCHEDULE_PAUSED,
    CONNECTIONS,
    SLOTS,
];

pub(crate) fn started(job: &LeasedJob) {
    counter!(STARTED, "queue" => job.queue().to_owned(), "kind" => job.kind().to_owned())
        .increment(1);
    if job.epoch() == 1 {
        histogram!(WAITED, "queue" => job.queue().to_owned()).record(job.waited());
    }
}

pub(crate) fn finished(job: &LeasedJob, outcome: &'static str) {
    let (queue, kind) = (job.queue().to_owned(), job.kind().to_owned());
    counter!(FINISHED, "queue" => queue, "kind" => kind.clone(), "outcome" => outcome).increment(1);
    histogram!(RAN, "kind" => kind).record(job.elapsed().as_secs_f64());
}

pub(crate) fn stale_write_rejected() {
    counter!(STALE).increment(1);
}

pub(crate) fn rescued(parked: bool) {
    counter!(RESCUED, "parked" => if parked { "true" } else { "false" }).increment(1);
}

pub(crate) fn deduplicated(queue: &str) {
    counter!(DEDUPLICATED, "queue" => queue.to_owned()).increment(1);
}

pub(crate) fn probed(effect: &'static str, answer: ProbeAnswer) {
    counter!(PROBED, "effect" => effect, "answer" => answer.as_str()).increment(1);
}

pub(crate) fn ticked(schedule: &str) {
    counter!(TICKED, "schedule" => schedule.to_owned()).increment(1);
}

pub(crate) fn tick_failed(schedule: &str) {
    counter!(TICK_FAILED, "schedule" => schedule.to_owned()).increment(1);
}

pub(crate) fn claimed(time: Duration) {
    histogram!(CLAIM_TIME).record(time.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a flush has at most a thousand operations")]
pub(crate) fn flushed(operations: usize, time: Duration) {
    histogram!(FLUSH_SIZE).record(operations as f64);
    histogram!(FLUSH_TIME).record(time.as_secs_f64());
}

/// One that had to wait for a lock waits no longer.
pub(crate) fn set_aside(outcome: &'static str) {
    counter!(SET_ASIDE, "outcome" => outcome).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
pub(crate) fn vitals(vitals: &Vitals) {
    gauge!(OLDEST_SNAPSHOT).set(vitals.oldest.as_ref().map_or(0.0, |holder| holder.held_secs));
    for (table, rows) in &vitals.dead_rows {
        gauge!(DEAD_ROWS, "table" => table.clone()).set(*rows as f64);
    }
    for (class, secs) in &vitals.partitions_ahead_secs {
        gauge!(PARTITIONS_AHEAD, "class" => class.clone()).set(*secs);
    }
    gauge!(DEFAULT_ROWS).set(vitals.default_rows as f64);
    gauge!(NOTIFY_USED).set(vitals.notify_queue_used);
    gauge!(TRANSACTION_AGE).set(vitals.transaction_age as f64);
}

pub(crate) fn connections(pool: &'static str, counted: [(&'static str, u32); 3]) {
    for (state, connections) in counted {
        gauge!(CONNECTIONS, "pool" => pool, "state" => state).set(f64::from(connections));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a process has at most ten thousand")]
pub(crate) fn slots(pool: &str, busy: usize, all: usize) {
    for (state, slots) in [("busy", busy), ("free", all.saturating_sub(busy))] {
        gauge!(SLOTS, "pool" => pool.to_owned(), "state" => state).set(slots as f64);
    }
}

/// `before`: of the last look. What is not there any more is set to zero.
pub(crate) fn depths(depths: &Depths, before: &Depths) {
    for (name, now, then) in
        [(KEPT, &depths.jobs, &before.jobs), (KEPT_BY, &depths.kept, &before.kept)]
    {
        for gone in then {
            gauge!(name, "queue" => gone.queue.clone(), "reason" => gone.reason).set(0.0);
        }
        for depth in now {
            gauge!(name, "queue" => depth.queue.clone(), "reason" => depth.reason)
                .set(f64::from(depth.jobs));
        }
    }
    for queue in &depths.behind {
        gauge!(NEXT_AGE, "queue" => queue.queue.clone()).set(queue.next_age.as_secs_f64());
        gauge!(QUEUE_PAUSED, "queue" => queue.queue.clone()).set(queue.paused_for.as_secs_f64());
        let promised = |behind: &Behind| behind.queue == queue.queue && behind.target.is_some();
        match queue.target {
            Some(target) => latency_target(&queue.queue, target.as_secs_f64()),
            // A gauge cannot be taken away. Zero would be a promise that nobody can keep, and no number is late against this.
            None if before.behind.iter().any(promised) => latency_target(&queue.queue, f64::NAN),
            None => {}
        }
    }
}

fn latency_target(queue: &str, secs: f64) {
    gauge!(LATENCY_TARGET, "queue" => queue.to_owned()).set(secs);
}

pub(crate) fn lags(lags: &[ScheduleLag]) {
    for lag in lags {
        gauge!(SCHEDULE_LATE, "schedule" => lag.name.clone()).set(lag.late.as_secs_f64());
        gauge!(SCHEDULE_PAUSED, "schedule" => lag.name.clone()).set(lag.paused.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn promising(target: Option<Duration>) -> Depths {
        let queue = "sms".to_owned();
        let (next_age, paused_for) = (Duration::from_secs(9), Duration::ZERO);
        let behind = vec![Behind { queue, next_age, target, paused_for }];
        Depths { behind, ..Depths::default() }
    }

    #[test]
    fn a_promise_that_was_withdrawn_is_no_number_and_one_that_never_was_is_not_there() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let told = |now: &Depths, before: &Depths| {
            metrics::with_local_recorder(&recorder, || depths(now, before));
            let series = format!("{LATENCY_TARGET}{{queue=\"sms\"}} ");
            let text = handle.render();
            text.lines().find_map(|line| line.strip_prefix(&series)).map(ToOwned::to_owned)
        };
        let (nothing, five) = (promising(None), promising(Some(Duration::from_secs(5))));
        assert_eq!(told(&nothing, &Depths::default()), None);
        assert_eq!(told(&five, &nothing).as_deref(), Some("5"));
        assert_eq!(told(&nothing, &five).as_deref(), Some("NaN"));
        assert_eq!(told(&nothing, &nothing).as_deref(), Some("NaN"));
        assert_eq!(told(&five, &nothing).as_deref(), Some("5"));
    }
}
