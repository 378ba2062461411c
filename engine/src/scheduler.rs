//! Schedules: which jobs are made when. Any number of replicas make one job for each tick, because the tick is the job's
//! unique key.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    cron::Cron,
    engine::Engine,
    error::Error,
    job::{Hold, NewJob, Retention, Unique},
    store::{self, schedules::ScheduleRow},
    wakeups::pause,
};

/// How often the due schedules are looked for. A tick is this late at worst.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

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
}

/// Makes schedules known to the database. What is there keeps its next tick unless its times have changed.
pub(crate) async fn declare(engine: &Engine, schedules: &[Schedule]) -> Result<(), Error> {
    for schedule in schedules {
        let bad = |why: String| Error::BadSchedule { name: schedule.name.clone(), why };
        let cron = Cron::parse(&schedule.cron, &schedule.timezone)
            .map_err(|error| bad(error.to_string()))?;
        let (kind_id, queue_id) =
            (engine.names().kind(&schedule.kind)?, engine.names().queue(&schedule.queue)?);
        let now = engine.db().run(async |conn| store::clock::now(conn).await).await?;
        let next_at = cron.next_after(now).ok_or_else(|| bad("it never fires".to_owned()))?;
        let row = ScheduleRow {
            name: &schedule.name,
            cron: &schedule.cron,
            timezone: &schedule.timezone,
            kind_id,
            queue_id,
            args: &schedule.args,
            next_at,
        };
        engine.db().run(async |conn| store::schedules::schedule_declare(conn, &row).await).await?;
    }
    Ok(())
}

/// The unique key of a tick: the same whoever makes it, by the clock or by hand.
pub fn tick_key(schedule: &str, scheduled_for: DateTime<Utc>) -> Unique {
    Unique::new(
        "schedule",
        &format!("{schedule}@{}", scheduled_for.timestamp_millis()),
        Hold::ForEver,
    )
}

/// Makes the jobs of due ticks until told to stop.
pub(crate) async fn run(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match tick(&engine).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the schedules could not be looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = pause(LOOK_EVERY) => {}
        }
    }
}

/// Makes the job of one due tick. A tick that was missed runs once, late; those missed after it are skipped.
async fn tick(engine: &Engine) -> Result<bool, Error> {
    let mut tx = engine.begin().await?;
    let Some(due) = store::schedules::schedule_due(&mut tx).await? else { return Ok(false) };
    let bad = |why: String| Error::BadSchedule { name: due.name.clone(), why };
    let cron = Cron::parse(&due.cron, &due.timezone).map_err(|error| bad(error.to_string()))?;
    let next_at = cron.next_after(due.now).ok_or_else(|| bad("it never fires again".to_owned()))?;
    let (kind, queue) =
        (engine.names().kind_name(due.kind_id), engine.names().queue_name(due.queue_id));
    let mut job =
        NewJob::of_kind(&kind, &queue, due.args.clone()).unique(tick_key(&due.name, due.next_at));
    job.retention = Retention::Brief;
    let made = tx.enqueue(job).await?;
    store::schedules::schedule_advance(&mut tx, &due.name, next_at, made.id().as_uuid()).await?;
    tx.commit().await?;
    crate::metrics::ticked(&due.name);
    Ok(true)
}
