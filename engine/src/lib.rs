//! Durable jobs and workflows on Postgres. Knows nothing of what the work is about.

mod admin; // what operators ask
mod committer; // the one write path for everything else
mod context; // what a body has in its hands
mod effect; // what an effect is told, and what its probe can answer
mod engine; // the handle
mod failure; // what going wrong can mean
mod job; // what is to be done
mod leased; // a claimed job
mod pool; // claiming, heartbeat, housekeeping
mod registry; // which of those this version knows
mod retry; // when it is tried again
mod runner; // one attempt, from claim to how it left
mod scheduler; // which jobs are made when
mod state; // where it can stand, and every legal move
mod store;
mod tx; // a caller's own transaction
mod undo; // taking back what a run did
mod wakeups; // telling idle workers
mod workflow; // what a user of the engine writes // every statement we send to Postgres

pub mod cron;
pub mod json;
pub mod metrics;
pub mod sealed;

mod error;
mod names;
mod panics;
mod time;

/// The connection inside a [`Tx`], by a name of ours, so that callers need not name the driver.
pub use sqlx::PgConnection as Connection;

pub use self::{
    admin::{DeedView, JobDetail, JobFilter, JobSummary, PAGE_MAX, StepView},
    context::{Awaited, ChildEnd, Context, Spawned, StepKey, Wait},
    effect::{EffectCall, Probe},
    engine::{Config, Engine},
    error::Error,
    failure::Failure,
    job::{ARGS_BYTES_MAX, Enqueued, Hold, JobId, NewJob, Retention, Start, Unique},
    leased::LeasedJob,
    pool::{Pool, PoolConfig},
    registry::{Registrar, Registry},
    retry::{Jitter, RetryPolicy},
    runner::{Departure, Ending, Final},
    scheduler::{Schedule, tick_key},
    sealed::{Sealed, Sealer},
    state::{Course, NoSuchState, State},
    tx::{Delivery, InboxEntry, Tx},
    workflow::{App, Change, Effect, Workflow},
};
