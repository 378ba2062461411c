//! Durable waits: the run leaves the worker and costs a row until its signal or its time comes.

use std::{marker::PhantomData, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ChildEnd, Context, Spawned, Suspension, step::enveloped};
use crate::{
    committer::Op,
    committer::flush::child_signal,
    failure::Failure,
    job::JobId,
    store::{self, checkpoints::CheckpointRow, signals::StoredSignal},
    time::interval,
    wakeups::pause,
    workflow::App,
};

/// How often a wait looks whether its signal has come while another branch keeps the run at its worker.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Of a pause that is nearly over: a timer does not count less.
const SHORTEST: Duration = Duration::from_millis(1);

/// What ended a wait, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    /// The signal's name; `None` when the time was over.
    signal: Option<String>,
    payload: Value,
    /// Of the message, so that a later copy of it is known as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dedupe_key: Option<String>,
}

/// A wait that can still be given its limit. Nothing happens before it is awaited by one of its methods.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<'c, 'a, A: App, T> {
    ctx: &'c Context<'a, A>,
    name: String,
    child: Option<JobId>,
    payload: PhantomData<fn() -> T>,
}

/// A wait for one of several signals that can still be given its limit. Nothing happens before it is awaited by one of its
/// methods.
#[must_use = "a wait does nothing until it is awaited"]
pub struct WaitAny<'c, 'a, A: App, T> {
    ctx: &'c Context<'a, A>,
    names: Vec<String>,
    payload: PhantomData<fn() -> T>,
}

/// The first of several signals.
#[derive(Debug)]
pub struct Arrived<T> {
    /// Which of them.
    pub name: String,
    /// What it brought.
    pub payload: T,
}

/// What ended a wait for a signal or a child.
#[derive(Debug)]
pub enum Awaited<T> {
    /// The signal came.
    Signal(T),
    /// The child ended, this way.
    Child(Result<Value, ChildEnd>),
    /// The time was over.
    TimedOut,
}

impl<'a, A: App> Context<'a, A> {
    /// Waits for a signal with this name. One that was sent before is taken at once.
    pub fn wait_for<T: DeserializeOwned>(&self, name: &str) -> Wait<'_, 'a, A, T> {
        Wait { ctx: self, name: name.to_owned(), child: None, payload: PhantomData }
    }

