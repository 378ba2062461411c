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
    store::{self, db::DbError, workers::Silent},
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

/// For so long after a call without an answer there may be such ones; else they are looked for seldom.
pub(super) const UNHEARD_FOR: Duration = Duration::from_mins(2);
const UNHEARD_EVERY: Duration = Duration::from_mins(1);

/// A look for lost leases that took no longer may be part of every round.
const QUICK: Duration = Duration::from_millis(10);

/// After one that was slow, so many times its length until the next, anywhere: together they take a sixteenth of a core.
const REST_FACTOR: u32 = 16;

/// How long one worker goes without a look, however many there are.
const REST_MAX: Duration = Duration::from_mins(1);

/// Looks, one after the other.
pub(super) async fn rescue<A: App>(pool: Arc<Pool<A>>) {
    let mut watch = Watch::new(Instant::now());
    while !pool.stop.is_cancelled() {
        for done in [unheard(&pool, &mut watch).await, lost(&pool, &mut watch).await] {
            if let Err(error) = done {
                tracing::warn!(%error, "what nobody has in hand could not be returned");
            }
        }
        stop_or(&pool, jittered(pool.config.lease / ROUNDS_PER_LEASE)).await;
    }
}

/// Signals, cancels and claims that a crash or a lost answer left unheard.
async fn unheard<A: App>(pool: &Pool<A>, watch: &mut Watch) -> Result<(), DbError> {
    let worker_id = pool.live.worker_id();
    let in_hand: Vec<_> = pool.live.all().iter().map(|job| job.fence().job_id).collect();
    let looks_for_claims = watch.asks_for_claims(pool.live.doubted(), Instant::now());
    let (woken, cancels) = pool
        .engine
        .db()
        .run(async |conn| {
            let unheard = store::signals::signals_sweep(conn, RESCUE_MAX).await?;
            let mut woken = store::signals::signals_wake(conn, &unheard).await?;
            if looks_for_claims {
                let age = interval(UNHEARD_AFTER);
                let back = store::leases::leases_return_unheard(conn, worker_id, &in_hand, age);
                woken.extend(back.await?);
            }
            Ok((woken, store::cancel::cancels_sweep(conn, RESCUE_MAX).await?))
        })
        .await?;
    for job in cancels {
        if let Err(error) = crate::admin::enforce(&pool.engine, job).await {
            tracing::warn!(%error, job.id = %job, "a cancel could not be carried out");
        }
    }
    pool.engine.wakeups().ring(woken);
    Ok(())
}

/// Jobs of silent workers, if it is time to look for them.
async fn lost<A: App>(pool: &Pool<A>, watch: &mut Watch) -> Result<(), DbError> {
    let silent =
        pool.engine.db().run(async |conn| store::workers::workers_silent(conn).await).await?;
    if !watch.asks_for_lost(&silent, Instant::now()) {
        return Ok(());
    }
    let began = Instant::now();
    let lost = pool
        .engine
        .db()
        .run(async |conn| store::leases::leases_rescue(conn, CRASHES_MAX, RESCUE_MAX).await)
        .await;
    // (A look that got no answer was a long one.)
    let has_more = lost.as_ref().is_ok_and(|lost| !lost.is_empty());
    let rest = if has_more { Duration::ZERO } else { rest(began.elapsed(), pool.live.fleet()) };
    watch.has_looked(silent, Instant::now() + jittered(rest));
    let lost = lost?;
    for one in &lost {
        crate::metrics::rescued(one.parked);
    }
    if !lost.is_empty() {
        tracing::warn!("{} jobs of silent workers were returned", lost.len());
    }
    pool.engine.wakeups().ring(lost.into_iter().map(|one| one.queue_id));
    Ok(())
}

/// When to look again.
#[derive(Debug)]
struct Watch {
    /// Who was silent at the last look for lost leases.
    silent: Option<Silent>,
    lost_due: Instant,
    claims_due: Instant,
}

impl Watch {
    fn new(now: Instant) -> Watch {
        Watch { silent: None, lost_due: now, claims_due: now + UNHEARD_EVERY }
    }

    /// In every round while somebody has just gone silent: a last write of theirs may still be on its way.
    fn asks_for_lost(&self, silent: &Silent, now: Instant) -> bool {
        now >= self.lost_due || silent.is_fresh || self.silent.as_ref() != Some(silent)
    }

    fn has_looked(&mut self, silent: Silent, due: Instant) {
        self.silent = Some(silent);
        self.lost_due = due;
    }

    /// `doubted`: when a call last got no answer.
    fn asks_for_claims(&mut self, doubted: Option<Instant>, now: Instant) -> bool {
        let since = doubted.map(|doubted| now.saturating_duration_since(doubted));
        let asks = since.is_some_and(|since| since < UNHEARD_FOR) || now >= self.claims_due;
        if asks {
            self.claims_due = now + UNHEARD_EVERY;
        }
        asks
    }
}

/// How long this worker need not look after a look that found nothing.
fn rest(took: Duration, fleet: u32) -> Duration {
    let rest = took.saturating_mul(REST_FACTOR).saturating_mul(fleet);
    if took <= QUICK { Duration::ZERO } else { rest.min(REST_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(workers: i64) -> Silent {
        Silent { workers, newest: None, is_fresh: false }
    }

    #[test]
    fn slow_looks_are_rare_in_proportion_to_what_they_take_and_to_how_many_make_them() {
        let rest = |took, fleet| rest(Duration::from_millis(took), fleet);
        assert_eq!(rest(10, 100), Duration::ZERO);
        assert_eq!(rest(50, 4), Duration::from_millis(50 * 16 * 4));
        assert_eq!(rest(900, 1000), REST_MAX);
    }

    #[test]
    fn when_another_worker_has_gone_silent_nothing_is_waited_for() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert!(watch.asks_for_lost(&silent(0), now));
        watch.has_looked(silent(0), now + REST_MAX);
        assert!(!watch.asks_for_lost(&silent(0), now));
        assert!(watch.asks_for_lost(&silent(1), now));
        watch.has_looked(silent(1), now + REST_MAX);
        assert!(watch.asks_for_lost(&Silent { is_fresh: true, ..silent(1) }, now));
        assert!(!watch.asks_for_lost(&silent(1), now));
        assert!(watch.asks_for_lost(&silent(1), now + REST_MAX));
    }

    #[test]
    fn unheard_claims_are_looked_for_after_a_call_without_an_answer_and_else_once_a_minute() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert!(!watch.asks_for_claims(None, now));
        assert!(watch.asks_for_claims(Some(now), now + Duration::from_secs(12)));
        assert!(watch.asks_for_claims(Some(now), now + Duration::from_secs(13)));
        let later = now + UNHEARD_FOR;
        assert!(watch.asks_for_claims(Some(now), later), "a minute has gone by");
        assert!(!watch.asks_for_claims(Some(now), later + Duration::from_secs(59)));
    }
}
