//! One order of an operator about many jobs: what matches is frozen, somebody looks at it and starts it, the first few show
//! how it goes, and then come the rest, so many a second.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open_operation` | the operation, written by the API with the job | the operation is stopped | nothing |
//! | `freeze` (again and again) | which jobs it is about | – | nothing |
//! | wait for `decided` | – | – | nothing; after an hour it is cancelled |
//! | `operate_stretch` (children) | the first jobs, then the others, in batches | – (an operator takes it back: `undo_operation`) | some of the jobs are done |
//! | `look` (again and again) | – (how the first jobs fare) | – | the same |
//! | `end` | the operation is over | – | – |
//!
//! The batches go in children, so that no run remembers more than a stretch of them, and neither its memory nor its replay
//! grows with the number of jobs.

use std::time::Duration;

use engine::{Change, Context, Failure, JobId, OperationPlan, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    operate_stretch::{OperateStretch, Way},
    undo_operation::UndoOperation,
};

/// The signal that something was decided about a frozen operation.
pub const DECIDED: &str = "decided";

/// What was counted an hour ago is nothing that anybody should start blindly.
const STARTED_WITHIN: Duration = Duration::from_hours(1);

/// Pages of a freeze: more than an operation may have.
const PAGES_MAX: usize = 1_000;

/// Stretches of an operation, each of up to a few thousand jobs; at the slowest rate, of a hundred.
pub(crate) const STRETCHES_MAX: usize = 20_000;

/// Looks at the first jobs, each after twice the time of the one before.
const LOOKS_MAX: u32 = 32;

/// The kinds that carry operations out: no operation is about them.
pub(crate) const OWN_KINDS: [&str; 3] = [
    <OperateJobs as Workflow<Trunkline>>::KIND,
    <OperateStretch as Workflow<Trunkline>>::KIND,
    <UndoOperation as Workflow<Trunkline>>::KIND,
];

/// Carries out the operation that has this job's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperateJobs {}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operated {
    /// All jobs were seen to, or somebody has ended it.
    Over,
    /// It never began.
    NotStarted,
    /// Too many of the first jobs fared badly.
    StoppedByCanary,
}

impl Workflow<Trunkline> for OperateJobs {
    const KIND: &'static str = "operate_jobs";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Long;
    type Output = Operated;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<OpenOperation>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Operated, Failure> {
        let operation = ctx.job_id();
        ctx.change(OpenOperation { operation }).await?;
        let Some(plan) = started(ctx).await? else { return Ok(Operated::NotStarted) };
        if let Some(why) = canary(ctx, &plan).await? {
            end(ctx, Some(why)).await?;
            return Ok(Operated::StoppedByCanary);
        }
        work(ctx, Way::There, plan.per_second, operation).await?;
        end(ctx, None).await?;
        Ok(Operated::Over)
    }
}

/// Freezes what matches, and waits until somebody starts it.
async fn started(ctx: &Context<'_, Trunkline>) -> Result<Option<OperationPlan>, Failure> {
    let operation = ctx.job_id();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = ctx
            .transaction("freeze", async |tx| {
                Ok(tx.freeze_operation(operation, after, &OWN_KINDS).await?)
            })
            .await?;
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    let is_frozen =
        ctx.transaction("frozen", async |tx| Ok(tx.operation_is_frozen(operation).await?)).await?;
    if !is_frozen {
        return Ok(None);
    }
    ctx.wait_for::<()>(DECIDED).for_up_to(STARTED_WITHIN).await?;
    ctx.transaction("plan", async |tx| Ok(tx.operation_plan(operation).await?)).await
}

/// Does the first jobs and waits for their ends. Says why it should go no further.
async fn canary(
    ctx: &Context<'_, Trunkline>,
    plan: &OperationPlan,
) -> Result<Option<String>, Failure> {
    let (operation, canary) = (ctx.job_id(), plan.canary);
    if canary.jobs == 0 {
        return Ok(None);
    }
    let (per_second, jobs_max) = (plan.per_second, Some(canary.jobs));
    ctx.child(OperateStretch { operation, way: Way::There, per_second, jobs_max }).await?;
    let mut waited = Duration::ZERO;
    for _ in 0..LOOKS_MAX {
        let look =
            ctx.transaction("look", async |tx| Ok(tx.look_at_canary(operation).await?)).await?;
        if look.bad > i64::from(canary.bad_max) {
            let (bad, jobs) = (look.bad, canary.jobs);
            return Ok(Some(format!("{bad} of the first {jobs} jobs fared badly")));
        }
        if look.is_over {
            return Ok(None);
        }
        let Some(pause) = pause(waited, canary.patience) else {
            let (open, secs) = (look.open, canary.patience.as_secs());
            return Ok(Some(format!("{open} of the first jobs have not ended within {secs} s")));
        };
        ctx.sleep(pause).await?;
        waited += pause;
    }
    Ok(Some("the first jobs have not ended".to_owned()))
}

/// How long until the next look: as long as was waited so far, and a second at first. None: the patience is over.
fn pause(waited: Duration, patience: Duration) -> Option<Duration> {
    let left = patience.saturating_sub(waited);
    (!left.is_zero()).then(|| waited.max(Duration::from_secs(1)).min(left))
}

/// Stretch by stretch, until there is nothing left to do.
pub(crate) async fn work(
    ctx: &Context<'_, Trunkline>,
    way: Way,
    per_second: u16,
    operation: JobId,
) -> Result<(), Failure> {
    for _ in 0..STRETCHES_MAX {
        let stretch =
            ctx.child(OperateStretch { operation, way, per_second, jobs_max: None }).await?;
        if stretch.is_over {
            return Ok(());
        }
    }
    Err(Failure::undo("it came to no end"))
}

async fn end(ctx: &Context<'_, Trunkline>, why: Option<String>) -> Result<(), Failure> {
    let operation = ctx.job_id();
    ctx.transaction("end", async |tx| Ok(tx.end_operation(operation, why.as_deref()).await?)).await
}

/// The operation as the API writes it down: a deed that the job is born with, so that it is stopped if its run is cancelled
/// or fails, even if no worker ever ran the body.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenOperation {
    /// Which.
    pub operation: JobId,
}

impl Change<Trunkline> for OpenOperation {
    const NAME: &'static str = "open_operation";
    type Output = ();

    /// Only for a job that somebody enqueued by hand: the operation must be there.
    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        match tx.operation_state(self.operation).await {
            Err(error @ engine::Error::Absent { .. }) => Err(Failure::permanent(error)),
            found => Ok(found.map(drop)?),
        }
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        Ok(tx.end_operation(self.operation, Some("its run was cancelled or failed")).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_at_twice_the_time_each_and_end_with_the_patience() {
        for secs in [1, 2, 7, 600, 86_400] {
            let patience = Duration::from_secs(secs);
            let (mut waited, mut looks) = (Duration::ZERO, 0);
            while let Some(next) = pause(waited, patience) {
                waited += next;
                looks += 1;
            }
            assert_eq!(waited, patience);
            assert!(looks < LOOKS_MAX, "{secs} s: {looks}");
        }
    }
}
