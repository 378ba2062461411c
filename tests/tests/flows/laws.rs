//! The laws of a sign-up with its children: at every boundary of the way forward, and of every way back.

use std::{cell::OnceCell, time::Duration};

use domain::TenantId;
use engine::State;
use secrecy::SecretString;
use tests::{Play, TestDb, TestWorker, holds, rest};
use workflows::Trunkline;

use crate::{
    census::{Census, no_number_is_shared},
    stage::{Props, SIGN_UP, SignUp, Stage},
};

/// The users' table refuses the login of these: a step late in the run that fails for good.
const REFUSE_LOGINS: &str = "
    create function laws_refuse() returns trigger language plpgsql as
        'begin raise exception ''refused'' using errcode = ''check_violation'', constraint = ''first_name_fits''; end';
    create trigger refuse before insert on product.users for each row execute function laws_refuse();";

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With a demo.
    Active,
    /// The phone is never verified.
    TimeIsOver,
    /// An operator cancels it while it waits.
    Cancelled,
    /// The login cannot be made.
    LateFailure,
}

/// A sign-up, played to one end.
struct Playing {
    stage: Stage,
    end: End,
}

impl Playing {
    async fn to(end: End) -> Playing {
        let stage = Stage::with(Props { numbers: 400, ..Props::default() }).await;
        if end == End::LateFailure {
            sqlx::raw_sql(REFUSE_LOGINS).execute(stage.db.owner()).await.unwrap();
        }
        Playing { stage, end }
    }

    /// Whether the sign-up still waits for its code.
    async fn is_verified(&self, tenant: TenantId) -> bool {
        Census::of(&self.stage.db, tenant).await.live_codes == 0
    }
}

impl Play for Playing {
    type App = Trunkline;
    type Run = OnceCell<SignUp>;

    fn name(&self) -> String {
        format!("demo_signup, {:?}", self.end)
    }

    fn kinds(&self) -> Vec<String> {
        SIGN_UP.map(ToOwned::to_owned).to_vec()
    }

    async fn leap(&self, by: Duration) {
        self.db().leap(by).await;
        self.stage.phone_follows().await;
    }

    /// Whoever signs up again in another tab is told that somebody has; whoever types the code twice, that it is used.
    async fn again(&self, run: &OnceCell<SignUp>) {
        let signup = run.get().unwrap();
        // (One that is being taken back leaves its phone to the next.)
        if self.end == End::Active {
            assert_eq!(self.stage.sign_up_again(signup).await, 409, "one sign-up for one phone");
        }
        if let Some(code) = self.stage.code_now(signup)
            && self.is_verified(signup.tenant).await
        {
            self.stage.type_in(signup, &code).await;
        }
    }

    async fn cancel(&self, run: &OnceCell<SignUp>) {
        // It may end while the cancel is on its way.
        self.stage.try_to_cancel(run.get().unwrap()).await;
    }

    fn db(&self) -> &TestDb {
        &self.stage.db
    }

    async fn worker(&self, url: &SecretString) -> TestWorker<Trunkline> {
        self.stage.worker_at(url).await
    }

    async fn begin(&self) -> OnceCell<SignUp> {
        if self.end == End::Active {
            return OnceCell::new();
        }
        let signup = self.stage.sign_up().await;
        self.stage.code(&signup).await;
        rest::at_rest(&self.stage.db, &SIGN_UP).await;
        OnceCell::from(signup)
    }

    async fn go(&self, run: &OnceCell<SignUp>) {
        match (self.end, run.get()) {
            (End::TimeIsOver, _) => self.stage.advance(Duration::from_secs(601)).await,
            (End::Cancelled, Some(signup)) => self.stage.cancel(signup).await,
            (End::LateFailure, Some(signup)) => drop(self.stage.verify(signup).await),
            (End::Active | End::Cancelled | End::LateFailure, _) => {
                run.set(self.stage.sign_up().await).unwrap();
            }
        }
    }

    async fn nudge(&self, run: &OnceCell<SignUp>) -> Option<()> {
        let signup = run.get().unwrap();
        self.stage.skip_pause().await;
        if self.end == End::Active
            && let Some(code) = self.stage.code_now(signup)
            && !self.is_verified(signup.tenant).await
        {
            self.stage.type_in(signup, &code).await;
        }
        let is_over = self.stage.job_of(signup).await.summary.state.is_final();
        // Its children may go on by themselves, and must be over before somebody looks for what a frozen worker wrote.
        holds(is_over && self.stage.is_at_rest().await)
    }

    async fn judge(&self, run: &OnceCell<SignUp>) -> Vec<String> {
        let signup = run.get().unwrap();
        let state = self.stage.job_of(signup).await.summary.state;
        let expected = match self.end {
            End::TimeIsOver if state == State::Failed => Census::nothing("expired"),
            // A cancel that came too late.
            End::Active if state == State::Succeeded => Census::whole(),
            End::Active | End::TimeIsOver | End::Cancelled | End::LateFailure => {
                Census::nothing("failed")
            }
        };
        let mut found = Vec::new();
        let mut census = Census::of(&self.stage.db, signup.tenant).await;
        // One of which nobody can tell whether it left was replaced.
        if expected.codes == 1 && census.codes == 2 {
            census.codes = 1;
        }
        if census != expected {
            found.push(format!("it ended as {state} with {census:?} instead of {expected:?}"));
        }
        let texts = self.stage.phone.messages_to(&signup.phone).len();
        // Cancelled before anything was sent, there is none.
        if texts > 1 || texts == 0 && state == State::Succeeded {
            found.push(format!("{texts} texts for one code"));
        }
        no_number_is_shared(&self.stage.db).await;
        found
    }
}

crash_matrix::crash_matrix!(a_sign_up, Playing::to(End::Active).await);
crash_matrix::crash_matrix!(undoing_when_time_is_over, Playing::to(End::TimeIsOver).await, sample 1);
crash_matrix::crash_matrix!(undoing_after_a_cancel, Playing::to(End::Cancelled).await, sample 1);
crash_matrix::crash_matrix!(undoing_after_a_late_failure, Playing::to(End::LateFailure).await, sample 1);
