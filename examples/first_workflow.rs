//! A first workflow, whole: an invitation is written, posted, and taken back if nobody accepts it. The post office of this
//! example knows no keys: asked twice, it carries two letters. Below it stands the one test that a workflow needs; it runs
//! with the tests of `crash-matrix`.

use std::time::Duration;

use crash_matrix::{Calls, CrashMatrix};
use engine::{
    App, Awaited, Context, Effect, EffectCall, Failure, Probe, Registrar, Registry, Workflow,
};
use serde::{Deserialize, Serialize};

/// Who uses the engine: what effects are handed (here the memory of whoever is outside), and settings.
struct Party;

impl App for Party {
    type Clients = Calls;
    type Settings = ();
}

/// What is to be done. It is kept as JSON under its kind; both are promises to whoever enqueued it.
#[derive(Serialize, Deserialize)]
struct Invite {
    guest: String,
}

impl Workflow<Party> for Invite {
    const KIND: &'static str = "invite";
    const QUEUE: &'static str = "post";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Party>) {
        ledger.effect::<Post>();
    }

    async fn run(&self, ctx: &Context<'_, Party>) -> Result<(), Failure> {
        // Remembered: after a crash the same text is posted, not another one.
        let text = ctx.step("write", async |_, _| Ok(format!("Come, {}!", self.guest))).await?;
        ctx.effect(Post { text }).await?;
        // For a week this run is a row in a table: no thread, no memory, no connection.
        let answer = ctx.wait_for::<bool>("accepted").for_up_to(Duration::from_hours(7 * 24));
        let Awaited::Signal(true) = answer.await? else {
            // What was done is taken back, newest first, by whichever worker is alive.
            return Err(Failure::undo("nobody is coming"));
        };
        Ok(())
    }
}

/// A letter on its way.
#[derive(Serialize, Deserialize)]
struct Post {
    text: String,
}

impl Effect<Party> for Post {
    const NAME: &'static str = "post";
    type Output = ();

    async fn apply(&self, office: &Calls, call: &EffectCall) -> Result<(), Failure> {
        office.again(call);
        Ok(())
    }

    /// Directly below what it takes back.
    async fn undo(&self, office: &Calls, call: &EffectCall, (): &()) -> Result<(), Failure> {
        office.undo(call);
        Ok(())
    }

    /// Asked when a reply was lost, before anything is posted a second time or taken back.
    async fn probe(&self, office: &Calls, call: &EffectCall) -> Result<Probe<()>, Failure> {
        Ok(if office.stands(call) { Probe::Happened(()) } else { Probe::DidNotHappen })
    }
}

fn matrix(name: &str) -> CrashMatrix<Party> {
    CrashMatrix::of(Registry::default().with::<Invite>(), || Invite { guest: "Ada".to_owned() })
        .named(name)
        .clients(|calls| calls)
        .settings(())
}

#[tokio::test]
async fn an_invitation_is_posted_once_whatever_goes_wrong() {
    matrix("invite").signal("accepted", true).run().await;
}

#[tokio::test]
async fn an_invitation_that_nobody_accepts_is_taken_back_whatever_goes_wrong() {
    matrix("invite, not accepted").run().await;
}
