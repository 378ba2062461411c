//! Schedules as people look at them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Missed;
use crate::{
    cron::Cron,
    engine::Engine,
    error::Error,
    job::JobId,
    sealed,
    state::State,
    store::{self, schedules::SeenRow},
};

/// How many next times are shown.
const NEXT: usize = 5;

/// Schedules in the list. They are declared in code, so there are tens.
const LIST_MAX: i64 = 1000;

/// A schedule with what it did last and will do next.
#[derive(Debug, Clone, Serialize)]
pub struct ScheduleView {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub cron: String,
    /// The zone its times are in.
    pub timezone: String,
    /// Which kind of job it makes.
    pub kind: String,
    /// In which queue.
    pub queue: String,
    /// With which arguments.
    pub args: Value,
    /// `skip`, `run_once` or `catch_up`.
    pub missed: &'static str,
    /// The bound of `catch_up`.
    pub catch_up_max: Option<u16>,
    /// The next five times; none if this version cannot read its expression.
    pub next: Vec<DateTime<Utc>>,
    /// The last tick.
    pub last_at: Option<DateTime<Utc>>,
    /// Its job.
    pub last_job: Option<JobId>,
    /// Where that job stands; none when its retention is over.
    pub last_state: Option<State>,
    /// When that job was made; none when its retention is over.
    pub last_made_at: Option<DateTime<Utc>>,
    /// When it ended, if it has.
    pub last_finished_at: Option<DateTime<Utc>>,
    /// For how long a tick has been due that nobody has made, in seconds; none while there is none, and while it is paused.
    pub late_secs: Option<u64>,
    /// Who stopped it, if somebody did.
    pub paused: Option<Order>,
    /// Who gave it other times than the code's, if somebody did.
    pub changed: Option<Order>,
    /// Why the due tick could not be made, if it could not.
    pub fault: Option<String>,
    /// Whether this process's code names it. If nobody's does, it makes no ticks.
    pub declared: bool,
    /// What is being made up for.
    pub backfill: Option<BackfillView>,
}

/// Who wanted something, when and why.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// As it is stored.
#[derive(Deserialize)]
struct SeenBackfill {
    from_at: DateTime<Utc>,
    to_at: DateTime<Utc>,
    next_at: DateTime<Utc>,
    made: i32,
    had_run: i32,
    asked_by: String,
    reason: String,
}

/// A backfill that is going on.
#[derive(Debug, Clone, Serialize)]
pub struct BackfillView {
    /// The beginning of its range.
    pub from: DateTime<Utc>,
    /// The end.
    pub to: DateTime<Utc>,
    /// The tick that comes next.
    pub next: DateTime<Utc>,
    /// Jobs made so far.
    pub made: u32,
    /// Ticks that had run before.
    pub had_run: u32,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Engine {
    /// All schedules, by name.
    pub async fn schedules(&self) -> Result<Vec<ScheduleView>, Error> {
        let rows =
            self.read(async |conn| store::schedules::schedules_list(conn, LIST_MAX).await).await?;
        let declared = self.schedules_declared();
        let view = |row: SeenRow| {
            let is_declared = declared.iter().any(|schedule| schedule.name == row.name);
            view(row, is_declared)
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

fn view(row: SeenRow, is_declared: bool) -> ScheduleView {
    let backfill = row.backfill.as_ref().and_then(|it| SeenBackfill::deserialize(it).ok());
    let next = next(&row);
    let late = row.now - row.next_at;
    let is_due = row.paused_at.is_none() && late >= TimeDelta::zero();
    let missed = Missed::of(&row.missed, row.catch_up_max);
    ScheduleView {
        next,
        missed: missed.as_str(),
        catch_up_max: missed.max().map(i16::unsigned_abs),
        args: sealed::redact(&row.args),
        last_state: row.last_state.and_then(|word| word.parse().ok()),
        last_made_at: row.last_made_at,
        last_finished_at: row.last_finished_at,
        late_secs: is_due.then(|| late.num_seconds().unsigned_abs()),
        paused: order(row.paused_by, row.paused_reason, row.paused_at),
        changed: order(row.changed_by, row.changed_reason, row.changed_at),
        name: row.name,
        cron: row.cron,
        timezone: row.timezone,
        kind: row.kind,
        queue: row.queue,
        last_at: row.last_at,
        last_job: row.last_job_id.map(JobId::from),
        fault: row.fault,
        declared: is_declared,
        backfill: backfill.map(|it| BackfillView {
            from: it.from_at,
            to: it.to_at,
            next: it.next_at,
            made: it.made.unsigned_abs(),
            had_run: it.had_run.unsigned_abs(),
            by: it.asked_by,
            reason: it.reason,
        }),
    }
}

/// What is due comes first; after it what the clock says.
fn next(row: &SeenRow) -> Vec<DateTime<Utc>> {
    let Ok(cron) = Cron::parse(&row.cron, &row.timezone) else { return Vec::new() };
    if row.paused_at.is_some() || row.next_at <= row.now {
        return cron.next_n(row.now, NEXT);
    }
    let mut next = vec![row.next_at];
    next.extend(cron.next_n(row.next_at, NEXT - 1));
    next
}

fn order(by: Option<String>, reason: Option<String>, at: Option<DateTime<Utc>>) -> Option<Order> {
    Some(Order { by: by?, reason: reason.unwrap_or_default(), at: at? })
}
