//! A workflow that does what it is told: before everything it does, it asks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crash_matrix::Calls;
use engine::{
    App, Branch, Context, Effect, EffectCall, Failure, JobId, Probe, Registrar, RetryPolicy,
    StepKey, Workflow,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// How long it waits and sleeps.
pub(crate) const WHILE: Duration = Duration::from_mins(1);

/// What it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// A deed outside, which can be taken back.
    Do,
    /// Wait for a pull at the string, for a while.
    Wait,
    /// Sleep for a while.
    Sleep,
    /// Sleep for a long while, and beside it try something again that succeeds after a while: that comes first.
    Race,
    /// This attempt fails; another comes after a while.
    Retry,
    /// The end.
    Finish,
    /// It has failed, for good.
    Fail,
}

/// The application.
pub(crate) struct Theatre;

impl App for Theatre {
    type Clients = Strings;
    type Settings = ();
}

/// The strings of one worker's puppets: who asks, and cannot go on.
pub(crate) struct Strings {
    pub(crate) calls: Calls,
    asking: Mutex<HashMap<JobId, oneshot::Sender<Told>>>,
}

impl Strings {
    pub(crate) fn new(calls: Calls) -> Arc<Strings> {
        Arc::new(Strings { calls, asking: Mutex::default() })
    }

    async fn ask(&self, job: JobId) -> Result<Told, Failure> {
        let (tell, told) = oneshot::channel();
        self.asking.lock().insert(job, tell);
        match told.await {
            Ok(Told::Retry) => Err(Failure::retry_after(WHILE * 2, "as told")),
            Ok(told) => Ok(told),
            Err(_) => Err(Failure::retry("nobody told anything")),
        }
    }

    /// Whether a puppet asks. One whose attempt is over does not.
    pub(crate) fn is_asked(&self, job: JobId) -> bool {
        self.asking.lock().get(&job).is_some_and(|tell| !tell.is_closed())
    }

    /// Tells it. False: it did not ask.
    pub(crate) fn tell(&self, job: JobId, told: Told) -> bool {
        self.asking.lock().remove(&job).is_some_and(|tell| tell.send(told).is_ok())
    }
}

/// The workflow.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Puppet {}

impl Workflow<Theatre> for Puppet {
    const KIND: &'static str = "puppet";
    const QUEUE: &'static str = "theatre";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Theatre>) {
        ledger.effect::<Deed>();
    }

    async fn run(&self, ctx: &Context<'_, Theatre>) -> Result<(), Failure> {
        let patient = RetryPolicy::exponential(Duration::from_secs(1), 1000);
        loop {
            let job = ctx.job_id();
            let ask =
                ctx.step_with("ask", patient, async |strings: &Strings, _| strings.ask(job).await);
            match ask.await? {
                Told::Do => ctx.effect(Deed {}).await?,
                Told::Wait => drop(ctx.wait_for::<u8>("pull").for_up_to(WHILE).await?),
                Told::Sleep => ctx.sleep(WHILE).await?,
                Told::Race => {
                    ctx.race("race", stumbles, sleeps_long).await?;
                }
                Told::Finish | Told::Retry => return Ok(()),
                Told::Fail => return Err(Failure::permanent("as told")),
            }
        }
    }
}

/// Something that fails the first time, and is to be tried again after a while.
async fn stumbles(ctx: Branch<'_, Theatre>) -> Result<(), Failure> {
    let stumble = async |_: &Strings, call: StepKey| match call.attempt {
        1 => Err(Failure::retry_after(WHILE, "as told")),
        _ => Ok(()),
    };
    ctx.step("stumble", stumble).await
}

async fn sleeps_long(ctx: Branch<'_, Theatre>) -> Result<(), Failure> {
    ctx.sleep(WHILE * 4).await
}

/// A deed outside, by a provider that honours no keys.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deed {}

impl Effect<Theatre> for Deed {
    const NAME: &'static str = "deed";
    type Output = ();

    async fn apply(&self, strings: &Strings, call: &EffectCall) -> Result<(), Failure> {
        strings.calls.again(call);
        Ok(())
    }

    async fn undo(&self, strings: &Strings, call: &EffectCall, (): &()) -> Result<(), Failure> {
        strings.calls.undo(call);
        Ok(())
    }

    async fn probe(&self, strings: &Strings, call: &EffectCall) -> Result<Probe<()>, Failure> {
        Ok(if strings.calls.stands(call) { Probe::Happened(()) } else { Probe::DidNotHappen })
    }
}
