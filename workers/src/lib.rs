//! The processes that run durable work.
//!
//! A pool is an apalis worker over the engine: apalis drives the handlers (tower layers, concurrency, panics, graceful
//! stop), the engine claims, keeps the leases and writes what came of it. The two meet in `backend`.

mod backend; // jobs out of the engine, as apalis wants them
mod handler; // one attempt, in a task of its own
mod pools;
mod settle; // what came of an attempt goes back to the engine // how many jobs run at once, and where

pub mod metrics; // how the product stands, as gauges

pub mod config; // what a worker process is told

pub mod voice; // live calls

pub use self::{
    config::Config,
    pools::{Running, Stopped, start},
};
