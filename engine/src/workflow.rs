//! What a user of the engine writes: a workflow, its effects and its changes.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    context::Context,
    effect::{EffectCall, Probe},
    failure::Failure,
    gate::Gates,
    job::{NewJob, Retention},
    registry::Registrar,
    retry::RetryPolicy,
    tx::Tx,
};

/// What the workflows of one application have in common.
pub trait App: Send + Sync + 'static {
    /// How they reach the outside. Only steps and effects are handed these, so that nothing else can use the network.
    type Clients: Send + Sync + 'static;
    /// Plain values from the configuration. Readable everywhere.
    type Settings: Send + Sync + 'static;
}

/// A job's handler: checkpointed re-execution. After a wait or a crash the body runs again from its first line, and every
/// step that has a stored output returns it instead of running.
///
/// The value is the job's arguments. Code between steps must be free of side effects.
pub trait Workflow<A: App>: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the database, for ever: renaming it orphans what is queued.
    const KIND: &'static str;
    /// Where its jobs wait.
    const QUEUE: &'static str;
    /// How patient the job is with an error that its body returns. Steps have policies of their own.
    const RETRY: RetryPolicy = RetryPolicy::JOB;
    /// How long a run may take, from the creation of its job. Over, it fails for good and is undone, also while it waits,
    /// before gates, too; undoing has no deadline. A job that has gates keeps what was said when it was enqueued.
    const DEADLINE: Option<Duration> = None;
    /// How long a finished job is kept.
    const RETENTION: Retention = Retention::Standard;
    /// What it ends with.
    type Output: Serialize + DeserializeOwned + Send + Sync;

    /// Declares the effects, changes and children that its ledger can hold, so that they can be undone without the body.
    fn ledger(_ledger: &mut Registrar<'_, A>) {}

    /// What a job with these arguments has to pass before it runs. Asked once, when it is enqueued.
    fn gates(&self) -> Gates {
        Gates::none()
    }

    /// Does the work.
    fn run(
        &self,
        ctx: &Context<'_, A>,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;

    /// A new job of this kind.
    ///
    /// # Panics
    /// When the arguments cannot be written as JSON (a map with keys that are no strings): a mistake in the type.
    fn job(&self) -> NewJob {
        let args = serde_json::to_value(self).expect("arguments of a workflow are JSON");
        NewJob { retention: Self::RETENTION, ..NewJob::of_kind(Self::KIND, Self::QUEUE, args) }
    }
}

/// A deed outside this database. Its intent is committed before `apply` runs, its outcome after; because it is named and
/// stored, it can be probed and undone later, by another process and another version, without the workflow's body.
pub trait Effect<A: App>: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the ledger, for ever.
    const NAME: &'static str;
    /// How patient each attempt is.
    const RETRY: RetryPolicy = RetryPolicy::STEP;
    /// After this long an attempt counts as unknown.
    const TIMEOUT: Duration = Duration::from_secs(30);
    /// Whether the other side honours the idempotency key: then an unknown outcome is simply tried again.
    const KEY_IS_HONOURED: bool = false;
    /// What it yields.
    type Output: Serialize + DeserializeOwned + Send + Sync;

    /// Does it. An error after the request may have left must be [`Failure::unknown`].
    fn apply(
        &self,
        clients: &A::Clients,
        call: &EffectCall,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;

    /// Takes it back. Must bear being run twice. The default is for deeds that cannot be taken back and need not be.
    fn undo(
        &self,
        _clients: &A::Clients,
        _call: &EffectCall,
        _output: &Self::Output,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Did it happen? Asked before an attempt with an unknown outcome is repeated or undone.
    fn probe(
        &self,
        _clients: &A::Clients,
        _call: &EffectCall,
    ) -> impl Future<Output = Result<Probe<Self::Output>, Failure>> + Send {
        async { Ok(Probe::CannotTell) }
    }
}

/// A named deed in this database: its writes, its output and its place in the ledger commit together.
pub trait Change<A: App>: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the ledger, for ever.
    const NAME: &'static str;
    /// What it yields.
    type Output: Serialize + DeserializeOwned + Send + Sync;

    /// Does it. No network inside: there is nothing here to reach it with.
    fn apply(
        &self,
        tx: &mut Tx,
        settings: &A::Settings,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;

    /// Takes it back, in a transaction with its mark in the ledger.
    fn undo(
        &self,
        tx: &mut Tx,
        settings: &A::Settings,
        output: &Self::Output,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
