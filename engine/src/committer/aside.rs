//! What waits for a lock that somebody has: tried beside the others, on a connection of its own, so that only its job waits.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{CommitError, Op, Request, TRY_AGAIN, answer, first_line, flush};
use crate::{
    store::{
        db::{BEGIN_BRIEF, Db},
        held::Held,
    },
    wakeups::{Wakeups, pause},
};

/// How long it is tried. A step's statement lets go of the job's lease after eight seconds, and the last of them begins before
/// the tenth (`context/step.rs`): whoever has it then is no worker.
const ASIDE_MAX: Duration = Duration::from_secs(20);

/// An operation that waits.
struct Waiting {
    request: Request,
    since: Instant,
    again: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Those that have had their turn in this round.
    tried: VecDeque<Waiting>,
    /// Of the one whose turn it is.
    trying: Option<Uuid>,
    /// Whether there is a task that tries them.
    served: bool,
}

impl Queue {
    /// Of which something waits.
    fn jobs(&self) -> impl Iterator<Item = Uuid> {
        let all = self.tried.iter().chain(&self.waiting);
        all.filter_map(|one| one.request.op.job_id()).chain(self.trying)
    }
}

/// Operations that wait, in the order in which they were handed over.
pub(super) struct Aside {
    db: Db,
    wakeups: Wakeups,
    queue: Arc<Mutex<Queue>>,
    task: Option<JoinHandle<()>>,
}

impl Aside {
    /// Nothing waits yet.
    pub(super) fn of(db: Db, wakeups: Wakeups) -> Aside {
        Aside { db, wakeups, queue: Arc::default(), task: None }
    }

    /// Sets one aside. `again`: an earlier try of it may have been committed.
    pub(super) fn put(&mut self, request: Request, again: bool) {
        let waiting = Waiting { request, since: Instant::now(), again };
        let mut queue = self.queue.lock();
        queue.waiting.push_back(waiting);
        if !std::mem::replace(&mut queue.served, true) {
            let held = Held::of(self.db.clone());
            let work = serve(held, self.wakeups.clone(), Arc::clone(&self.queue));
            self.task = Some(tokio::spawn(work));
        }
    }

    /// Whether something of the same job waits already. What is handed over later is written later.
    pub(super) fn has(&self, op: &Op) -> bool {
        op.job_id().is_some_and(|job_id| self.queue.lock().jobs().any(|other| other == job_id))
    }

    /// Lets those past that need not wait behind another; the rest joins what waits.
    pub(super) fn let_past(&mut self, batch: Vec<Request>) -> Vec<Request> {
        let jobs: HashSet<_> = {
            let queue = self.queue.lock();
            if !queue.served {
                return batch;
            }
            queue.jobs().collect()
        };
        let (behind, free): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|request| request.op.job_id().is_some_and(|job_id| jobs.contains(&job_id)));
        for request in behind {
            self.put(request, false);
        }
        free
    }

    /// Until nothing waits any more.
    pub(super) async fn end(self) {
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

/// Tries them in turns until none is left.
async fn serve(mut held: Held, wakeups: Wakeups, queue: Arc<Mutex<Queue>>) {
    let mut is_away = false;
    loop {
        let count = {
            let mut queue = queue.lock();
            let mut all = std::mem::take(&mut queue.tried);
            all.append(&mut queue.waiting);
            if is_away {
                // Nobody is asked for each of them in turn whether it is still away.
                let (late, rest): (VecDeque<_>, _) =
                    all.into_iter().partition(|one| one.since.elapsed() > ASIDE_MAX);
                late.into_iter().for_each(in_vain);
                all = rest;
            }
            queue.waiting = all;
            queue.served = !queue.waiting.is_empty();
            queue.waiting.len()
        };
        if count == 0 {
            return;
        }
        let mut blocked = HashSet::new();
        is_away = false;
        for _ in 0..count {
            is_away = turn(&mut held, &wakeups, &queue, &mut blocked).await.is_err();
            if is_away {
                break;
            }
        }
        pause(TRY_AGAIN).await;
    }
}

/// It was tried for long enough.
fn in_vain(one: Waiting) {
    tracing::warn!("an operation has waited for a lock in vain");
    crate::metrics::set_aside("in_vain");
    answer(one.request.reply, Err(CommitError::Unavailable));
}

/// The database does not answer.
struct Away;

/// Tries the next one, unless an earlier one of its job waits still.
async fn turn(
    held: &mut Held,
    wakeups: &Wakeups,
    queue: &Mutex<Queue>,
    blocked: &mut HashSet<Uuid>,
) -> Result<(), Away> {
    let next = {
        let mut queue = queue.lock();
        let next = queue.waiting.pop_front();
        queue.trying = next.as_ref().and_then(|one| one.request.op.job_id());
        next
    };
    let Some(mut one) = next else { return Ok(()) };
    let job_id = one.request.op.job_id();
    let (mut left, mut turned) = (None, Ok(()));
    if job_id.is_some_and(|job_id| blocked.contains(&job_id)) {
        left = Some(one);
    } else {
        let op = std::slice::from_ref(&one.request.op);
        match flush::flush(held, wakeups, op, Some(BEGIN_BRIEF), one.again).await {
            Ok(mut verdict) => {
                let said = verdict.remove(0);
                crate::metrics::set_aside(if said.is_ok() { "written" } else { "refused" });
                answer(one.request.reply, said);
            }
            Err(error) if error.is_ours() => {
                let why = first_line(&error);
                crate::metrics::set_aside("refused");
                tracing::warn!(error = %why, "the database refused what had waited for a lock");
                answer(one.request.reply, Err(CommitError::Refused(why)));
            }
            Err(error) => {
                if !error.is_blocked() {
                    tracing::debug!(%error, "what waited for a lock could not be tried");
                    (one.again, turned) = (true, Err(Away));
                }
                blocked.extend(job_id);
                left = Some(one);
            }
        }
    }
    let mut queue = queue.lock();
    queue.trying = None;
    match left {
        Some(one) if one.since.elapsed() > ASIDE_MAX => in_vain(one),
        left => queue.tried.extend(left),
    }
    turned
}
