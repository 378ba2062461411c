//! The laws of a workflow: whatever it was just writing down when something went wrong, everything is there in the end, or
//! nothing is left.
//!
//! A boundary is a commit of a worker about one of the workflow's jobs. The [`Gate`] counts them in the database itself
//! and lets the one that is asked for go wrong; a [`Play`] says how the workflow is played and what must hold afterwards.

mod cutter; // a network that can be cut
mod gate; // the seam in the database

use std::time::Duration;

use engine::App;
use rand::{SeedableRng, rngs::StdRng, seq::IteratorRandom};

use crate::{
    TestDb, TestWorker, holds,
    seed::{is_full, say, seed},
    wait_until,
};

use self::cutter::Cutter;
pub use self::gate::Gate;

/// Boundaries that a law tries when nobody asks for all: over a few runs each of them has its turn.
const SAMPLE: usize = 8;

/// What goes wrong at a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The worker dies when it has done the work and before that is written: it will be done again.
    DiesBefore,
    /// The worker dies when it is written, and knows nothing of it.
    DiesAfter,
    /// The database refuses the commit; the worker lives on.
    Refused,
    /// It is written, but the connection breaks before the worker hears of it; the worker lives on.
    ReplyLost,
}

/// How a workflow is played.
#[expect(async_fn_in_trait, reason = "the tests of one thread need no Send")]
pub trait Play {
    /// The application.
    type App: App;
    /// What is known of one run.
    type Run;

    /// Its database.
    fn db(&self) -> &TestDb;

    /// A new worker, which reaches the database here.
    async fn worker(&self, url: &secrecy::SecretString) -> TestWorker<Self::App>;

    /// Brings a run to where boundaries are counted. Nothing of it is in a worker's hands when this returns.
    async fn begin(&self) -> Self::Run;

    /// Sets going what is counted.
    async fn go(&self, run: &Self::Run);

    /// Does what the outside has to do for the run to get on. `Some`: it has ended.
    async fn nudge(&self, run: &Self::Run) -> Option<()>;

    /// Asserts what must hold now, whatever went wrong.
    async fn judge(&self, run: Self::Run, what: &str);
}

/// What came of a law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Boundaries of a run in which nothing goes wrong.
    pub boundaries: i64,
    /// Boundaries at which something was to go wrong.
    pub tried: usize,
    /// Runs in which it did.
    pub delivered: usize,
    /// Chooses the boundaries again.
    pub seed: u64,
}

/// Every step may run twice: a worker dies before it could write what it did.
pub async fn every_step_may_run_twice<P: Play>(play: &P) -> Tally {
    at_every_boundary(play, Fault::DiesBefore).await
}

/// Every step may be the last that a worker did: it dies right after it was written.
pub async fn every_step_may_be_a_workers_last<P: Play>(play: &P) -> Tally {
    at_every_boundary(play, Fault::DiesAfter).await
}

/// Every step may fail.
pub async fn every_step_may_fail<P: Play>(play: &P) -> Tally {
    at_every_boundary(play, Fault::Refused).await
}

/// Every step may be done without the worker hearing of it.
pub async fn every_step_may_lose_its_reply<P: Play>(play: &P) -> Tally {
    at_every_boundary(play, Fault::ReplyLost).await
}

/// Plays once without a fault, then once for each boundary: for a seeded sample of them, or in a full run for all.
async fn at_every_boundary<P: Play>(play: &P, fault: Fault) -> Tally {
    let gate = Gate::install(play.db()).await;
    let network = Cutter::before(play.db().app_url()).await;
    let worker = Some(play.worker(network.url()).await);
    let mut stand = Stand { play, gate, network, worker };
    let boundaries = stand.play_once(None).await.1;
    assert!(boundaries > 0, "nothing was counted");
    let seed = seed();
    say(&format!("TRUNKLINE_SEED={seed}"));
    let places = chosen(boundaries, seed);
    let mut delivered = 0;
    for place in &places {
        delivered += usize::from(stand.play_once(Some((*place, fault))).await.0);
    }
    // Two jobs that commit together pass as one, so the last places are not always reached.
    assert!(
        delivered * 10 >= places.len() * 7,
        "only {delivered} of {} faults were delivered",
        places.len()
    );
    if let Some(worker) = stand.worker.take() {
        worker.drain(Duration::from_secs(10)).await;
    }
    Tally { boundaries, tried: places.len(), delivered, seed }
}