    /// Waits for the first of several signals. One that was sent before is taken at once, the oldest first; the others are
    /// kept. The wait is known by all of its names.
    pub fn wait_any<T: DeserializeOwned>(&self, names: &[&str]) -> WaitAny<'_, 'a, A, T> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        WaitAny { ctx: self, names, payload: PhantomData }
    }

    /// Sleeps durably: survives crashes and deploys, and holds nothing meanwhile.
    pub async fn sleep(&self, time: Duration) -> Result<(), Failure> {
        let key = self.claim_key("sleep")?;
        if self.remembered(&key, "sleep").await.is_some() {
            return Ok(());
        }
        let until = self.deadline(&key, time).await?;
        self.asleep(key, until).await
    }

    /// Sleeps durably until an instant. One that has passed is no sleep.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) -> Result<(), Failure> {
        let key = self.claim_key("sleep")?;
        if self.remembered(&key, "sleep").await.is_some() {
            return Ok(());
        }
        self.asleep(key, instant).await
    }

    async fn asleep(&self, key: String, until: DateTime<Utc>) -> Result<(), Failure> {
        self.boundary().await;
        if self.clock() < until {
            let sleeping = Suspension::wait(Some(until), Vec::new(), "sleeping".into());
            self.suspend_until(until, sleeping).await;
        }
        self.keep(key, "sleep", Value::Null, None).await
    }

    /// The end of a wait, fixed when the wait is first reached.
    async fn deadline(&self, key: &str, time: Duration) -> Result<DateTime<Utc>, Failure> {
        let key = format!("{key}~until");
        if let Some(stored) = self.remembered(&key, "deadline").await {
            return self.decoded(&stored).await;
        }
        let fence = self.job().fence();
        let recorded = {
            let _active = self.active();
            self.engine()
                .db()
                .run(async |conn| {
                    store::checkpoints::deadline_record(conn, fence, &key, interval(time)).await
                })
                .await
        };
        match recorded {
            Ok(Some(deadline)) => Ok(deadline),
            Ok(None) => self.suspend(Suspension::Lost).await,
            Err(error) if error.is_ours() => Err(Failure::permanent(error)),
            Err(_) => self.suspend(Suspension::Interrupted).await,
        }
    }

    pub(super) async fn keep(
        &self,
        key: String,
        form: &'static str,
        output: Value,
        takes_signal: Option<uuid::Uuid>,
    ) -> Result<(), Failure> {
        let fence = self.job().fence();
        let attempt = self.job().attempt();
        self.commit(Op::Checkpoint(CheckpointRow {
            fence,
            key,
            form,
            output,
            attempt,
            started_at: None,
            takes_signal,
        }))
        .await
    }

    /// Reads, once in an attempt, what was sent before. What comes later wakes the run.
    async fn read_signals(&self) {
        if self.inner().lock().memo.has_read_signals() {
            return;
        }
        let job_id = self.job_id().as_uuid();
        let read = {
            let _active = self.active();
            self.engine()
                .db()
                .run(async |conn| store::signals::signals_of(conn, job_id).await)
                .await
        };
        match read {
            Ok(signals) => self.inner().lock().memo.keep_signals(signals),
            Err(_) => self.suspend(Suspension::Interrupted).await,
        }
    }

    /// The heart of every wait: the first of these signals, or nothing when the time is over.
    async fn first_of(
        &self,
        name: &str,
        signals: Vec<String>,
        limit: Option<Limit>,
    ) -> Result<Ended, Failure> {
        let key = self.claim_key(&format!("wait:{name}"))?;
        if let Some(stored) = self.remembered(&key, "wait").await {
            return self.decoded(&stored).await;
        }
        self.boundary().await;
        self.read_signals().await;
        let taken = self.inner().lock().memo.take_signal(&signals);
        if let Some(signal) = taken {
            return self.keep_signal(key, signal).await;
        }
        let until = match limit {
            None => None,
            Some(Limit::At(instant)) => Some(instant),
            Some(Limit::For(time)) => Some(self.deadline(&key, time).await?),
        };
        if until.is_none_or(|until| self.clock() < until) {
            let waiting = Suspension::wait(until, signals.clone(), format!("waiting for {name}"));
            if let Some(signal) = self.stay_for(until, &signals, waiting).await {
                return self.keep_signal(key, signal).await;
            }
        }
        let ended = Ended { signal: None, payload: Value::Null, dedupe_key: None };
        self.keep(key, "wait", enveloped(&ended)?, None).await?;
        Ok(ended)
    }

    async fn keep_signal(&self, key: String, signal: StoredSignal) -> Result<Ended, Failure> {
        let ended = Ended {
            signal: Some(signal.name),
            payload: signal.payload,
            dedupe_key: signal.dedupe_key,
        };
        self.keep(key, "wait", enveloped(&ended)?, Some(signal.signal_id)).await?;
        Ok(ended)
    }

    /// Notes that the run may leave. Returns only if it does not, because another branch is at work: with the signal when
    /// it has come meanwhile, without one when the time is over.
    async fn stay_for(
        &self,
        until: Option<DateTime<Utc>>,
        names: &[String],
        waiting: Suspension,
    ) -> Option<StoredSignal> {
        self.boundary().await;
        let id = self.stick(waiting);
        let found = loop {
            let rest = match until.map(|until| (until - self.clock()).to_std()) {
                Some(Err(_)) => break None,
                Some(Ok(rest)) => rest.clamp(SHORTEST, LOOK_AGAIN),
                None => LOOK_AGAIN,
            };
            pause(rest).await;
            if let Some(signal) = self.look_again(names).await {
                break Some(signal);
            }
        };
        self.unstick(id);
        self.boundary().await;
        found
    }

    /// What has come since the run was claimed. Not found for want of the database is not found yet.
    async fn look_again(&self, names: &[String]) -> Option<StoredSignal> {
        let job_id = self.job_id().as_uuid();
        let read = self
            .engine()
            .db()
            .run(async |conn| store::signals::signals_of(conn, job_id).await)
            .await;
        let memo = &mut self.inner().lock().memo;
        memo.renew_signals(read.ok()?);
        memo.take_signal(names)
    }
}

