//! Claiming: one statement at a time for the whole pool, as many jobs as there is room for.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};

use super::{
    Pool,
    gated::{Asker, Rounds},
    marks::{Marks, Seen, earlier},
};
use crate::{
    committer::Op,
    job::JobId,
    leased::LeasedJob,
    store::{
        self,
        held::{HOLD_IDLE, Held},
        loops::Planned,
        ready::ClaimedRow,
    },
    wakeups::pause,
    workflow::App,
};

/// Jobs in one claim. More make the statement long and the other workers' share small.
const CLAIM_MAX: usize = 500;

/// After a failed claim.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// How far back a queue is looked at of which nothing is known, when to look at all of it takes too long.
const SEED_BACK: Duration = Duration::from_secs(100);

/// After a look that found other workers at the same gates.
const BUSY: Duration = Duration::from_millis(10);

/// Claims until the pool drains. The sender's end is the receiver's.
pub(super) async fn claim<A: App>(pool: Arc<Pool<A>>, batches: mpsc::Sender<Vec<LeasedJob>>) {
    let mut claimer = Claimer::of(&pool);
    let bell = pool.engine.wakeups().bell(&claimer.queue_ids);
    let mut backlog = false;
    let mut resting = pool.rest.subscribe();
    loop {
        tokio::select! {
            biased;
            () = pool.stop.cancelled() => break,
            awake = resting.wait_for(Option::is_none) => if awake.is_err() { break },
        }
        // With a backlog, wait for room for a batch worth its statement; without, for room for one.
        let wanted = if backlog && pool.config.batches {
            (pool.config.slots / 2).clamp(1, CLAIM_MAX)
        } else {
            1
        };
        let Some(room) = room(&pool, wanted).await else { break };
        if pool.rest.borrow().is_some() {
            continue; // asked for while there was no room
        }
        let worker_id = pool.live.worker_id();
        let (rows, rest) = claimer.round(&pool, worker_id, room.num_permits()).await;
        backlog = rows.len() == room.num_permits();
        // There may be more before gates, where a look goes at some lanes only, and in a limited queue that another worker
        // had in hand.
        let is_part = claimer.waits || !pool.queues.limited(&claimer.queue_ids).is_empty();
        let is_all = !backlog && (rows.is_empty() || !is_part);
        if rows.is_empty() {
            drop(room);
        } else {
            let batch = leased(&pool, worker_id, rows, room);
            tokio::select! {
                biased;
                sent = batches.send(batch) => if sent.is_err() { break },
                // Nobody takes them any more: the pool hands them back when it leaves.
                () = pool.stop.cancelled() => break,
            }
        }
        if is_all {
            // Whoever brings more rings.
            tokio::select! {
                () = pool.stop.cancelled() => break,
                () = claimer.wait(&bell, rest) => {}
            }
        }
    }
    pool.engine.wakeups().unbell(&bell);
}

/// What a pool claims, and where it looks next.
struct Claimer {
    /// What it claims on.
    held: Held,
    planned: Planned,
    queue_ids: Vec<i16>,
    kind_ids: Vec<i16>,
    rounds: Rounds,
    marks: Marks,
    /// Somebody said that there is work.
    rung: bool,
    /// The last look at gates found something.
    waits: bool,
    looked: Instant,
    turn: bool,
}

impl Claimer {
    fn of<A: App>(pool: &Pool<A>) -> Claimer {
        let loops = pool.engine.loops();
        Claimer {
            held: Held::of(loops.db.clone()),
            planned: loops.planned,
            queue_ids: pool.serves.queue_ids.clone(),
            kind_ids: pool.serves.kind_ids.clone(),
            rounds: Rounds::default(),
            marks: Marks::default(),
            rung: true,
            waits: true,
            looked: Instant::now(),
            turn: false,
        }
    }

    /// Until somebody rings or `rest` is over. The connection goes back if that takes long.
    async fn wait(&mut self, bell: &Notify, rest: Duration) {
        let wait = async {
            tokio::select! {
                () = bell.notified() => true,
                () = pause(rest) => false,
            }
        };
        let mut wait = pin!(wait);
        self.rung = if let Ok(rung) = timeout(HOLD_IDLE, &mut wait).await {
            rung
        } else {
            self.held.let_go();
            wait.await
        };
    }

    /// Claims once from what is ready and, if there may be something, from what waits before gates. Says how long to rest
    /// if there was nothing.
    async fn round<A: App>(
        &mut self,
        pool: &Pool<A>,
        worker_id: i32,
        room: usize,
    ) -> (Vec<ClaimedRow>, Duration) {
        if pool.queues.is_old() {
            let read = pool.engine.db().run(async |conn| store::queues::queues_all(conn).await);
            if let Ok(rows) = read.await {
                pool.queues.keep(&rows);
            }
        }
        // Whichever queue comes first is looked at first: take turns. So do those with gates and those without.
        self.queue_ids.rotate_left(1);
        self.turn = !self.turn;
        let mut rest = jittered(pool.config.poll);
        let mut rows = Vec::new();
        let gates_first = self.waits && self.turn;
        if gates_first {
            rest = rest.min(self.past_gates(pool, worker_id, room, &mut rows).await);
        }
        let left = room - rows.len();
        if left > 0 {
            rest = rest.min(self.ready(pool, worker_id, left, &mut rows).await);
        }
        // Without a sign of them, gated jobs are looked for seldom: most pools have none.
        let due = self.waits
            || (self.rung && rows.is_empty())
            || self.looked.elapsed() >= pool.config.poll;
        let left = room - rows.len();
        if due && !gates_first && left > 0 {
            rest = rest.min(self.past_gates(pool, worker_id, left, &mut rows).await);
        }
        self.rung = false;
        (rows, rest)
    }

