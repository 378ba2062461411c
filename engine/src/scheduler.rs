//! Schedules: which jobs are made when. Any number of replicas make one job for each tick, because the tick is the job's
//! unique key.
//!
//! A process makes the ticks of the schedules that its own code declares. One that no living version names any more rests
//! by itself, and goes on when a deploy is rolled back.

mod backfill; // ticks of the past
mod lag; // how late they are
mod past; // what became of a day's ticks
mod plan; // what a due schedule does
mod steer; // what operators change
mod view; // what they see

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use self::{
    backfill::{BACKFILL_BACK_MAX, BACKFILL_TICKS_MAX, Backfill},
    lag::ScheduleLag,
    past::TickCount,
    plan::{CATCH_UP_MAX, Missed},
    steer::ScheduleChange,
    view::{BackfillView, Order, ScheduleView},
};
use crate::{
    cron::Cron,
    engine::Engine,
    error::Error,
    job::{Enqueued, Hold, NewJob, Retention, Unique},
    pool::jittered,
    store::{
        self,
        schedules::{DueRow, ScheduleRow},
    },
    tx::Tx,
    wakeups::pause,
};

/// How often the due schedules are looked for. A tick is this late at worst.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often a process says again what its code declares. In a rolling deploy the version that stays has the last word.
const DECLARE_EVERY: Duration = Duration::from_mins(1);

/// How long a process leaves a schedule alone that it cannot make, so that it does not hold up those due after it.
const ASIDE_FOR: Duration = Duration::from_mins(1);

/// The same when it may have been the database.
const ASIDE_BRIEFLY: Duration = Duration::from_secs(5);

/// How long a tick's identity is kept: longer than any backfill looks back, so that no tick ever has two jobs.
const TICK_HELD: Duration = Duration::from_hours(400 * 24);

/// A schedule as the code declares it.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name for ever.
    pub name: String,
    /// Five fields as cron has them, or six with seconds first.
    pub cron: String,
    /// The zone its times are in, by its IANA name.
    pub timezone: String,
    /// Which kind of job it makes.
    pub kind: String,
    /// In which queue.
    pub queue: String,
    /// With which arguments.
    pub args: Value,
    /// What happens to ticks that nobody was there to make.
    pub missed: Missed,
}

/// Makes schedules known to the database. What is there stays as it is, unless the code has changed its mind.
pub(crate) async fn declare(engine: &Engine, schedules: &[Schedule]) -> Result<(), Error> {
    for schedule in schedules {
        let cron = cron_of(&schedule.name, &schedule.cron, &schedule.timezone)?;
        let (kind_id, queue_id) =
            (engine.names().kind(&schedule.kind)?, engine.names().queue(&schedule.queue)?);
        let now = engine.db().run(async |conn| store::clock::now(conn).await).await?;
        let next_at = cron.next_after(now).ok_or_else(|| never(&schedule.name))?;
        let row = ScheduleRow {
            name: &schedule.name,
            cron: &schedule.cron,
            timezone: &schedule.timezone,
            kind_id,
            queue_id,
            args: &schedule.args,
            missed: schedule.missed.as_str(),
            catch_up_max: schedule.missed.max(),
            next_at,
        };
        engine.db().run(async |conn| store::schedules::schedule_declare(conn, &row).await).await?;
    }
    Ok(())
}

fn cron_of(name: &str, cron: &str, timezone: &str) -> Result<Cron, Error> {
    Cron::parse(cron, timezone)
        .map_err(|error| Error::BadSchedule { name: name.to_owned(), why: error.to_string() })
}

fn never(name: &str) -> Error {
    Error::BadSchedule { name: name.to_owned(), why: "it never fires again".to_owned() }
}

/// The unique key of a tick: the same whoever makes it, by the clock, by hand or by a backfill.
pub fn tick_key(schedule: &str, scheduled_for: DateTime<Utc>) -> Unique {
    let key = format!("{schedule}@{}", scheduled_for.timestamp_millis());
    Unique::new("schedule", &key, Hold::For(TICK_HELD))
}

