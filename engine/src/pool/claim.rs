//! Claiming: one statement at a time for the whole pool, as many jobs as there is room for.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::Pool;
use crate::{leased::LeasedJob, store, wakeups::pause, workflow::App};

/// Jobs in one claim. More make the statement long and the other workers' share small.
const CLAIM_MAX: usize = 500;

/// After a failed claim.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Claims until the pool drains. The sender's end is the receiver's.
pub(super) async fn claim<A: App>(pool: Arc<Pool<A>>, batches: mpsc::Sender<Vec<LeasedJob>>) {
    let names = pool.engine.names();
    let queues = if pool.config.queues.is_empty() {
        pool.registry.queues()
    } else {
        pool.config.queues.clone()
    };
    let mut queue_ids: Vec<i16> = queues.iter().filter_map(|name| names.queue(name).ok()).collect();
    let kind_ids: Vec<i16> =
        pool.registry.kinds().iter().filter_map(|name| names.kind(name).ok()).collect();
    let bell = pool.engine.wakeups().bell(&queue_ids);
    let mut backlog = false;
    loop {
        // With a backlog, wait for room for a batch worth its statement; without, for room for one.
        let wanted = if backlog { (pool.config.slots / 2).clamp(1, CLAIM_MAX) } else { 1 };
        let Some(room) = room(&pool, wanted).await else { break };
        // Whichever queue comes first is looked at first: take turns.
        queue_ids.rotate_left(1);
        let worker_id = pool.live.worker_id();
        let rows_max = i64::try_from(room.num_permits()).unwrap_or(i64::MAX);
        let claimed = pool
            .engine
            .db()
            .run(async |conn| {
                store::ready::ready_claim(conn, worker_id, &queue_ids, &kind_ids, rows_max).await
            })
            .await;
        let rows = match claimed {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, pool = pool.config.name, "jobs could not be claimed");
                idle(&pool, TRY_AGAIN).await;
                continue;
            }
        };
        backlog = rows.len() == room.num_permits();
        if rows.is_empty() {
            drop(room);
            tokio::select! {
                () = pool.stop.cancelled() => break,
                () = bell.notified() => {}
                () = pause(jittered(pool.config.poll)) => {}
            }
            continue;
        }
        let batch = leased(&pool, rows, room);
        tokio::select! {
            biased;
            sent = batches.send(batch) => if sent.is_err() { break },
            // Nobody takes them any more: the pool hands them back when it leaves.
            () = pool.stop.cancelled() => break,
        }
    }
    pool.engine.wakeups().unbell(&bell);
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

/// Enters what was claimed into the list of jobs in hand, each with its share of the room.
fn leased<A: App>(
    pool: &Pool<A>,
    rows: Vec<store::ready::ClaimedRow>,
    mut room: tokio::sync::OwnedSemaphorePermit,
) -> Vec<LeasedJob> {
    let names = pool.engine.names();
    rows.into_iter()
        .filter_map(|row| {
            let share = room.split(1)?;
            let (kind, queue) = (names.kind_name(row.kind_id), names.queue_name(row.queue_id));
            let lease = Arc::clone(&pool.lease);
            let job = LeasedJob::new(row, kind, queue, lease, pool.drain.clone(), share);
            pool.live.insert(job.clone());
            Some(job)
        })
        .collect()
}

async fn idle<A: App>(pool: &Pool<A>, time: Duration) {
    tokio::select! {
        () = pool.stop.cancelled() => {}
        () = pause(jittered(time)) => {}
    }
}

/// Half to one and a half times: many pools must not look at the same moment.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.5 + rand::random::<f64>())
}
