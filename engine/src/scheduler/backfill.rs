//! Backfills: ticks of the past that somebody wants made after all. Kept in the database, so that a restart goes on where
//! it was; made a few at a time, behind everything fresh. A tick that has its job gets no second one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Aside, cron_of, enqueue, tick_key};
use crate::{
    admin::{Action, Operator},
    cron::Cron,
    engine::Engine,
    error::Error,
    job::{Enqueued, JobId},
    store::{
        self,
        backfills::{BackfillRow, DueBackfill, Turn},
        schedules::DueRow,
    },
    time::interval,
    tx::Tx,
};

/// How far back a backfill may go. Below the time for which ticks are remembered.
pub const BACKFILL_BACK_MAX: Duration = Duration::from_hours(366 * 24);

/// Ticks in one backfill. More belong in several, which can be looked at one by one.
pub const BACKFILL_TICKS_MAX: usize = 10_000;

/// Jobs of the past wait behind fresh ones (lower runs first).
const PRIORITY: i16 = 100;

/// Ticks looked at in one turn, made or not: a transaction must stay short.
const TURN_MAX: i16 = 100;

/// A range of ticks to make.
#[derive(Debug, Clone, Copy)]
pub struct Backfill {
    /// From here, a tick at this very instant included.
    pub from: DateTime<Utc>,
    /// To here, included. Not in the future.
    pub to: DateTime<Utc>,
    /// At most so many jobs a minute, 1 to 600.
    pub per_minute: u16,
}

impl Tx {
    /// Has the past ticks of a schedule made that have no job yet, oldest first, a few at a time. Needs a
    /// reason. Returns how many ticks lie in the range. One backfill of a schedule at a time; it goes on while
    /// the schedule is paused, and ends early by [`Tx::schedule_backfill_stop`].
    pub async fn schedule_backfill(
        &mut self,
        name: &str,
        backfill: Backfill,
        operator: &Operator,
    ) -> Result<usize, Error> {
        operator.check_reason()?;
        let due = self.schedule(name).await?;
        let bad = |why: String| Error::BadSchedule { name: name.to_owned(), why };
        if backfill.from > backfill.to || backfill.to > due.now {
            return Err(bad(
                "a backfill goes from an instant to a later one in the past".to_owned()
            ));
        }
        if (due.now - backfill.from).to_std().unwrap_or_default() > BACKFILL_BACK_MAX {
            return Err(bad("a backfill goes back a year at most".to_owned()));
        }
        let cron = cron_of(name, &due.cron, &due.timezone)?;
        let ticks = ticks_in(&cron, &backfill);
        let Some(first) = ticks.first() else {
            return Err(bad("no tick lies in that range".to_owned()));
        };
        if ticks.len() > BACKFILL_TICKS_MAX {
            return Err(bad(format!(
                "more than {BACKFILL_TICKS_MAX} ticks lie in that range; ask for a shorter one"
            )));
        }
        let row = BackfillRow {
            backfill_id: JobId::mint().as_uuid(),
            schedule: name,
            from_at: backfill.from,
            to_at: backfill.to,
            next_at: *first,
            per_minute: i16::try_from(backfill.per_minute.clamp(1, 600)).unwrap_or(1),
            asked_by: operator.actor(),
            reason: operator.reason().unwrap_or_default(),
        };
        if !store::backfills::backfill_insert(self, &row).await? {
            return Err(bad("another backfill of it is going on".to_owned()));
        }
        let details = json!({ "from": backfill.from, "to": backfill.to, "ticks": ticks.len() });
        self.steered(name, operator, Action::ScheduleBackfilled, details).await?;
        Ok(ticks.len())
    }

    /// Ends the backfill of a schedule where it stands. False: none is going on.
    pub async fn schedule_backfill_stop(
        &mut self,
        name: &str,
        operator: &Operator,
    ) -> Result<bool, Error> {
        let stopped = store::backfills::backfill_stop(self, name).await?;
        if stopped {
            self.steered(name, operator, Action::BackfillStopped, json!({})).await?;
        }
        Ok(stopped)
    }
}

/// The ticks in a range; one more than allowed at the most.
fn ticks_in(cron: &Cron, range: &Backfill) -> Vec<DateTime<Utc>> {
    let first = cron.next_after(range.from - TimeDelta::milliseconds(1));
    std::iter::successors(first, |tick| cron.next_after(*tick))
        .take_while(|tick| *tick <= range.to)
        .take(BACKFILL_TICKS_MAX + 1)
        .collect()
}

/// Makes the next few ticks of one backfill. False: none has its turn.
pub(super) async fn turn(engine: &Engine, aside: &mut Aside) -> Result<bool, Error> {
    let names = aside.others(engine.schedules_declared());
    if names.is_empty() {
        return Ok(false);
    }
    let mut tx = engine.begin().await?;
    let Some(due) = store::backfills::backfill_due(&mut tx, &names).await? else {
        return Ok(false);
    };
    let went_on = match go_on(engine, &mut tx, &due).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    if let Err(error) = went_on {
        aside.put(engine, &due.schedule, &error).await;
    }
    Ok(true)
}

async fn go_on(engine: &Engine, tx: &mut Tx, due: &DueBackfill) -> Result<(), Error> {
    let schedule = tx.schedule(&due.schedule).await?;
    let cron = cron_of(&schedule.name, &schedule.cron, &schedule.timezone)?;
    // A second's worth of jobs, one at least; then a rest for as long as that many may take.
    let jobs_max = (due.per_minute / 60).max(1);
    let turn = make(engine, tx, &schedule, &cron, due, jobs_max).await?;
    let rest = Duration::from_mins(1).mul_f64(f64::from(turn.made) / f64::from(due.per_minute));
    store::backfills::backfill_advance(tx, due.backfill_id, &turn, interval(rest)).await?;
    Ok(())
}

async fn make(
    engine: &Engine,
    tx: &mut Tx,
    schedule: &DueRow,
    cron: &Cron,
    due: &DueBackfill,
    jobs_max: i16,
) -> Result<Turn, Error> {
    let mut turn = Turn::default();
    let mut tick = Some(due.next_at);
    for _ in 0..TURN_MAX {
        let Some(at) = tick.filter(|tick| *tick <= due.to_at) else { return Ok(turn) };
        match enqueue(engine, tx, schedule, tick_key(&schedule.name, at), PRIORITY).await? {
            Enqueued::New(_) => turn.made += 1,
            Enqueued::Duplicate(_) => turn.had_run += 1,
        }
        tick = cron.next_after(at);
        if turn.made >= i32::from(jobs_max) {
            break;
        }
    }
    turn.next_at = tick.filter(|tick| *tick <= due.to_at);
    Ok(turn)
}
