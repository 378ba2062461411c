//! Telling idle workers that there is work: at once within the process, by one coalesced NOTIFY to the others.
//! A wake-up is a hint. What is lost, the next poll finds.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::{self, db::Db};

const CHANNEL: &str = "trunkline_ready";

/// Wake-ups that pile up while a NOTIFY is on its way are sent together by the next one.
const PENDING_MAX: usize = 1024;

/// How long to wait before listening again when the connection was lost.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Who is to be woken once a transaction has committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wake {
    pub(crate) queues: BTreeSet<i16>,
    pub(crate) jobs: Vec<Uuid>,
    pub(crate) cancels: Vec<Uuid>,
}

impl Wake {
    pub(crate) fn queue(&mut self, queue_id: i16) {
        self.queues.insert(queue_id);
    }

    /// A job that has a new signal.
    pub(crate) fn job(&mut self, job_id: Uuid) {
        self.jobs.push(job_id);
    }

    /// A job that somebody wants cancelled.
    pub(crate) fn cancelled(&mut self, job_id: Uuid) {
        self.cancels.push(job_id);
    }
}

/// The sleepers of this process and the way to those of others.
#[derive(Debug, Clone)]
pub(crate) struct Wakeups {
    sleepers: Arc<Mutex<Vec<Sleeper>>>,
    outbound: mpsc::Sender<i16>,
}

#[derive(Debug)]
struct Sleeper {
    queue_ids: Vec<i16>,
    notify: Arc<Notify>,
}

impl Wakeups {
    /// The second half is for [`announce`], which sends what is put in.
    pub(crate) fn new() -> (Wakeups, mpsc::Receiver<i16>) {
        let (outbound, inbound) = mpsc::channel(PENDING_MAX);
        (Wakeups { sleepers: Arc::default(), outbound }, inbound)
    }

    /// A bell that rings when one of these queues has work.
    pub(crate) fn bell(&self, queue_ids: &[i16]) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.sleepers
            .lock()
            .push(Sleeper { queue_ids: queue_ids.to_vec(), notify: Arc::clone(&notify) });
        notify
    }

    /// Takes a bell down.
    pub(crate) fn unbell(&self, bell: &Arc<Notify>) {
        self.sleepers.lock().retain(|sleeper| !Arc::ptr_eq(&sleeper.notify, bell));
    }

    /// These queues have work: tells this process now, and the others soon.
    pub(crate) fn ring(&self, queues: impl IntoIterator<Item = i16>) {
        for queue in queues {
            self.ring_here(queue);
            // Full: a NOTIFY is overdue anyway, and the poll is the net.
            let _ = self.outbound.try_send(queue);
        }
    }

    fn ring_here(&self, queue: i16) {
        for sleeper in
            self.sleepers.lock().iter().filter(|sleeper| sleeper.queue_ids.contains(&queue))
        {
            sleeper.notify.notify_one();
        }
    }
}

/// Sends what [`Wakeups::ring`] put in, as few NOTIFYs as possible: each names all queues that came up since the last.
pub(crate) async fn announce(db: Db, mut pending: mpsc::Receiver<i16>) {
    while let Some(first) = pending.recv().await {
        let mut queues = BTreeSet::from([first]);
        while let Ok(next) = pending.try_recv() {
            queues.insert(next);
        }
        let payload = queues.iter().map(i16::to_string).collect::<Vec<_>>().join(",");
        let sent = db.run(async |conn| store::wakeups::notify(conn, CHANNEL, &payload).await).await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a wake-up was not sent; the poll will find the work");
        }
    }
}

/// Hears the NOTIFYs of other processes. Needs a connection of its own that no pooler shares.
pub(crate) async fn listen(wakeups: Wakeups, direct_url: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            heard = hear(&wakeups, &direct_url) => {
                if let Err(error) = heard {
                    tracing::warn!(%error, "wake-ups from other processes are not heard; polling goes on");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = pause(LISTEN_AGAIN) => {}
        }
    }
}

async fn hear(wakeups: &Wakeups, direct_url: &str) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(direct_url).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let heard = listener.recv().await?;
        for queue in heard.payload().split(',').filter_map(|word| word.parse().ok()) {
            wakeups.ring_here(queue);
        }
    }
}

/// The one pause of the engine's loops.
#[expect(
    clippy::disallowed_methods,
    reason = "loops that poll pause here; nothing uses it to wait for a condition"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
