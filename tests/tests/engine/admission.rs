//! Gates: how many at once, how often, in which turns, and until when a job may begin.

mod at_once; // limits under kills
mod breaking; // a scope that fails
mod expiring; // too late is never
mod explaining; // why a job is not running
mod holding; // permits through sleeps and crashes
mod queues; // what operators set at run time
mod rates; // not too often
mod turns; // fairness between tenants
mod unknown; // kinds that a worker does not know

use std::time::Duration;

use engine::{Gates, JobId, NewJob, Workflow};
use sqlx::types::Uuid;

use crate::toy::{Act, Rig, Script};

/// A job of one step before these gates.
fn gated(step: &str, gates: Gates) -> NewJob {
    Script(vec![Act::step(step)]).job().gates(gates)
}

/// At most so many at once.
fn at_once(max: u32) -> Gates {
    Gates::none().at_once("toy", "", max)
}

/// One a minute.
fn one_a_minute() -> Gates {
    Gates::none().rate("toy", "", Duration::from_mins(1), 1)
}

/// Finished jobs with their ends, in the order in which they ended.
async fn ends(rig: &Rig) -> Vec<(JobId, chrono::DateTime<chrono::Utc>)> {
    let statement =
        "select job_id, finished_at from trunkline.outcomes order by finished_at, job_id";
    let rows: Vec<(Uuid, _)> =
        sqlx::query_as(statement).fetch_all(rig.db.owner()).await.expect("outcomes");
    rows.into_iter().map(|(id, at)| (JobId::from(id), at)).collect()
}

/// How many have finished.
async fn finished(rig: &Rig) -> i64 {
    rig.db.number("select from trunkline.outcomes").await
}
