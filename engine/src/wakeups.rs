//! Telling idle workers that there is work: at once within the process, by one coalesced NOTIFY to the others.
//! A wake-up is a hint. What is lost, the next poll finds.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sqlx::postgres::PgListener;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::{
    self,
    db::Db,
    held::{HOLD_IDLE, Held},
};

const CHANNEL: &str = "trunkline_ready";

/// Wake-ups that pile up while a NOTIFY is on its way are sent together by the next one.
const PENDING_MAX: usize = 1024;

/// NOTIFYs of one process are so far apart; what comes up meanwhile is told by the next. To tell of each of a thousand jobs a
/// second costs as much as the jobs.
const APART: Duration = Duration::from_millis(2);

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
    sender: Uuid,
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
        (
            Wakeups { sender: Uuid::from_u128(rand::random()), sleepers: Arc::default(), outbound },
            inbound,
        )
    }

    /// A bell that rings when one of these queues has work.
    pub(crate) fn bell(&self, queue_ids: &[i16]) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.sleepers
            .lock()
            .push(Sleeper { queue_ids: queue_ids.to_vec(), notify: Arc::clone(&notify) });
        notify
    }

    /// By which this process knows what it said itself.
    pub(crate) fn sender(&self) -> Uuid {
        self.sender
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
pub(crate) async fn announce(db: Db, sender: Uuid, mut pending: mpsc::Receiver<i16>) {
    let (mut held, mut last) = (Held::of(db), None::<Instant>);
    loop {
        let soon = timeout(HOLD_IDLE, pending.recv()).await;
        let first = if let Ok(first) = soon {
            first
        } else {
            held.let_go();
            pending.recv().await
        };
        let Some(first) = first else { return };
        // After the first of many: the others are told together.
        let early = last.map_or(Duration::ZERO, |last| APART.saturating_sub(last.elapsed()));
        if !early.is_zero() {
            pause(early).await;
        }
        let mut queues = BTreeSet::from([first]);
        while let Ok(next) = pending.try_recv() {
            queues.insert(next);
        }
        let payload = written(&queues, sender);
        let sent =
            held.run(async |conn| store::wakeups::notify(conn, CHANNEL, &payload).await).await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a wake-up was not sent; the poll will find the work");
        }
        last = Some(Instant::now());
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
        for queue in read(heard.payload(), wakeups.sender) {
            wakeups.ring_here(queue);
        }
    }
}

/// `3,17,@<sender>`: queues, and who says so. (The version before wrote no sender, and passes by what is no number.)
fn written(queues: &BTreeSet<i16>, sender: Uuid) -> String {
    let mut words: Vec<_> = queues.iter().map(i16::to_string).collect();
    words.push(format!("@{}", sender.simple()));
    words.join(",")
}

/// The queues of a payload, none if it is our own: whoever sleeps here was woken before it was sent.
fn read(payload: &str, own: Uuid) -> Vec<i16> {
    let (queues, sender) = payload.split_once('@').unwrap_or((payload, ""));
    if sender.parse() == Ok(own) {
        return Vec::new();
    }
    queues.split(',').filter_map(|word| word.parse().ok()).collect()
}

/// The one pause of the engine's loops.
#[expect(
    clippy::disallowed_methods,
    reason = "loops that poll pause here; nothing uses it to wait for a condition"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_heard_and_what_we_say_ourselves_is_not() {
        let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let payload = written(&BTreeSet::from([3, 17]), ours);
        assert_eq!(read(&payload, theirs), [3, 17]);
        assert!(read(&payload, ours).is_empty());
        // As the version before wrote it, and as it read what is written now.
        assert_eq!(read("3,17", ours), [3, 17]);
        let as_before: Vec<i16> = payload.split(',').filter_map(|word| word.parse().ok()).collect();
        assert_eq!(as_before, [3, 17]);
        assert!(read("", ours).is_empty() && read("@", ours).is_empty());
    }
}
