//! One attempt of a job: from its claim to how it left the worker.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use serde_json::Value;

use crate::{
    cause::Cause,
    context::{Context, Memo, Suspension},
    engine::Engine,
    failure::{Class, Failure},
    json,
    leased::LeasedJob,
    panics,
    registry::Registry,
    state::Course,
    store::db::DbError,
    undo,
    workflow::App,
};

/// A job's output above this belongs in a table of its own.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// How an attempt ended. [`crate::Pool::settle`] writes it.
#[derive(Debug)]
pub enum Ending {
    /// The body returned; or everything it did is taken back.
    Finished {
        /// Where the job ends.
        state: Final,
        /// What became of the run's deeds.
        deeds: Deeds,
    },
    /// The whole body is tried again.
    Retried(Failure),
    /// The run leaves the worker for a while.
    Left(Departure),
}

/// What became of a finished run's deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deeds {
    /// They stand, as those of a run that succeeded do; or there are none.
    Stand,
    /// They stand although the run was cancelled: somebody wanted it so.
    Kept,
    /// They were taken back.
    Undone,
}

/// A final state with what belongs to it.
#[derive(Debug)]
pub enum Final {
    /// With its output.
    Succeeded(Value),
    /// With the reason.
    Failed(String),
    /// By request.
    Cancelled,
}

/// Why a run leaves the worker without having ended.
#[derive(Debug)]
pub struct Departure(pub(crate) Suspension);

impl Ending {
    pub(crate) fn left(suspension: Suspension) -> Ending {
        Ending::Left(Departure(suspension))
    }

    /// The handler itself broke (a panic caught outside, a time limit of the pool): an attempt like any other.
    pub fn broken(text: impl std::fmt::Display) -> Ending {
        Ending::Retried(Failure::panic(text))
    }

    /// The label of the metric.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Ending::Finished { state: Final::Succeeded(_), .. } => "succeeded",
            Ending::Finished { state: Final::Failed(_), .. } => "failed",
            Ending::Finished { state: Final::Cancelled, .. } => "cancelled",
            Ending::Retried(_) => "retry",
            Ending::Left(Departure(Suspension::Until(_))) => "waiting",
            Ending::Left(Departure(Suspension::Parked(_))) => "parked",
            Ending::Left(Departure(
                Suspension::Expired | Suspension::Cancelled | Suspension::Interrupted,
            )) => "interrupted",
            Ending::Left(Departure(Suspension::Lost)) => "lost",
        }
    }
}

impl Ending {
    /// A word for what went wrong, if anything did: for the attempt's span.
    pub(crate) fn went_wrong(&self) -> Option<&'static str> {
        match self {
            Ending::Retried(failure) => Some(failure.class.as_str()),
            Ending::Finished { state: Final::Failed(_), .. } => Some("failed"),
            Ending::Left(Departure(Suspension::Parked(_))) => Some("parked"),
            Ending::Left(Departure(Suspension::Lost)) => Some("lost"),
            Ending::Finished { state: Final::Succeeded(_) | Final::Cancelled, .. }
            | Ending::Left(_) => None,
        }
    }
}

/// Runs a claimed job once.
pub(crate) async fn attempt<A: App>(
    engine: &Engine,
    registry: &Registry<A>,
    clients: &A::Clients,
    settings: &A::Settings,
    job: &LeasedJob,
) -> Ending {
    // What few attempts do is boxed, here and in `end`: a future is as large as the largest thing it may ever do, and each
    // attempt's is moved several times on its way into its task.
    let memo = match past(engine, job).await {
        Ok(memo) => memo,
        Err(error) => {
            tracing::warn!(job.id = %job.id(), %error, "a run's past could not be read");
            return Ending::left(Suspension::Interrupted);
        }
    };
    let world = undo::World { engine, registry, clients, settings };
    if job.course().is_undoing() {
        return Box::pin(undo::run(&world, job)).await;
    }
    let ctx = Context::new(world, job, memo);
    if job.course() == Course::Cancelling {
        if ctx.passed_pivot().is_none() {
            return Box::pin(undo::turn(&world, job, ctx.has_deeds(), Reason::Cancelled)).await;
        }
        Box::pin(ctx.refuse_cancel()).await;
    }
    if job.has_expired() {
        let why = Reason::Failed("expired: it was not begun in time".to_owned());
        return Box::pin(undo::turn(&world, job, ctx.has_deeds(), why)).await;
    }
    let ending = if ctx.is_over() {
        Forward::Stuck(Suspension::Expired)
    } else {
        forward(registry, job, &ctx).await
    };
    end(&world, job, &ctx, ending).await
}