enum Limit {
    For(Duration),
    At(DateTime<Utc>),
}

impl<A: App, T: DeserializeOwned + Send> Wait<'_, '_, A, T> {
    /// Ends also when this child does.
    pub fn or_end_of(mut self, child: &Spawned) -> Self {
        self.child = Some(child.id);
        self
    }

    /// As long as it takes.
    pub async fn for_ever(self) -> Result<Awaited<T>, Failure> {
        self.end(None).await
    }

    /// At most this long, counted from when the wait was first reached.
    pub async fn for_up_to(self, time: Duration) -> Result<Awaited<T>, Failure> {
        self.end(Some(Limit::For(time))).await
    }

    /// Until an instant.
    pub async fn until(self, instant: DateTime<Utc>) -> Result<Awaited<T>, Failure> {
        self.end(Some(Limit::At(instant))).await
    }

    async fn end(self, limit: Option<Limit>) -> Result<Awaited<T>, Failure> {
        let child = self.child.map(child_signal);
        let signals = std::iter::once(self.name.clone()).chain(child.clone()).collect();
        let ended = self.ctx.first_of(&self.name, signals, limit).await?;
        match ended.signal {
            None => Ok(Awaited::TimedOut),
            Some(name) if Some(&name) == child.as_ref() => Ok(Awaited::Child(
                self.ctx.decoded::<ChildEnd>(&ended.payload).await?.into_result(),
            )),
            Some(_) => Ok(Awaited::Signal(self.ctx.decoded(&ended.payload).await?)),
        }
    }
}

impl<A: App, T: DeserializeOwned + Send> WaitAny<'_, '_, A, T> {
    /// As long as it takes.
    pub async fn for_ever(self) -> Result<Arrived<T>, Failure> {
        match self.end(None).await? {
            Some(arrived) => Ok(arrived),
            None => Err(Failure::diverged("a wait without a limit has come to its limit")),
        }
    }

    /// At most this long, counted from when the wait was first reached. `None`: the time was over.
    pub async fn for_up_to(self, time: Duration) -> Result<Option<Arrived<T>>, Failure> {
        self.end(Some(Limit::For(time))).await
    }

    /// Until an instant. `None`: it has come.
    pub async fn until(self, instant: DateTime<Utc>) -> Result<Option<Arrived<T>>, Failure> {
        self.end(Some(Limit::At(instant))).await
    }

    async fn end(self, limit: Option<Limit>) -> Result<Option<Arrived<T>>, Failure> {
        if self.names.is_empty() {
            return Err(Failure::permanent("a wait for one of no signals would never end"));
        }
        let name = self.names.join("|");
        let ended = self.ctx.first_of(&name, self.names, limit).await?;
        Ok(match ended.signal {
            Some(name) => Some(Arrived { name, payload: self.ctx.decoded(&ended.payload).await? }),
            None => None,
        })
    }
}

impl<A: App> Context<'_, A> {
    /// Waits for a child's end.
    pub(super) async fn end_of(&self, name: &str, child: JobId) -> Result<ChildEnd, Failure> {
        let ended = self.first_of(name, vec![child_signal(child)], None).await?;
        self.decoded(&ended.payload).await
    }
}
