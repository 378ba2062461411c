//! What operators do to schedules. Each call says who asks and why, and joins the caller's transaction.

use super::{Missed, cron_of, enqueue, never};
use crate::{
    error::Error,
    job::{Enqueued, Hold, Unique},
    store::{self, schedules::DueRow},
    tx::Tx,
};

/// How long a request to run a schedule now is known again.
const REQUEST_HELD: std::time::Duration = std::time::Duration::from_hours(24);

/// Other times for a schedule; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ScheduleChange {
    /// Another expression.
    pub cron: Option<String>,
    /// Another zone.
    pub timezone: Option<String>,
    /// Another way with missed ticks.
    pub missed: Option<Missed>,
}

impl Tx {
    /// Has a schedule make no ticks until [`Tx::schedule_resume`]. Survives deploys. A second pause changes nothing.
    pub async fn schedule_pause(
        &mut self,
        name: &str,
        by: &str,
        reason: &str,
    ) -> Result<(), Error> {
        if store::schedules::schedule_pause(self, name, by, reason).await? {
            return Ok(());
        }
        Err(unknown(name))
    }

    /// Ends a pause. Ticks that fell into it are left out, whatever the schedule does with missed ones: somebody wanted
    /// them not to run. A backfill makes them after all.
    pub async fn schedule_resume(&mut self, name: &str) -> Result<(), Error> {
        let due = self.schedule(name).await?;
        let cron = cron_of(name, &due.cron, &due.timezone)?;
        let next_at = cron.next_after(due.now).ok_or_else(|| never(name))?;
        Ok(store::schedules::schedule_resume(self, name, next_at).await?)
    }

    /// Makes a job of the schedule now, also while it is paused. It is no tick: the next one comes when it would have.
    /// `request` is the caller's name for this click; the same one within a day yields the first job again.
    pub async fn schedule_run(&mut self, name: &str, request: &str) -> Result<Enqueued, Error> {
        let due = self.schedule(name).await?;
        let identity =
            Unique::new("schedule_run", &format!("{name}@{request}"), Hold::For(REQUEST_HELD));
        let engine = self.engine().clone();
        enqueue(&engine, self, &due, identity, 0).await
    }

    /// Gives a schedule other times, until the code declares others than it did last. A tick that is due already is made
    /// first.
    pub async fn schedule_change(
        &mut self,
        name: &str,
        change: &ScheduleChange,
        by: &str,
        reason: &str,
    ) -> Result<(), Error> {
        let mut due = self.schedule(name).await?;
        due.cron = change.cron.clone().unwrap_or(due.cron);
        due.timezone = change.timezone.clone().unwrap_or(due.timezone);
        if let Some(missed) = change.missed {
            missed.as_str().clone_into(&mut due.missed);
            due.catch_up_max = missed.max();
        }
        let cron = cron_of(name, &due.cron, &due.timezone)?;
        if due.next_at > due.now {
            due.next_at = cron.next_after(due.now).ok_or_else(|| never(name))?;
        }
        Ok(store::schedules::schedule_change(self, &due, by, reason).await?)
    }

    /// A schedule by its name, locked.
    pub(super) async fn schedule(&mut self, name: &str) -> Result<DueRow, Error> {
        store::schedules::schedule_get(self, name).await?.ok_or_else(|| unknown(name))
    }
}

fn unknown(name: &str) -> Error {
    Error::BadSchedule { name: name.to_owned(), why: "there is none of this name".to_owned() }
}