/// What follows from how the body came to its end.
async fn end<A: App>(
    world: &undo::World<'_, A>,
    job: &LeasedJob,
    ctx: &Context<'_, A>,
    ending: Forward,
) -> Ending {
    if !matches!(ending, Forward::Done(_)) {
        ctx.say(true);
    }
    match ending {
        Forward::Done(output) => {
            for child in ctx.to_cancel() {
                if let Err(error) = Box::pin(world.engine.let_go(child)).await {
                    tracing::warn!(job.id = %job.id(), %error, "a child could not be cancelled");
                    return Ending::left(Suspension::Interrupted);
                }
            }
            Ending::Finished { state: Final::Succeeded(output), deeds: Deeds::Stand }
        }
        Forward::Stuck(Suspension::Cancelled) => {
            Box::pin(undo::turn(world, job, ctx.has_deeds(), Reason::Cancelled)).await
        }
        Forward::Stuck(Suspension::Expired) => {
            Box::pin(failed(world, job, ctx, "deadline exceeded".to_owned())).await
        }
        Forward::Stuck(suspension) => Ending::left(suspension),
        Forward::Failed(failure) => match failure.class {
            Class::Retry { .. } | Class::Unknown | Class::Panic => {
                if world.registry.retry_of(job.kind()).attempts_max() > job.attempt().unsigned_abs()
                {
                    return Ending::Retried(failure);
                }
                let text = format!("gave up after {} attempts: {}", job.attempt(), failure.text);
                Box::pin(failed(world, job, ctx, text)).await
            }
            Class::Snooze { after } => {
                Ending::left(Suspension::again(after, format!("put off: {}", failure.text), false))
            }
            Class::Diverged => Ending::left(Suspension::diverged(None, failure.text)),
            Class::Permanent | Class::Undo => Box::pin(failed(world, job, ctx, failure.text)).await,
        },
    }
}

/// It failed for good: it is undone, or, past its pivot, repaired forward by a person.
async fn failed<A: App>(
    world: &undo::World<'_, A>,
    job: &LeasedJob,
    ctx: &Context<'_, A>,
    why: String,
) -> Ending {
    if ctx.passed_pivot().is_none() {
        return undo::turn(world, job, ctx.has_deeds(), Reason::Failed(why)).await;
    }
    undo::note(world, job, None, 0, &Failure::permanent(&why)).await;
    Ending::left(Suspension::parked(Cause::Pivot, None, format!("pivot: {why}")))
}

/// What the run has done before. A job that is claimed for the first time has done nothing,
/// unless it was born with a deed.
async fn past(engine: &Engine, job: &LeasedJob) -> Result<Memo, DbError> {
    let fence = job.fence();
    if fence.epoch <= 1 && !job.has_deed() {
        return Ok(Memo::default());
    }
    Box::pin(engine.db().run(async |conn| Memo::load(conn, fence).await)).await
}

/// Why a run turns round.
pub(crate) enum Reason {
    Failed(String),
    Cancelled,
}

enum Forward {
    Done(Value),
    Failed(Failure),
    Stuck(Suspension),
}

async fn forward<A: App>(registry: &Registry<A>, job: &LeasedJob, ctx: &Context<'_, A>) -> Forward {
    let Some(workflow) = registry.workflows.get(job.kind()) else {
        let why = format!("the kind {} is not known here", job.kind());
        return Forward::Stuck(Suspension::diverged(None, why));
    };
    let body = AssertUnwindSafe(workflow.run(job.args(), ctx)).catch_unwind();
    tokio::select! {
        biased;
        () = job.lost().cancelled() => Forward::Stuck(Suspension::Lost),
        ended = body => match ended {
            Ok(Ok(output)) => match json::check(&output, OUTPUT_BYTES_MAX) {
                Ok(_) => Forward::Done(output),
                Err(fault) => Forward::Failed(Failure::permanent(format!("the output cannot be stored: {fault}"))),
            },
            Ok(Err(failure)) => Forward::Failed(failure),
            Err(panic) => Forward::Failed(Failure::panic(panics::describe(panic.as_ref()))),
        },
        suspension = ctx.stuck() => Forward::Stuck(suspension),
    }
}

impl<A: App> Registry<A> {
    pub(crate) fn retry_of(&self, kind: &str) -> crate::retry::RetryPolicy {
        self.workflows.get(kind).map_or(crate::retry::RetryPolicy::JOB, |workflow| workflow.retry())
    }

    /// After which instant a run is over.
    pub(crate) fn deadline_of(&self, job: &LeasedJob) -> Option<chrono::DateTime<chrono::Utc>> {
        job.deadline_at().or_else(|| {
            let time = self.workflows.get(job.kind())?.deadline()?;
            Some(job.created_at() + time)
        })
    }

    /// The delay before the whole body is tried again.
    pub(crate) fn job_delay(&self, job: &LeasedJob, failure: &Failure) -> Duration {
        let attempt = job.attempt().unsigned_abs();
        let delay =
            self.retry_of(job.kind()).next_delay(attempt, &mut rand::rng()).unwrap_or_default();
        if let Class::Retry { after: Some(after) } = failure.class {
            delay.max(after)
        } else {
            delay
        }
    }
}
