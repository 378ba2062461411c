//! How a workflow is played: what a test of a complicated one says itself. For most, [`crate::CrashMatrix`] says it.

use std::time::Duration;

use engine::App;
use secrecy::SecretString;

use crate::{TestDb, TestWorker};

/// How a workflow is played.
#[expect(async_fn_in_trait, reason = "the tests of one thread need no Send")]
pub trait Play {
    /// The application.
    type App: App;
    /// What is known of one run.
    type Run;

    /// What it is called in the report.
    fn name(&self) -> String;

    /// Its database.
    fn db(&self) -> &TestDb;

    /// The kinds whose jobs make up a run: workers' commits about them are the boundaries.
    fn kinds(&self) -> Vec<String>;

    /// A new worker, which reaches the database here.
    async fn worker(&self, url: &SecretString) -> TestWorker<Self::App>;

    /// Brings a run to where boundaries are counted. Nothing of it is in a worker's hands when this returns.
    async fn begin(&self) -> Self::Run;

    /// Sets going what is counted.
    async fn go(&self, run: &Self::Run);

    /// Does what the outside has to do for the run to get on. `Some`: it has ended, or stands where a person must decide.
    async fn nudge(&self, run: &Self::Run) -> Option<()>;

    /// Says again what the outside has said so far.
    async fn again(&self, run: &Self::Run);

    /// Cancels the run, as an operator does.
    async fn cancel(&self, run: &Self::Run);

    /// What of the workflow's own invariants does not hold, now that it has ended, whatever went wrong.
    async fn judge(&self, run: &Self::Run) -> Vec<String>;

    /// Moves every clock there is, and spares nobody's lease.
    async fn leap(&self, by: Duration) {
        self.db().leap(by).await;
    }
}
