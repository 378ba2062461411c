//! The engine against a real Postgres, with workers that are killed, frozen and cut off. Every test's database is looked at
//! when it ends: no job may stand in two places, hold a key too long, or be left over unannounced.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod toy; // the application under test

mod admission; // gates, and what operators set on queues
mod answering; // to parked runs
mod auditing; // who did what
mod blocked; // locks that somebody has
mod branches; // side by side, with keys of their own
mod cancelling; // wherever a job stands
mod children; // what parents are told
mod closing; // what becomes of children
mod deadlines; // over is over
mod deploying; // a version that does not know it all
mod effects; // lost replies and probes
mod ending; // gracefully, or at once
mod enqueueing; // what is acknowledged, unique, urgent, for later
mod estimating; // how much there is to do
mod failing; // how patient, and how it ends
mod fanning_out; // many children
mod forking; // from a step of a finished run
mod held; // transactions that somebody holds open
mod history; // what is over goes
mod leases; // the dead, the frozen and the cut off
mod network; // lost replies and lost sessions
mod parked; // what a person has to decide
mod patching; // old runs and new code
mod pivoting; // no way back
mod plan; // what a claim costs
mod poolers; // what stands in between
mod progress; // for people who look on
mod racing; // one winner, and nothing left of the others
mod recalling; // who has a job, and taking it away
mod receiving; // what is posted to us
mod recording; // the same after a crash
mod redriving; // dead letters, again
mod resting; // a worker that takes nothing new
mod schedules; // one job a tick
mod secrets; // never in the clear
mod steps; // once over retries and crashes
mod stopping; // gracefully
mod tracing; // attempts as spans
mod undoing; // newest first, twice if need be, or parked
mod upgrading; // the version before, on this schema
mod waiting; // signals and timers
