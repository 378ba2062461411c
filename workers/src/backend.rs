//! The backend of our apalis workers: moves claimed jobs from the engine's channel into the worker.
//!
//! Its polls never fail and never touch the database: an error here would end the worker and drop what it is doing.
//! Claims, heartbeats and commits are tasks of the engine's own.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, builder::TaskBuilder},
    worker::context::WorkerContext,
};
use engine::{App, LeasedJob, Pool};
use tokio::sync::mpsc;

use crate::settle::SettleLayer;

/// Claimed jobs of one pool.
pub(crate) struct JobBackend<A: App> {
    pool: Arc<Pool<A>>,
    batches: mpsc::Receiver<Vec<LeasedJob>>,
    buffer: VecDeque<LeasedJob>,
}

impl<A: App> JobBackend<A> {
    pub(crate) fn new(
        pool: Arc<Pool<A>>,
        batches: mpsc::Receiver<Vec<LeasedJob>>,
    ) -> JobBackend<A> {
        JobBackend { pool, batches, buffer: VecDeque::new() }
    }
}

impl<A: App> Backend for JobBackend<A> {
    type Task = Task<LeasedJob>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// `None` when the engine's side has ended, which it does when the pool drains.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<LeasedJob>, Infallible>>> {
        loop {
            if let Some(job) = self.buffer.pop_front() {
                return Poll::Ready(Some(Ok(TaskBuilder::new(job).build())));
            }
            match ready!(self.batches.poll_recv(cx)) {
                Some(batch) => self.buffer.extend(batch),
                None => return Poll::Ready(None),
            }
        }
    }

    /// What was not begun goes back with the pool's leave.
    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl<A: App> BackendConfig for JobBackend<A> {
    type Args = LeasedJob;
    type Id = u64;
    /// Jobs come decoded; one that cannot be decoded is the engine's to park, not apalis' to fail on.
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer<A>;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> SettleLayer<A> {
        SettleLayer::new(Arc::clone(&self.pool))
    }
}
