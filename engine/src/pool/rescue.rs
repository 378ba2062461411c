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

use super::{Pool, claim::jittered, housekeeping::stop_or, spacing};
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

/// Whoever was in hand beside such a job has cost as many workers as it has. From the third on, each of them comes back at an
/// instant of its own, so that only one of them does it again. (The first two may be a deploy, and a call waits for nobody.)
const APART_FROM: i16 = 3;

/// Times the square of the workers it has cost: within 18 s, then within 32 s. Most attempts are much shorter than that, and
/// people wait for some of them.
const APART: Duration = Duration::from_secs(2);

/// A claim of which the worker has not heard by then was lost on its way: twice the time that any call is given.
const UNHEARD_AFTER: Duration = Duration::from_secs(10);

/// For so long after a call without an answer there may be such ones; else they are looked for seldom.
pub(super) const UNHEARD_FOR: Duration = Duration::from_mins(2);
const UNHEARD_EVERY: Duration = Duration::from_mins(1);

/// Looks, one after the other.
pub(super) async fn rescue<A: App>(pool: Arc<Pool<A>>) {
    let mut watch = Watch::new(Instant::now());
    while !pool.stop.is_cancelled() {
        let looks = [
            unheard(&pool, &mut watch).await,
            claims(&pool, &mut watch).await,
            lost(&pool, &mut watch).await,
        ];
        for done in looks {
            if let Err(error) = done {
                tracing::warn!(%error, "what nobody has in hand could not be returned");
            }
        }
        stop_or(&pool, jittered(pool.config.lease / ROUNDS_PER_LEASE)).await;
    }
}

/// Signals and cancels that a crash left unheard.
async fn unheard<A: App>(pool: &Pool<A>, watch: &mut Watch) -> Result<(), DbError> {
    let began = Instant::now();
    if began < watch.unheard_due {
        return Ok(());
    }
    let looked = pool
        .engine
        .db()
        .run(async |conn| {
            let unheard = store::signals::signals_sweep(conn, RESCUE_MAX).await?;
            let woken = store::signals::signals_wake(conn, &unheard).await?;
            Ok((woken, store::cancel::cancels_sweep(conn, RESCUE_MAX).await?))
        })
        .await;
    let has_more = looked.as_ref().is_ok_and(|(woken, cancels)| woken.len() + cancels.len() > 0);
    watch.unheard_due = after(pool, began, has_more);
    let (woken, cancels) = looked?;
    for job in cancels {
        if let Err(error) = crate::admin::enforce(&pool.engine, job).await {
            tracing::warn!(%error, job.id = %job, "a cancel could not be carried out");
        }
    }
    pool.engine.wakeups().ring(woken);
    Ok(())
}

/// Claims of this worker of which it never heard.
async fn claims<A: App>(pool: &Pool<A>, watch: &mut Watch) -> Result<(), DbError> {
    let worker_id = pool.live.worker_id();
    let in_hand: Vec<_> = pool.live.all().iter().map(|job| job.fence().job_id).collect();
    if !watch.asks_for_claims(pool.live.doubted(), Instant::now()) {
        return Ok(());
    }
    let age = interval(UNHEARD_AFTER);
    let back = pool
        .engine
        .db()
        .run(async |conn| {
            store::leases::leases_return_unheard(conn, worker_id, &in_hand, age).await
        })
        .await?;
    pool.engine.wakeups().ring(back);
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
        .run(async |conn| {
            let apart = interval(APART);
            store::rescue::leases_rescue(conn, CRASHES_MAX, APART_FROM, apart, RESCUE_MAX).await
        })
        .await;
    let has_more = lost.as_ref().is_ok_and(|lost| !lost.is_empty());
    watch.has_looked(silent, after(pool, began, has_more));
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

/// When the next look is due. (One that got no answer was a long one.)
fn after<A: App>(pool: &Pool<A>, began: Instant, has_more: bool) -> Instant {
    let rest = spacing::rest(began.elapsed(), pool.live.fleet());
    Instant::now() + if has_more { Duration::ZERO } else { jittered(rest) }
}

/// When to look again.
#[derive(Debug)]
struct Watch {
    unheard_due: Instant,
    /// Who was silent at the last look for lost leases.
    silent: Option<Silent>,
    lost_due: Instant,
    claims_due: Instant,
}

impl Watch {
    fn new(now: Instant) -> Watch {
        Watch { unheard_due: now, silent: None, lost_due: now, claims_due: now + UNHEARD_EVERY }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(workers: i64) -> Silent {
        Silent { workers, newest: None, is_fresh: false }
    }

    #[test]
    fn when_another_worker_has_gone_silent_nothing_is_waited_for() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        assert!(watch.asks_for_lost(&silent(0), now));
        watch.has_looked(silent(0), now + spacing::REST_MAX);
        assert!(!watch.asks_for_lost(&silent(0), now));
        assert!(watch.asks_for_lost(&silent(1), now));
        watch.has_looked(silent(1), now + spacing::REST_MAX);
        assert!(watch.asks_for_lost(&Silent { is_fresh: true, ..silent(1) }, now));
        assert!(!watch.asks_for_lost(&silent(1), now));
        assert!(watch.asks_for_lost(&silent(1), now + spacing::REST_MAX));
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
