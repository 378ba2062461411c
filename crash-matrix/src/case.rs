//! A workflow of ordinary needs, played.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc, time::Duration};

use engine::{App, CancelMode, Engine, JobId, NewJob, Operator, State};
use secrecy::SecretString;
use serde_json::Value;
use sqlx::PgPool;

use crate::{CrashMatrix, Done, Play, TestDb, TestWorker, WorkerOptions, holds, rest};

/// A worker's lease: long, because a busy machine is slow, and the matrix ends leases by hand.
const LEASE: Duration = Duration::from_secs(30);

/// How far the clock is moved for what stands before its gates: a slot of most rates.
const GATED: Duration = Duration::from_secs(1);

/// A workflow with a database of its own.
pub struct Case<A: App> {
    matrix: CrashMatrix<A>,
    engine: Engine,
    rows: PgPool,
    db: TestDb,
}

/// One run.
pub struct RunOf {
    job: NewJob,
    /// Names of signals that were sent.
    sent: RefCell<BTreeSet<String>>,
}

impl<A: App> Case<A> {
    pub(crate) fn new(matrix: CrashMatrix<A>, engine: Engine, db: TestDb) -> Case<A> {
        Case { matrix, engine, rows: db.every_row(), db }
    }

    /// The database goes.
    pub(crate) fn into_matrix(self) -> CrashMatrix<A> {
        self.matrix
    }

    async fn send(&self, run: &RunOf, name: &str, payload: &Value) {
        let mut tx = self.engine.begin().await.expect("a transaction");
        tx.signal(run.job.id, name, payload, Some(name)).await.expect("a signal");
        tx.commit().await.expect("sent");
        run.sent.borrow_mut().insert(name.to_owned());
    }

    async fn enqueue(&self, job: NewJob) -> engine::Enqueued {
        self.engine.enqueue(job).await.expect("enqueued")
    }

    /// Sends what the run waits for, if that is the outside's to send.
    async fn answer(&self, run: &RunOf) -> bool {
        let statement =
            "select unnest(wakes) from trunkline.waits where job_id = $1 and state = 'waiting'";
        let wakes: Vec<String> = sqlx::query_scalar(statement)
            .bind(run.job.id.as_uuid())
            .fetch_all(self.db.owner())
            .await
            .unwrap_or_default();
        let unsent = self
            .matrix
            .signals
            .iter()
            .find(|(name, _)| wakes.contains(name) && !run.sent.borrow().contains(name));
        if let Some((name, payload)) = unsent {
            self.send(run, name, payload).await;
        }
        unsent.is_some()
    }

    /// What the provider knows against what the ledgers say.
    async fn deeds(&self, is_parked: bool) -> Vec<String> {
        let mut found = Vec::new();
        let rows: Vec<(sqlx::types::Uuid, String, String)> = sqlx::query_as(
            "select job_id, key, state from trunkline.effects where form = 'effect'",
        )
        .fetch_all(self.db.owner())
        .await
        .expect("ledgers");
        for job in self.matrix.calls.jobs() {
            let mine = || rows.iter().filter(move |(id, ..)| JobId::from(*id) == job);
            let key = |step: &str| engine::EffectCall::key_of(job, step);
            let all: Vec<_> = mine().map(|(_, step, _)| key(step)).collect();
            let done: Vec<_> = mine()
                .filter(|(.., state)| state == "done")
                .map(|(_, step, _)| key(step))
                .collect();
            let open: Vec<_> = mine()
                .filter(|(.., state)| is_parked && ["intent", "unknown"].contains(&state.as_str()))
                .map(|(_, step, _)| key(step))
                .collect();
            found.extend(self.matrix.calls.judge(job, &all, &done, &open));
        }
        found
    }
}

impl<A: App> Play for Case<A> {
    type App = A;
    type Run = RunOf;

    fn name(&self) -> String {
        self.matrix.name.clone()
    }

    fn db(&self) -> &TestDb {
        &self.db
    }

    fn kinds(&self) -> Vec<String> {
        self.matrix.registry.kinds().into_iter().map(ToOwned::to_owned).collect()
    }

