//! What operators do to schedules. Each call says who asks and why, and joins the caller's transaction.

use serde_json::{Value, json};

use super::{Missed, cron_of, enqueue, never};
use crate::{
    admin::{Action, Operator, record_about},
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
    /// Needs a reason.
    pub async fn schedule_pause(&mut self, name: &str, operator: &Operator) -> Result<(), Error> {
        operator.check_reason()?;
        let (by, reason) = (operator.actor(), operator.reason().unwrap_or_default());
        if !store::schedules::schedule_pause(self, name, by, reason).await? {
            return Err(UNKNOWN);
        }
        self.steered(name, operator, Action::SchedulePaused, json!({})).await
    }

    /// Ends a pause. Ticks that fell into it are left out, whatever the schedule does with missed ones: somebody wanted
    /// them not to run. A backfill makes them after all.
    pub async fn schedule_resume(&mut self, name: &str, operator: &Operator) -> Result<(), Error> {
        let due = self.schedule(name).await?;
        let cron = cron_of(name, &due.cron, &due.timezone)?;
        let next_at = cron.next_after(due.now).ok_or_else(|| never(name))?;
        store::schedules::schedule_resume(self, name, next_at).await?;
        self.steered(name, operator, Action::ScheduleResumed, json!({})).await
    }

    /// Makes a job of the schedule now, also while it is paused. It is no tick: the next one comes when it would have.
    /// `request` is the caller's name for this click; the same one within a day yields the first job again.
    pub async fn schedule_run(
        &mut self,
        name: &str,
        request: &str,
        operator: &Operator,
    ) -> Result<Enqueued, Error> {
        let due = self.schedule(name).await?;
        let identity =
            Unique::new("schedule_run", &format!("{name}@{request}"), Hold::For(REQUEST_HELD));
        let engine = self.engine().clone();
        let made = enqueue(&engine, self, &due, identity, 0).await?;
        if let Enqueued::New(id) = made {
            self.steered(name, operator, Action::ScheduleRun, json!({ "job": id })).await?;
        }
        Ok(made)
    }

    /// Gives a schedule other times, until the code declares others than it did last. A tick that is due already is made
    /// first. Needs a reason.
    pub async fn schedule_change(
        &mut self,
        name: &str,
        change: &ScheduleChange,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check_reason()?;
        let (by, reason) = (operator.actor(), operator.reason().unwrap_or_default());
        let mut due = self.schedule(name).await?;
        let before = json!({ "cron": due.cron, "timezone": due.timezone, "missed": due.missed });
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
        store::schedules::schedule_change(self, &due, by, reason).await?;
        self.steered(name, operator, Action::ScheduleChanged, json!({ "before": before })).await
    }

    /// Writes down who asked.
    pub(super) async fn steered(
        &mut self,
        name: &str,
        operator: &Operator,
        action: Action,
        details: Value,
    ) -> Result<(), Error> {
        record_about(self, operator, action, &format!("schedule:{name}"), &details).await
    }

    /// A schedule by its name, locked.
    pub(super) async fn schedule(&mut self, name: &str) -> Result<DueRow, Error> {
        store::schedules::schedule_get(self, name).await?.ok_or(UNKNOWN)
    }
}

const UNKNOWN: Error = Error::Absent { what: "schedule" };
