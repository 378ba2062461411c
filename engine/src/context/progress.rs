//! How far a run is, for people who look on. No checkpoint: nothing depends on it.

use std::time::{Duration, Instant};

use super::Context;
use crate::{committer::Op, store::progress::ProgressRow, workflow::App};

/// No job says more often how far it is: nobody reads faster.
const EVERY: Duration = Duration::from_secs(1);

/// A note is a line.
const NOTE_CHARS_MAX: usize = 200;

/// What a run has said of its progress in this attempt.
#[derive(Default)]
pub(super) struct Said {
    last: Option<Instant>,
    /// Said since, and not written yet.
    latest: Option<ProgressRow>,
}

impl<A: App> Context<'_, A> {
    /// Says how far the run is: so much done, of so much if that is known, and a line for people (no secrets, no phone
    /// numbers). Shown with the job while it lives. At most one a second is written for a job; of those in between the
    /// latest counts, written at the next call or when the run leaves its worker. May be called inside of a step.
    pub fn progress(&self, done: u64, total: Option<u64>, note: &str) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let row = ProgressRow {
            fence: self.job().fence(),
            done: number(done),
            total: total.map(number),
            note: note.chars().filter(|c| *c != '\0').take(NOTE_CHARS_MAX).collect(),
        };
        self.inner().lock().said.latest = Some(row);
        self.say(false);
    }

    /// Writes what was said last. `leaving`: there is no later.
    pub(crate) fn say(&self, leaving: bool) {
        let row = {
            let said = &mut self.inner().lock().said;
            if !leaving && said.last.is_some_and(|last| last.elapsed() < EVERY) {
                return;
            }
            let Some(row) = said.latest.take() else { return };
            said.last = Some(Instant::now());
            row
        };
        self.job().has_progress();
        self.engine().committer().offer(Op::Progress(row));
    }
}
