//! Making due jobs ready, the longest due first.
//!
//! One that was made ready lies dead in the index as long as somebody holds a transaction open, so a look from the beginning
//! walks over all that have been due since. A pool knows to which instant it has come, and begins shortly before that. What
//! is entered for an instant before (by a transaction that was long in committing) is found by looks from the beginning: all
//! are, as long as they are quick, and else as often as is cheap.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::Connection;

use super::{Pool, claim::jittered, housekeeping::stop_or, spacing};
use crate::{
    store::{
        self,
        db::DbError,
        waits::{Begin, DueRow, LATE},
    },
    workflow::App,
};

/// Due jobs made ready by one statement.
const ROWS_MAX: i64 = 1000;

/// The longest look-away from the timers: what another process put there for sooner is found this late at worst.
const IDLE: Duration = Duration::from_millis(250);

/// The shortest: a timer is as exact as that.
const BREATH: Duration = Duration::from_millis(1);

/// What each job that was made ready may take, for a look to be quick.
const QUICK_A_JOB: Duration = Duration::from_micros(100);

/// Makes due jobs ready.
pub(super) async fn promote<A: App>(pool: Arc<Pool<A>>) {
    let mut timers = Timers::new(Instant::now());
    while !pool.stop.is_cancelled() {
        let rest = match look(&pool, &mut timers).await {
            Ok(next) => next.map_or(IDLE, |next| next.clamp(BREATH, IDLE)),
            Err(error) => {
                tracing::warn!(%error, "due jobs could not be made ready");
                IDLE
            }
        };
        stop_or(&pool, rest).await;
    }
}

/// How long until there is something to do again, if anything waits for its time.
async fn look<A: App>(pool: &Pool<A>, timers: &mut Timers) -> Result<Option<Duration>, DbError> {
    let began = Instant::now();
    let from = timers.begin(began);
    let loops = pool.engine.loops();
    let looked = loops
        .db
        .run(async |conn| {
            // Planned as claims are: without statistics all that is due would be fetched and sorted.
            let mut tx = conn.begin_with(loops.planned.begin()).await?;
            let due = store::waits::waits_promote(&mut tx, from, ROWS_MAX).await?;
            let cut = cut_at(&due);
            let on = cut.map_or(Begin::Lately, Begin::At);
            let next = store::waits::waits_next_due(&mut tx, on).await?;
            tx.commit().await?;
            Ok((due, cut, next))
        })
        .await;
    // (A look that got no answer was a long one.)
    let jobs = looked.as_ref().map_or(0, |(due, ..)| due.len());
    let quick = QUICK_A_JOB.saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX));
    let rest = spacing::rest(began.elapsed().saturating_sub(quick), pool.live.fleet());
    timers.has_looked(from, Instant::now() + jittered(rest));
    let (due, cut, next) = looked?;
    timers.come_to = Some(cut.unwrap_or(next.at - LATE));
    pool.engine.wakeups().ring(due.into_iter().map(|job| job.queue_id));
    Ok(next.secs.map(|secs| Duration::try_from_secs_f64(secs).unwrap_or_default()))
}

/// Where the next look begins, if this one ended because it had made enough jobs ready.
fn cut_at(due: &[DueRow]) -> Option<DateTime<Utc>> {
    let is_cut = i64::try_from(due.len()).is_ok_and(|jobs| jobs >= ROWS_MAX);
    due.iter().map(|job| job.due - LATE).max().filter(|_| is_cut)
}

/// How far a pool has come.
#[derive(Debug)]
struct Timers {
    /// Where a look begins, by the database's clock; `None`: nothing is known of that clock yet.
    come_to: Option<DateTime<Utc>>,
    /// When a look from the beginning is due.
    all_due: Instant,
}

impl Timers {
    fn new(now: Instant) -> Timers {
        Timers { come_to: None, all_due: now }
    }

    fn begin(&self, now: Instant) -> Begin {
        if now >= self.all_due { Begin::All } else { self.come_to.map_or(Begin::Lately, Begin::At) }
    }

    /// One that did not begin at the beginning says nothing about those that do.
    fn has_looked(&mut self, begin: Begin, all_due: Instant) {
        if begin == Begin::All {
            self.all_due = all_due;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn every_look_is_from_the_beginning_until_one_was_slow() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut timers = Timers::new(now);
        assert_eq!(timers.begin(now), Begin::All);
        timers.has_looked(Begin::All, now);
        assert_eq!(timers.begin(now), Begin::All);
        timers.has_looked(Begin::All, now + second);
        assert_eq!(timers.begin(now), Begin::Lately);
        let here = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        timers.come_to = Some(here);
        assert_eq!(timers.begin(now), Begin::At(here));
        timers.has_looked(Begin::At(here), now + 60 * second);
        assert_eq!(timers.begin(now + second), Begin::All);
    }

    #[test]
    fn a_look_that_was_cut_short_is_gone_on_with_where_it_ended() {
        let job =
            |secs| DueRow { queue_id: 1, due: DateTime::UNIX_EPOCH + TimeDelta::seconds(secs) };
        let full: Vec<_> = (0..ROWS_MAX).map(|at| job(at % 100)).collect();
        assert_eq!(cut_at(&full), Some(job(99).due - LATE));
        assert_eq!(cut_at(&full[1..]), None);
    }
}