/// Makes the jobs of due ticks until told to stop.
pub(crate) async fn run(engine: Engine, stop: CancellationToken) {
    let mut aside = Aside::default();
    let mut declared = Instant::now();
    while !stop.is_cancelled() {
        if declared.elapsed() >= DECLARE_EVERY {
            declared = Instant::now();
            if let Err(error) = declare(&engine, engine.schedules_declared()).await {
                tracing::warn!(%error, "the schedules could not be declared again");
            }
        }
        let ticked = tick(&engine, &mut aside).await;
        let filled = backfill::turn(&engine, &mut aside).await;
        match (ticked, filled) {
            (Ok(true), _) | (_, Ok(true)) => continue,
            (Ok(false), Ok(false)) => {}
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "the schedules could not be looked at");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = pause(jittered(LOOK_EVERY)) => {}
        }
    }
}

/// Schedules that this process cannot make, and until when it leaves them alone.
#[derive(Default)]
struct Aside(HashMap<String, Instant>);

impl Aside {
    /// What this process's code declares, without those.
    fn others(&mut self, declared: &[Schedule]) -> Vec<String> {
        self.0.retain(|_, until| *until > Instant::now());
        let names = declared.iter().map(|schedule| &schedule.name);
        names.filter(|name| !self.0.contains_key(*name)).cloned().collect()
    }

    /// Puts one aside, and says so where people look.
    async fn put(&mut self, engine: &Engine, name: &str, error: &Error) {
        tracing::warn!(schedule = name, %error, "a schedule's tick could not be made; others go on");
        crate::metrics::tick_failed(name);
        let time = if error.is_temporary() { ASIDE_BRIEFLY } else { ASIDE_FOR };
        self.0.insert(name.to_owned(), Instant::now() + time);
        let fault = error.to_string();
        let noted = engine
            .db()
            .run(async |conn| store::schedules::schedule_fault(conn, name, &fault).await)
            .await;
        if let Err(error) = noted {
            tracing::debug!(%error, "a schedule's fault was not noted; the next try will");
        }
    }
}

/// Sees to one due schedule. False: none is due.
async fn tick(engine: &Engine, aside: &mut Aside) -> Result<bool, Error> {
    let names = aside.others(engine.schedules_declared());
    if names.is_empty() {
        return Ok(false);
    }
    let mut tx = engine.begin().await?;
    let Some(due) = store::schedules::schedule_due(&mut tx, &names).await? else {
        return Ok(false);
    };
    let made = match make(engine, &mut tx, &due).await {
        Ok(made) => tx.commit().await.map(|()| made),
        Err(error) => {
            drop(tx); // and with it the lock, before its fault is noted
            Err(error)
        }
    };
    match made {
        Ok(true) => crate::metrics::ticked(&due.name),
        Ok(false) => tracing::info!(schedule = due.name, "missed ticks were left out"),
        Err(error) => aside.put(engine, &due.name, &error).await,
    }
    Ok(true)
}

/// Makes the job of a due tick and moves the schedule on. False: the due ticks are left out.
async fn make(engine: &Engine, tx: &mut Tx, due: &DueRow) -> Result<bool, Error> {
    let cron = cron_of(&due.name, &due.cron, &due.timezone)?;
    let missed = Missed::of(&due.missed, due.catch_up_max);
    let plan = plan::plan(&cron, missed, due.next_at, due.now);
    let next_at = plan.next_at.ok_or_else(|| never(&due.name))?;
    let mut made = None;
    if let Some(tick) = plan.run {
        let enqueued = enqueue(engine, tx, due, tick_key(&due.name, tick), 0).await?;
        made = Some((tick, enqueued.id().as_uuid()));
    }
    store::schedules::schedule_advance(tx, &due.name, next_at, made).await?;
    Ok(made.is_some())
}

/// Enqueues the job of a schedule under an identity.
async fn enqueue(
    engine: &Engine,
    tx: &mut Tx,
    due: &DueRow,
    identity: Unique,
    priority: i16,
) -> Result<Enqueued, Error> {
    let (kind, queue) =
        (engine.names().kind_name(due.kind_id), engine.names().queue_name(due.queue_id));
    let mut job =
        NewJob::of_kind(&kind, &queue, due.args.clone()).unique(identity).priority(priority);
    job.retention = Retention::Brief;
    tx.enqueue(job).await
}
