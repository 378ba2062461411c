//! Returning what nobody has in hand any more: jobs of silent workers, claims that were never heard of, signals and cancels
//! that a crash left unheard.
//!
//! Leases are not indexed by their worker: that would cost every job. So a look for lost ones goes over all, and while
//! somebody holds a transaction open, over the dead ones too. It is made at once when a worker has gone silent, and else as
//! often as is cheap.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Pool, claim::jittered, housekeeping::stop_or};
use crate::{
    store::{self, leases::Rescued, workers::Silent},
    time::interval,
    workflow::App,
};

/// Rounds in the time of a lease.
const ROUNDS_PER_LEASE: u32 = 8;

/// Rows returned by one statement.
const RESCUE_MAX: i64 = 500;

/// A job that has cost this many workers without getting any further is parked: it would cost the next one too.
const CRASHES_MAX: i16 = 5;

/// A claim of which the worker has not heard by then was lost on its way: twice the time that any call is given.
const UNHEARD_AFTER: Duration = Duration::from_secs(10);

/// For so long after a claim that failed there may be such ones; else they are looked for seldom.
const UNHEARD_FOR: Duration = Duration::from_mins(2);
const UNHEARD_EVERY: Duration = Duration::from_mins(1);

/// A look for lost leases that took no longer may be part of every round.
const QUICK: Duration = Duration::from_millis(10);

/// After one that was slow, so many times its length until the next, anywhere: together they take a sixteenth of a core.
const REST_FACTOR: u32 = 16;

/// Looks, one after the other.
pub(super) async fn rescue<A: App>(pool: Arc<Pool<A>>) {
    let mut watch = Watch::new(Instant::now());
    while !pool.stop.is_cancelled() {
        if let Err(error) = round(&pool, &mut watch).await {
            tracing::warn!(%error, "jobs of silent workers could not be returned");
        }
        stop_or(&pool, jittered(pool.config.lease / ROUNDS_PER_LEASE)).await;
    }
}

async fn round<A: App>(pool: &Pool<A>, watch: &mut Watch) -> Result<(), store::db::DbError> {
    let worker_id = pool.live.worker_id();
    let in_hand: Vec<_> = pool.live.all().iter().map(|job| job.fence().job_id).collect();
    let (lost, woken, cancels) = pool
        .engine
        .db()
        .run(async |conn| {
            let lost = lost(pool, watch, conn).await?;
            let unheard = store::signals::signals_sweep(conn, RESCUE_MAX).await?;
            let mut woken = store::signals::signals_wake(conn, &unheard).await?;
            if watch.asks_for_unheard(pool.live.claim_failed(), Instant::now()) {
                let age = interval(UNHEARD_AFTER);
                let back = store::leases::leases_return_unheard(conn, worker_id, &in_hand, age);
                woken.extend(back.await?);
            }
            let cancels = store::cancel::cancels_sweep(conn, RESCUE_MAX).await?;
            Ok((lost, woken, cancels))
        })
        .await?;
    for job in cancels {
        if let Err(error) = crate::admin::enforce(&pool.engine, job).await {
            tracing::warn!(%error, job.id = %job, "a cancel could not be carried out");
        }
    }
    for one in &lost {
        crate::metrics::rescued(one.parked);
    }
    if !lost.is_empty() {
        tracing::warn!("{} jobs of silent workers were returned", lost.len());
    }
    let queues = lost.into_iter().map(|one| one.queue_id).chain(woken);
    pool.engine.wakeups().ring(queues);
    Ok(())
}

/// Jobs of silent workers, if it is time to look for them.
async fn lost<A: App>(
    pool: &Pool<A>,
    watch: &mut Watch,
    conn: &mut sqlx::PgConnection,
) -> Result<Vec<Rescued>, sqlx::Error> {
    let silent = store::workers::workers_silent(conn).await?;
    if !watch.asks_for_lost(&silent, Instant::now()) {
        return Ok(Vec::new());
    }
    let began = Instant::now();
    let lost = store::leases::leases_rescue(conn, CRASHES_MAX, RESCUE_MAX).await?;
    let took = began.elapsed();
    let rest = if lost.is_empty() {
        rest(took, pool.live.fleet(), pool.config.lease)
    } else {
        Duration::ZERO
    };
    watch.has_looked(silent, Instant::now() + rest);
    Ok(lost)
}

/// When to look again.
#[derive(Debug)]
struct Watch {
    /// Who was silent at the last look for lost leases.
    silent: Option<Silent>,
    lost_due: Instant,
    unheard_due: Instant,
}

impl Watch {
    fn new(now: Instant) -> Watch {
        Watch { silent: None, lost_due: now, unheard_due: now + UNHEARD_EVERY }
    }

    /// At once when somebody else has gone silent.
    fn asks_for_lost(&self, silent: &Silent, now: Instant) -> bool {
        now >= self.lost_due || self.silent.as_ref() != Some(silent)
    }

    fn has_looked(&mut self, silent: Silent, due: Instant) {
        self.silent = Some(silent);
        self.lost_due = due;
    }

    /// `failed`: when a claim last failed.
    fn asks_for_unheard(&mut self, failed: Option<Instant>, now: Instant) -> bool {
        let is_likely =
            failed.is_some_and(|failed| now.saturating_duration_since(failed) < UNHEARD_FOR);
        let asks = is_likely || now >= self.unheard_due;
        if asks {
            self.unheard_due = now + UNHEARD_EVERY;
        }
        asks
    }
}

/// How long this worker need not look after a look that found nothing. `late_max`: how seldom anybody at all may.
fn rest(took: Duration, fleet: u32, late_max: Duration) -> Duration {
    if took <= QUICK { Duration::ZERO } else { (took * REST_FACTOR).min(late_max) * fleet }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(workers: i64) -> Silent {
        Silent { workers, newest: None }
    }

    #[test]
    fn slow_looks_are_rare_in_proportion_to_what_they_take_and_to_how_many_make_them() {
        let rest = |took, fleet| rest(Duration::from_millis(took), fleet, Duration::from_secs(10));
        assert_eq!(rest(10, 100), Duration::ZERO);
        assert_eq!(rest(50, 4), Duration::from_millis(50 * 16 * 4));
        assert_eq!(rest(900, 4), Duration::from_secs(40));
    }

    #[test]
    fn when_another_worker_has_gone_silent_nothing_is_waited_for() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert!(watch.asks_for_lost(&silent(0), now));
        watch.has_looked(silent(0), now + Duration::from_secs(40));
        assert!(!watch.asks_for_lost(&silent(0), now));
        assert!(watch.asks_for_lost(&silent(1), now));
        assert!(watch.asks_for_lost(&silent(0), now + Duration::from_secs(40)));
    }

    #[test]
    fn unheard_claims_are_looked_for_after_one_has_failed_and_else_once_a_minute() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert!(!watch.asks_for_unheard(None, now));
        assert!(watch.asks_for_unheard(Some(now), now + Duration::from_secs(12)));
        assert!(watch.asks_for_unheard(Some(now), now + Duration::from_secs(13)));
        let later = now + UNHEARD_FOR;
        assert!(watch.asks_for_unheard(Some(now), later), "a minute has gone by");
        assert!(!watch.asks_for_unheard(Some(now), later + Duration::from_secs(59)));
    }
}