/// The places to be tried, in order.
fn chosen(boundaries: i64, seed: u64) -> Vec<i64> {
    let all = 1..=boundaries;
    if is_full() {
        return all.collect();
    }
    let mut places = all.sample(&mut StdRng::seed_from_u64(seed), SAMPLE);
    places.sort_unstable();
    places
}

/// A play with everything it needs.
struct Stand<'p, P: Play> {
    play: &'p P,
    gate: Gate,
    network: Cutter,
    worker: Option<TestWorker<P::App>>,
}

impl<P: Play> Stand<'_, P> {
    /// Plays one run to its end. Says whether the fault was delivered, and how many boundaries there were.
    async fn play_once(&mut self, wanted: Option<(i64, Fault)>) -> (bool, i64) {
        let run = self.play.begin().await;
        self.gate.arm(wanted).await;
        self.play.go(&run).await;
        let what = format!("{wanted:?}");
        let mut delivered = false;
        wait_until(&format!("a run's end with {what}"), async || {
            if let (Some((_, fault)), Some(pid)) = (wanted, self.gate.caught().await) {
                self.deliver(fault, pid).await;
                delivered = true;
            }
            self.play.nudge(&run).await
        })
        .await;
        delivered |= self.gate.refused().await;
        let passed = self.gate.disarm().await;
        self.play.judge(run, &what).await;
        (delivered, passed)
    }

    /// A session stands in the middle of the commit that was asked for.
    async fn deliver(&mut self, fault: Fault, pid: i32) {
        match fault {
            Fault::DiesBefore => {
                let name = self.worker.take().expect("a worker").kill();
                self.gate.roll_back(pid).await;
                self.replace(&name).await;
            }
            Fault::DiesAfter => {
                let name = self.worker.take().expect("a worker").kill();
                self.gate.let_through(pid).await;
                self.replace(&name).await;
            }
            Fault::ReplyLost => {
                self.network.cut();
                self.gate.let_through(pid).await;
            }
            Fault::Refused => unreachable!("a refusal stands nowhere"),
        }
    }

    /// The dead one's lease ends now, and another takes over.
    async fn replace(&mut self, dead: &str) {
        self.play.db().end_lease_of(dead).await;
        self.worker = Some(self.play.worker(self.network.url()).await);
    }
}

/// For [`Play::nudge`]: how long a job of one of these kinds still pauses between two attempts, so that the clock can be
/// moved over it.
pub async fn pause_of(db: &TestDb, kinds: &[&str]) -> Option<Duration> {
    let statement = "select extract(epoch from min(w.due) - trunkline.now())::float8
                     from trunkline.waits w join trunkline.kinds k using (kind_id)
                     where w.state = 'scheduled' and k.name = any ($1)";
    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    let pause: Option<f64> =
        sqlx::query_scalar(statement).bind(kinds).fetch_one(db.owner()).await.ok().flatten();
    Duration::try_from_secs_f64(pause?).ok().filter(|pause| !pause.is_zero())
}

/// Waits until no job of these kinds is in a worker's hands or about to be, and none waits for a signal that is there.
pub async fn at_rest(db: &TestDb, kinds: &[&str]) {
    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    wait_until("everything is at rest", async || {
        let statement = "
            select count(*) from (
                select kind_id from trunkline.ready union all select kind_id from trunkline.leases union all
                select w.kind_id from trunkline.waits w join trunkline.signals s on s.job_id = w.job_id and s.name = any (w.wakes)
            ) t join trunkline.kinds k using (kind_id) where k.name = any ($1)";
        let busy: i64 =
            sqlx::query_scalar(statement).bind(&kinds).fetch_one(db.owner()).await.ok()?;
        holds(busy == 0)
    })
    .await;
}
