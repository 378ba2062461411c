//! The heartbeat: keeps all leases of a pool with one small update, on a connection of its own. A pool that could not
//! renew in time stops itself before its lease ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Pool, PoolConfig, Serves};
use crate::{
    engine::Engine,
    error::Error,
    leased::LeaseClock,
    store::{self, workers::WorkerRow},
    time::interval,
    wakeups::pause,
    workflow::App,
};

/// How many heartbeats fit into a lease.
const BEATS_PER_LEASE: u32 = 4;

/// The longest rest after a beat that failed.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The share of the lease after which a pool that could not renew counts itself as dead. The rest is for a statement of its
/// own that is still on its way.
const SELF_FENCE: f64 = 0.8;

/// What a beat is given at least, so that a late one can still succeed.
const BEAT_MIN: Duration = Duration::from_millis(100);

pub(super) async fn enter(
    engine: &Engine,
    config: &PoolConfig,
    serves: &Serves,
    clock: &LeaseClock,
    rest: Option<&str>,
) -> Result<i32, Error> {
    let sent = Instant::now();
    let name = format!("{}:{}", config.name, std::process::id());
    let row = WorkerRow {
        name: &name,
        pool: &config.name,
        version: &config.version,
        address: config.address.as_deref(),
        lease: interval(config.lease),
        queue_ids: &serves.queue_ids,
        kind_ids: &serves.kind_ids,
        rest_reason: rest,
    };
    let entered =
        engine.beats().run(async |conn| store::workers::worker_enter(conn, &row).await).await?;
    clock.renew(sent, config.lease);
    Ok(entered)
}

pub(super) async fn leave(engine: &Engine, worker_id: i32) {
    let left =
        engine.beats().run(async |conn| store::workers::worker_leave(conn, worker_id).await).await;
    if let Err(error) = left {
        tracing::warn!(%error, "the worker's row could not be removed; its lease runs out by itself");
    }
}

/// What one beat found out.
enum Beat {
    Renewed,
    /// The lease had ended: others may have everything.
    Dead,
    Failed,
}

/// Beats until the pool leaves.
pub(super) async fn beat<A: App>(pool: Arc<Pool<A>>) {
    let every = pool.config.lease / BEATS_PER_LEASE;
    // The lease is counted from before its renewal was sent: never later than the database does.
    let mut renewed = Instant::now();
    while !pool.leave.is_cancelled() {
        let sent = Instant::now();
        // Never waits past the point where it must let go, however the network swallows its question.
        let left = pool.config.lease.mul_f64(SELF_FENCE).saturating_sub(renewed.elapsed());
        match one(&pool, left.max(BEAT_MIN).min(pool.config.lease / 2)).await {
            Beat::Renewed => {
                pool.lease.renew(sent, pool.config.lease);
                renewed = sent;
            }
            Beat::Dead => {
                reenter(&pool).await;
                renewed = Instant::now();
            }
            Beat::Failed if renewed.elapsed() >= pool.config.lease.mul_f64(SELF_FENCE) => {
                tracing::error!(
                    pool = pool.config.name,
                    "the lease could not be renewed: letting go of {} jobs",
                    pool.in_hand()
                );
                pool.live.lose();
            }
            Beat::Failed => {}
        }
        // A failed beat is repeated soon: there is not much time.
        let rest = if renewed >= sent { every } else { (every / 4).min(TRY_AGAIN) };
        tokio::select! {
            () = pool.leave.cancelled() => {}
            () = pause(rest) => {}
        }
    }
}

async fn one<A: App>(pool: &Pool<A>, limit: Duration) -> Beat {
    let worker_id = pool.live.worker_id();
    if worker_id == 0 {
        return Beat::Dead;
    }
    let lease = interval(pool.config.lease);
    let draining = pool.drain.is_cancelled();
    let in_hand: Vec<_> = pool.live.all().iter().map(|job| job.fence().job_id).collect();
    let beaten = pool.engine.beats().run_within(limit, async |conn| {
        let renewed = store::workers::worker_beat(conn, worker_id, lease, draining).await?;
        let cancelled = store::cancel::cancels_asked(conn, worker_id, &in_hand).await?;
        Ok((renewed, cancelled))
    });
    match beaten.await {
        Ok((Some(beaten), cancelled)) => {
            pool.live.cancel(&cancelled);
            pool.live.set_fleet(u32::try_from(beaten.fleet).unwrap_or(u32::MAX));
            rest(pool, beaten.rest_reason);
            Beat::Renewed
        }
        Ok((None, _)) => Beat::Dead,
        Err(error) => {
            tracing::warn!(%error, pool = pool.config.name, "a heartbeat failed");
            Beat::Failed
        }
    }
}

/// Takes no new jobs from now on, or takes them again, as operators want.
fn rest<A: App>(pool: &Pool<A>, reason: Option<String>) {
    let changed = pool.rest.send_if_modified(|rests| {
        let changes = rests.is_some() != reason.is_some();
        rests.clone_from(&reason);
        changes
    });
    match (changed, reason) {
        (true, Some(reason)) => {
            tracing::info!(
                pool = pool.config.name,
                "no new jobs are taken, as an operator wants: {reason}"
            );
        }
        (true, None) => tracing::info!(pool = pool.config.name, "new jobs are taken again"),
        (false, _) => {}
    }
}

/// Begins a new life under a new id; whatever was in hand is lost.
async fn reenter<A: App>(pool: &Pool<A>) {
    if pool.live.worker_id() != 0 {
        tracing::error!(
            pool = pool.config.name,
            "the lease had ended: letting go of {} jobs",
            pool.in_hand()
        );
    }
    pool.live.lose();
    while !pool.leave.is_cancelled() {
        let rest = pool.rest.borrow().clone();
        let (config, serves) = (&pool.config, &pool.serves);
        match enter(&pool.engine, config, serves, &pool.lease, rest.as_deref()).await {
            Ok(worker_id) => {
                pool.live.lose_all(worker_id);
                return;
            }
            Err(error) => tracing::warn!(%error, "the worker could not be entered again"),
        }
        pause(Duration::from_millis(500)).await;
    }
}