    async fn ready<A: App>(
        &mut self,
        pool: &Pool<A>,
        worker_id: i32,
        room: usize,
        rows: &mut Vec<ClaimedRow>,
    ) -> Duration {
        let rows_max = i64::try_from(room).unwrap_or(i64::MAX);
        let limited = pool.queues.limited(&self.queue_ids);
        let look = self.marks.look(&self.queue_ids, Instant::now());
        let kinds = &self.kind_ids;
        let asked = Instant::now();
        let planned = self.planned;
        let claimed = self.held.run(async |conn| {
            store::ready::ready_claim(
                conn,
                planned,
                worker_id,
                &look.ranges,
                kinds,
                rows_max,
                &limited,
            )
            .await
        });
        match claimed.await {
            Ok(claimed) => {
                let is_all = claimed.len() < room;
                if !claimed.is_empty() {
                    crate::metrics::claimed(asked.elapsed());
                }
                self.marks.found(&look, &seen(pool, &claimed, is_all, &limited));
                rows.extend(claimed);
            }
            Err(error) => {
                pool.live.doubt();
                let seed = earlier(JobId::mint().as_uuid(), SEED_BACK);
                self.marks.failed(&look, &seen(pool, &[], true, &limited), seed);
                tracing::warn!(%error, pool = pool.config.name, "jobs could not be claimed");
                return jittered(TRY_AGAIN);
            }
        }
        self.marks.rest(&look, Instant::now())
    }

    async fn past_gates<A: App>(
        &mut self,
        pool: &Pool<A>,
        worker_id: i32,
        room: usize,
        rows: &mut Vec<ClaimedRow>,
    ) -> Duration {
        self.looked = Instant::now();
        let asker = Asker {
            planned: self.planned,
            worker_id,
            queue_ids: &self.queue_ids,
            kind_ids: &self.kind_ids,
            limited: &pool.queues.limited(&self.queue_ids),
            room,
        };
        let rounds = &mut self.rounds;
        match self.held.run(async |conn| rounds.look(conn, &asker).await).await {
            Ok(found) => {
                self.waits = found.any;
                rows.extend(found.rows);
                let busy = if found.again { jittered(BUSY) } else { Duration::MAX };
                found.next.unwrap_or(Duration::MAX).min(busy)
            }
            Err(error) => {
                pool.live.doubt();
                tracing::warn!(%error, pool = pool.config.name, "jobs with gates could not be claimed");
                jittered(TRY_AGAIN)
            }
        }
    }
}

/// How a look went.
fn seen<'a, A: App>(
    pool: &Pool<A>,
    rows: &'a [ClaimedRow],
    is_all: bool,
    limited: &'a [i16],
) -> Seen<'a> {
    let stagger = 0.5 + rand::random::<f64>();
    Seen { rows, is_all, limited, fleet: pool.live.fleet(), stagger, now: Instant::now() }
}

/// Room for at least `wanted` jobs, or for all there is beyond that. `None`: the pool drains.
async fn room<A: App>(pool: &Pool<A>, wanted: usize) -> Option<tokio::sync::OwnedSemaphorePermit> {
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    let mut room = tokio::select! {
        biased;
        () = pool.stop.cancelled() => return None,
        room = Arc::clone(&pool.room).acquire_many_owned(wanted) => room.ok()?,
    };
    let more = pool.room.available_permits().min(CLAIM_MAX - room.num_permits().min(CLAIM_MAX));
    if let Ok(more) =
        Arc::clone(&pool.room).try_acquire_many_owned(u32::try_from(more).unwrap_or(0))
    {
        room.merge(more);
    }
    Some(room)
}

/// Enters what was claimed under this id into the list of jobs in hand, each with its share of the room. If the worker has
/// another id by now, the lease of that claim has ended, and the clock of the new one says nothing of it: they go back unseen.
fn leased<A: App>(
    pool: &Pool<A>,
    worker_id: i32,
    rows: Vec<ClaimedRow>,
    mut room: tokio::sync::OwnedSemaphorePermit,
) -> Vec<LeasedJob> {
    let names = pool.engine.names();
    rows.into_iter()
        .filter_map(|row| {
            let share = room.split(1)?;
            let (kind, queue) = (names.kind_name(row.kind_id), names.queue_name(row.queue_id));
            let lease = Arc::clone(&pool.lease);
            let job = LeasedJob::new(row, kind, queue, lease, pool.drain.clone(), share);
            if pool.live.insert(worker_id, job.clone()) {
                Some(job)
            } else {
                pool.engine.committer().offer(Op::Release(job.fence()));
                None
            }
        })
        .collect()
}

/// Half to one and a half times: many pools must not look at the same moment.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.5 + rand::random::<f64>())
}
