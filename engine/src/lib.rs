//! Durable jobs and workflows on Postgres. Knows nothing of what the work is about.
//!
//! Everything that runs is a **job**: a kind, a queue, arguments. A **workflow** is a job whose body uses durable steps.
//! After a wait, a crash or a deploy the body runs again from its first line, and every step that has a stored output
//! returns it instead of running.
//!
//! ```
//! use engine::{App, Awaited, Context, Failure, Workflow};
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! struct Shop;
//! impl App for Shop {
//!     type Clients = Printer;
//!     type Settings = ();
//! }
//! struct Printer;
//! impl Printer {
//!     async fn print(&self, _text: &str, _idempotency_key: &str) -> Result<u32, Failure> {
//!         Ok(1)
//!     }
//! }
//!
//! /// An order waits a day for its payment, then is printed once.
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     text: String,
//! }
//!
//! impl Workflow<Shop> for Order {
//!     const KIND: &'static str = "order";
//!     const QUEUE: &'static str = "orders";
//!     type Output = u32;
//!
//!     async fn run(&self, ctx: &Context<'_, Shop>) -> Result<u32, Failure> {
//!         let paid = ctx.wait_for::<u64>("paid").for_up_to(Duration::from_secs(86_400)).await?;
//!         let Awaited::Signal(_cents) = paid else {
//!             return Err(Failure::undo("not paid within a day"));
//!         };
//!         ctx.step("print", async |printer, call| printer.print(&self.text, &call.key).await).await
//!     }
//! }
//! ```
//!
//! Every call that a body has, with examples: `docs/writing-workflows.md`.
//!
//! A transaction is handed nothing that could reach the network:
//!
//! ```compile_fail,E0599
//! # use engine::{App, Context, Failure};
//! # struct Shop;
//! # impl App for Shop { type Clients = Printer; type Settings = (); }
//! # struct Printer;
//! # impl Printer { async fn print(&self) -> Result<u32, Failure> { Ok(1) } }
//! # async fn body(ctx: &Context<'_, Shop>) -> Result<u32, Failure> {
//! ctx.transaction("print", async |tx| tx.clients().print().await).await
//! # }
//! ```
//!
//! and a context cannot leak into a task of its own:
//!
//! ```compile_fail,E0521
//! # use engine::{App, Context};
//! # struct Shop;
//! # impl App for Shop { type Clients = (); type Settings = (); }
//! # async fn body(ctx: &Context<'_, Shop>) {
//! tokio::spawn(async move { ctx.job_id() });
//! # }
//! ```

#[cfg(doctest)]
#[doc = include_str!("../../docs/writing-workflows.md")]
struct WritingWorkflows;

mod admin; // what operators ask
mod cause; // why a run waits for one of them
mod claimant; // who has a job, and taking it away from them
mod committer; // the one write path for everything else
mod connections; // how many of them are in use
mod context; // what a body has in its hands
mod depths; // how much stands where
mod effect; // what an effect is told, and what its probe can answer
mod engine; // the handle
mod explain; // why a job is not running
mod failure; // what going wrong can mean
mod gate; // what a job has to pass before it may run
mod health; // what somebody on call asks
mod inbox; // what providers posted
mod job; // what is to be done
mod leased; // a claimed job
#[cfg(feature = "planted-bugs")]
mod planted; // mistakes that the tests must notice
mod pool; // claiming, heartbeat, housekeeping
mod queues; // what is set on queues at run time
mod registry; // which of those this version knows
mod retry; // when it is tried again
mod runner; // one attempt, from claim to how it left
mod scheduler; // which jobs are made when
mod shapes; // what operators may type in
mod state; // where it can stand, and every legal move
mod store; // every statement we send to Postgres
mod tx; // a caller's own transaction
mod undo; // taking back what a run did
mod versions; // whether a thing is still what somebody has looked at
mod vitals; // how the database is

mod deploy; // what a new version would break
mod rewrap; // exchanging the key of what is sealed
mod wakeups; // telling idle workers
mod workers; // who takes jobs, and who is to rest
mod workflow; // what a user of the engine writes

pub mod chain; // what shows a change of a record
pub mod cron;
pub mod json;
pub mod metrics;
pub mod sealed;
pub mod trace;

mod error;
mod names;
mod panics;
mod time;

/// Looking whether a record is what it was when it was chained.
pub mod verify {
    pub use crate::admin::{LINKS_AT_ONCE, Noted, Stretch, Verified, WAITING_MAX, gone, last_id};
}

/// The connection inside a [`Tx`], by a name of ours, so that callers need not name the driver.
pub use sqlx::PgConnection as Connection;

pub use self::{
    admin::{
        Answer, AuditEntry, Batch, BulkDeed, Canary, CanaryLook, CancelMode, DeadCount, DeadFilter,
        DeadGroup, DeadLetter, DeedView, FreezePage, GROUPED_MAX, InboxCount, InboxCursor,
        InboxFilter, JobDetail, JobFilter, JobSummary, Kept, NewOperation, OPERATION_JOBS_MAX,
        OperationDetail, OperationPlan, OperationState, OperationView, Operator, PAGE_MAX,
        ParkedFilter, ParkedRun, ProgressView, RedriveFrom, Refused, StepView, UndoDeed,
        UndoReason, UndoStep,
    },
    cause::{Cause, NoSuchCause},
    claimant::Claimant,
    context::{
        Arrived, Awaited, Branch, ChildEnd, Context, FanOut, Held, Spawned, StepKey, StepPolicy,
        Wait, WaitAny, WhenParentEnds,
    },
    deploy::{Breaks, DeployReport, Finding, Manifest},
    depths::{Behind, DEPTH_MAX, Depth, Depths, QueueStand},
    effect::{EffectCall, Probe},
    engine::{Config, Engine},
    error::{Error, Refusal},
    explain::Why,
    failure::Failure,
    gate::{GATES_MAX, Gates},
    health::{BreakerView, ChainEnd, Health, Oldest, Server},
    inbox::{Delivery, InboxEntry},
    job::{ARGS_BYTES_MAX, Enqueued, Hold, JobId, NewJob, Retention, Start, Unique},
    leased::LeasedJob,
    pool::{Keep, Pool, PoolConfig},
    queues::{Pause, QueueView},
    registry::{Registrar, Registry},
    retry::{Jitter, RetryPolicy},
    rewrap::{RewrapReport, rewrap},
    runner::{Deeds, Departure, Ending, Final},
    scheduler::{
        BACKFILL_BACK_MAX, BACKFILL_TICKS_MAX, Backfill, BackfillView, CATCH_UP_MAX, Missed, Order,
        Schedule, ScheduleChange, ScheduleLag, ScheduleView, TickCount, tick_key,
    },
    sealed::{Sealed, Sealer},
    state::{Course, NoSuchState, State},
    tx::Tx,
    versions::{Thing, Version},
    vitals::{HELD_LONG, Holder, Vitals},
    workers::{Rest, WorkerView},
    workflow::{App, Change, Effect, Workflow},
};