    async fn worker(&self, url: &SecretString) -> TestWorker<A> {
        let clients = self.matrix.clients.clone().expect("clients were given");
        let settings = self.matrix.settings.clone().expect("settings were given");
        let (config, registry) =
            (self.db.engine_config_at(url.clone()), Arc::clone(&self.matrix.registry));
        let options = WorkerOptions { lease: LEASE, ..WorkerOptions::default() };
        TestWorker::start(config, registry, clients, settings, options).await
    }

    async fn begin(&self) -> RunOf {
        RunOf { job: (self.matrix.job)(), sent: RefCell::default() }
    }

    async fn go(&self, run: &RunOf) {
        self.enqueue(run.job.clone()).await;
    }

    async fn nudge(&self, run: &RunOf) -> Option<()> {
        let job = self.engine.job(run.job.id).await.ok()??;
        if job.summary.state.is_final() || job.summary.state == State::Parked {
            // Its children may go on by themselves, and must be over before the next run.
            let is_over = rest::is_at_rest(&self.db, &self.kinds()).await && self.skip().await;
            return holds(is_over && rest::is_still(&self.db, &self.kinds()).await);
        }
        if let Some(nudge) = &self.matrix.nudge {
            nudge.nudge(&self.engine, run.job.id).await;
        }
        if rest::is_at_rest(&self.db, &self.kinds()).await && !self.answer(run).await {
            self.skip().await;
        }
        None
    }

    async fn again(&self, run: &RunOf) {
        // A caller that repeats itself: under the same id, or, where a key keeps the job unique, as somebody new.
        let job = if run.job.unique.is_some() {
            run.job.clone().id(JobId::mint())
        } else {
            run.job.clone()
        };
        let stands = self.enqueue(job).await.id();
        assert!(stands == run.job.id, "a second job for one request: {stands}");
        let sent = run.sent.borrow().clone();
        for name in sent {
            let payload = self.matrix.signals.iter().find(|(known, _)| *known == name);
            self.send(run, &name, payload.map_or(&Value::Null, |(_, payload)| payload)).await;
        }
    }

    async fn cancel(&self, run: &RunOf) {
        let mut tx = self.engine.begin().await.expect("a transaction");
        match tx.cancel(run.job.id, CancelMode::Undo, &Operator::new("crash matrix")).await {
            // It ended while the cancel was on its way.
            Err(engine::Error::WrongState { .. }) => {}
            cancelled => cancelled.expect("cancelled"),
        }
        tx.commit().await.expect("a commit");
    }

    async fn leap(&self, by: Duration) {
        self.db.leap(by).await;
        self.clocks_follow().await;
    }

    async fn judge(&self, run: &RunOf) -> Vec<String> {
        let job = self.engine.job(run.job.id).await.expect("a database");
        let Some(job) = job else { return vec!["the job is lost".to_owned()] };
        let is_parked = job.summary.state == State::Parked;
        let mut found = self.deeds(is_parked).await;
        if is_parked {
            self.db.may_leave_jobs();
        }
        let done = Done { job, calls: self.matrix.calls.clone(), rows: self.rows.clone() };
        for (name, invariant) in &self.matrix.invariants {
            if let Err(why) = invariant.check(&done).await {
                found.push(format!("{name}: {why}"));
            }
        }
        found
    }
}

impl<A: App> Case<A> {
    /// Moves the clock to where the next job comes back by itself. True: none does.
    async fn skip(&self) -> bool {
        let kinds = self.kinds();
        let gated = rest::is_gated(&self.db, &kinds).await.then_some(GATED);
        let pauses =
            [gated, rest::pause_of(&self.db, &kinds).await, rest::sleep_of(&self.db, &kinds).await];
        let Some(pause) = pauses.into_iter().flatten().min() else { return true };
        self.db.advance(pause).await;
        self.clocks_follow().await;
        false
    }

    async fn clocks_follow(&self) {
        if let Some(follow) = &self.matrix.clock {
            follow(self.db.ahead().await);
        }
    }
}
