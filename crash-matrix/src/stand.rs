//! A play with everything it needs: once without a fault, then once for each boundary.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IteratorRandom};

use crate::{
    Fault, Gate, Play, Tally, TestWorker,
    cutter::Cutter,
    leftovers,
    seed::{is_full, say, seed},
    wait::{LONG, within},
};

/// A fault at a boundary, counted from 1.
pub(crate) type Wanted = Option<(i64, Fault)>;

/// Plays once without a fault, then once for each boundary with this one: for a seeded sample of so many, or in a full
/// run for all.
pub async fn at_every_boundary<P: Play>(play: &P, fault: Fault, sample: usize) -> Tally {
    let mut stand = Stand::before(play).await;
    let boundaries = stand.count().await;
    let tally = stand.try_out(fault, boundaries, sample).await;
    stand.leave().await;
    tally
}

/// The places to be tried, in order.
fn chosen(boundaries: i64, chance: &mut StdRng, sample: usize) -> Vec<i64> {
    let all = 1..=boundaries;
    if is_full() {
        return all.collect();
    }
    let mut places = all.sample(chance, sample);
    places.sort_unstable();
    places
}

/// What came of one run.
struct Played {
    delivered: bool,
    ended: bool,
    /// Boundaries that were passed.
    passed: i64,
}

/// A play with everything it needs.
pub(crate) struct Stand<'p, P: Play> {
    pub(crate) play: &'p P,
    pub(crate) gate: Gate,
    pub(crate) network: Cutter,
    pub(crate) worker: Option<TestWorker<P::App>>,
    /// Workers whose time is over, and who do not know it.
    pub(crate) frozen: Vec<TestWorker<P::App>>,
}

impl<'p, P: Play> Stand<'p, P> {
    pub(crate) async fn before(play: &'p P) -> Stand<'p, P> {
        let gate = Gate::install(play.db(), &play.kinds()).await;
        let network = Cutter::before(play.db().app_url()).await;
        let worker = Some(play.worker(network.url()).await);
        Stand { play, gate, network, worker, frozen: Vec::new() }
    }

    /// How many boundaries there are when nothing goes wrong.
    pub(crate) async fn count(&mut self) -> i64 {
        let mut violations = Vec::new();
        let passed = Box::pin(self.play_once(None, &mut violations)).await.passed;
        assert!(violations.is_empty(), "without any fault: {violations:#?}");
        assert!(passed > 0, "nothing was counted");
        passed
    }

    /// Plays once for each of a sample of these boundaries, with this fault.
    pub(crate) async fn try_out(&mut self, fault: Fault, boundaries: i64, sample: usize) -> Tally {
        let seed = seed();
        say(&format!("TRUNKLINE_SEED={seed}"));
        let mut chance = StdRng::seed_from_u64(seed);
        let mut places = chosen(boundaries, &mut chance, sample);
        places.reverse();
        let mut violations = Vec::new();
        let (mut tried, mut delivered, mut replaced) = (0, 0, 0);
        while let Some(place) = places.pop() {
            let wanted = Some((place, fault));
            let played = Box::pin(self.play_once(wanted, &mut violations)).await;
            tried += 1;
            delivered += usize::from(played.delivered);
            if !played.ended {
                break; // what is stuck would be counted with the next
            }
            // Jobs that commit together pass as one, so not every run has as many boundaries as the first.
            if !played.delivered && replaced < sample {
                replaced += 1;
                tried -= 1;
                places.push(chance.random_range(1..=played.passed.max(1)));
            }
        }
        Tally { case: self.play.name(), fault, boundaries, tried, delivered, violations, seed }
    }

    /// Plays one run to its end, and holds it to all that must hold then.
    async fn play_once(&mut self, wanted: Wanted, violations: &mut Vec<String>) -> Played {
        let run = self.play.begin().await;
        self.gate.arm(wanted).await;
        self.play.go(&run).await;
        let what = wanted
            .map_or_else(String::new, |(place, fault)| format!("boundary {place}: {fault}: "));
        let mut delivered = false;
        let ended = within(LONG, async || {
            if let (Some((_, fault)), Some(pid)) = (wanted, self.gate.caught().await) {
                self.strike(fault, pid, &run).await;
                delivered = true;
            }
            self.play.nudge(&run).await
        })
        .await
        .is_some();
        delivered |= self.gate.refused().await;
        let passed = self.gate.disarm().await;
        let mut found = self.thaw().await;
        if ended {
            found.extend(self.play.judge(&run).await);
            found.extend(leftovers::of_runs(self.play.db()).await);
        } else {
            found.push(format!(
                "stuck: no end within {LONG:?}: {:?}",
                leftovers::unfinished(self.play.db()).await
            ));
        }
        violations.extend(found.into_iter().map(|violation| format!("{what}{violation}")));
        Played { delivered, ended, passed }
    }

    /// Takes everything down, in good order.
    pub(crate) async fn leave(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.drain(Duration::from_secs(10)).await;
        }
        self.gate.close().await;
    }
}
