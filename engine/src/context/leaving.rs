//! When a body can get no further: every call that is not at work has noted why.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{Context, Suspension, branch::Node};
use crate::{
    committer::{CommitError, Op},
    failure::Failure,
    job::JobId,
    store::failures::FailureRow,
    wakeups::pause,
    workflow::App,
};

/// Of a pause that is nearly over: a timer does not count less.
const SHORTEST: Duration = Duration::from_millis(1);

/// A call that can get no further.
pub(super) struct Stuck {
    id: u64,
    node: Arc<Node>,
    why: Suspension,
}

impl<'a, A: App> Context<'a, A> {
    /// A boundary: the place to notice that the run must not go on here.
    pub(super) async fn boundary(&self) {
        if self.node.is_stopped() {
            // Its group has ended without it.
            return std::future::pending().await;
        }
        if !self.job().is_ours() {
            self.suspend::<()>(Suspension::Lost).await;
        }
        if self.job().cancel().is_cancelled() {
            if self.passed_pivot().is_some() {
                self.refuse_cancel().await;
            } else {
                self.suspend::<()>(Suspension::Cancelled).await;
            }
        }
        if self.is_over() {
            self.suspend::<()>(Suspension::Expired).await;
        }
        self.say(false);
        if self.job().stopping().is_cancelled() {
            self.suspend::<()>(Suspension::Interrupted).await;
        }
    }

    /// Whether the run's deadline has passed.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.deadline.is_some_and(|deadline| self.clock() >= deadline)
    }

    /// Notes why the run leaves the worker. Never returns.
    pub(super) async fn suspend<T>(&self, suspension: Suspension) -> T {
        // Of a branch that was stopped it only counts what concerns the whole run.
        if !self.node.is_stopped() || suspension.is_of_the_run() {
            self.stick(suspension);
        }
        std::future::pending().await
    }

    pub(super) fn stick(&self, why: Suspension) -> u64 {
        let id = {
            let mut inner = self.inner().lock();
            inner.stuck_ids += 1;
            let stuck = Stuck { id: inner.stuck_ids, node: Arc::clone(&self.node), why };
            inner.stuck.push(stuck);
            inner.stuck_ids
        };
        self.shared.changed.notify_one();
        id
    }

    /// Notes that the run may leave until an instant. Returns only if it does not, because another branch is at work for
    /// longer than that.
    pub(super) async fn suspend_until(&self, instant: DateTime<Utc>, suspension: Suspension) {
        self.boundary().await;
        let id = self.stick(suspension);
        while let Ok(rest) = (instant - self.clock()).to_std() {
            pause(rest.max(SHORTEST)).await;
        }
        self.unstick(id);
        self.boundary().await;
    }

    /// A call that could get no further can now.
    pub(super) fn unstick(&self, id: u64) {
        self.inner().lock().stuck.retain(|stuck| stuck.id != id);
    }

    /// Forgets why branches could get no further: their group has ended without them.
    pub(super) fn forget(&self, nodes: &[Arc<Node>]) {
        self.inner().lock().stuck.retain(|stuck| {
            stuck.why.is_of_the_run() || !nodes.iter().any(|node| stuck.node.is_within(node))
        });
    }

    /// Counts a call that is at work for as long as the guard lives: the run is not left meanwhile.
    pub(super) fn active(&self) -> Active<'_, 'a, A> {
        self.inner().lock().active += 1;
        Active { ctx: self }
    }

    /// Resolves when the body can get no further in this attempt.
    pub(crate) async fn stuck(&self) -> Suspension {
        loop {
            {
                let mut inner = self.inner().lock();
                if inner.active == 0 && !inner.stuck.is_empty() {
                    let all = std::mem::take(&mut inner.stuck);
                    return Suspension::merge(all.into_iter().map(|stuck| stuck.why).collect());
                }
            }
            self.shared.changed.notified().await;
        }
    }

    /// Writes an operation; a lease that is lost, or a database that is away, ends the attempt.
    pub(super) async fn commit(&self, op: Op) -> Result<(), Failure> {
        let committed = {
            let _active = self.active();
            self.engine().committer().commit(op).await
        };
        match committed {
            Ok(()) => Ok(()),
            Err(CommitError::Fenced) => self.suspend(Suspension::Lost).await,
            Err(CommitError::Unavailable | CommitError::Repeated(_)) => {
                self.suspend(Suspension::Interrupted).await
            }
            Err(CommitError::Refused(why)) => {
                Err(Failure::permanent(format!("the database refused the step's result: {why}")))
            }
        }
    }

    /// Hands an operation over without waiting for its commit: what is handed over later is written later.
    pub(super) async fn submit(&self, op: Op) {
        let _active = self.active();
        let _ = self.engine().committer().submit(op).await;
    }

    /// Notes a failed attempt. Nobody waits for it.
    pub(super) async fn note(
        &self,
        key: Option<&str>,
        phase: &'static str,
        attempt: u16,
        failure: &Failure,
    ) {
        self.submit(Op::Fail(FailureRow {
            fence: self.job().fence(),
            failure_id: JobId::mint().as_uuid(),
            key: key.map(ToOwned::to_owned),
            phase,
            attempt: i16::try_from(attempt).unwrap_or(i16::MAX),
            class: failure.class.as_str(),
            error: failure.text.clone(),
        }))
        .await;
    }
}

/// A call at work.
pub(super) struct Active<'c, 'a, A: App> {
    ctx: &'c Context<'a, A>,
}

impl<A: App> Drop for Active<'_, '_, A> {
    fn drop(&mut self) {
        self.ctx.inner().lock().active -= 1;
        self.ctx.shared.changed.notify_one();
    }
}
