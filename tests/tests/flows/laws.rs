//! The laws of a sign-up with its children: at every boundary of the way forward, and of every way back.

use std::{cell::OnceCell, time::Duration};

use domain::TenantId;
use secrecy::SecretString;
use tests::{
    TestDb, TestWorker, holds,
    laws::{self, Play, Tally},
};
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
        laws::at_rest(&self.stage.db, &SIGN_UP).await;
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
        holds(is_over)
    }

    async fn judge(&self, run: OnceCell<SignUp>, what: &str) {
        let signup = run.into_inner().unwrap();
        let expected = match self.end {
            End::Active => Census::whole(),
            End::TimeIsOver => Census::nothing("expired"),
            End::Cancelled | End::LateFailure => Census::nothing("failed"),
        };
        assert_eq!(Census::of(&self.stage.db, signup.tenant).await, expected, "{what}");
        let texts = self.stage.phone.messages_to(&signup.phone).len();
        assert_eq!(texts, 1, "{what}: one text for one code");
        no_number_is_shared(&self.stage.db).await;
        self.stage.comes_to_rest().await;
    }
}

fn say(law: &str, tally: Tally) {
    tests::seed::say(&format!(
        "{law}: {} boundaries, {} chosen by seed {}, {} faults delivered",
        tally.boundaries, tally.tried, tally.seed, tally.delivered
    ));
}

/// The four laws of one way through the workflow.
macro_rules! laws_of {
    ($way:ident, $end:expr) => {
        mod $way {
            use super::{End, Playing, laws, say};

            #[tokio::test]
            async fn every_step_may_run_twice() {
                say("run twice", laws::every_step_may_run_twice(&Playing::to($end).await).await);
            }

            #[tokio::test]
            async fn every_step_may_be_a_workers_last() {
                let tally = laws::every_step_may_be_a_workers_last(&Playing::to($end).await).await;
                say("a worker's last", tally);
            }

            #[tokio::test]
            async fn every_step_may_fail() {
                say("fail", laws::every_step_may_fail(&Playing::to($end).await).await);
            }

            #[tokio::test]
            async fn every_step_may_lose_its_reply() {
                let tally = laws::every_step_may_lose_its_reply(&Playing::to($end).await).await;
                say("lose its reply", tally);
            }
        }
    };
}

laws_of!(a_sign_up, End::Active);
laws_of!(undoing_when_time_is_over, End::TimeIsOver);
laws_of!(undoing_after_a_cancel, End::Cancelled);
laws_of!(undoing_after_a_late_failure, End::LateFailure);
