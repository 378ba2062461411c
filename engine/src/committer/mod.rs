//! The one write path of a process for everything that is not said in a caller's own transaction: claim results,
//! checkpoints, outcomes, retries, waits, plain enqueues.
//!
//! Callers hand over an operation and await its commit. What queues up while a flush is on its way goes with the next
//! one, so that under load hundreds share a commit and alone nobody waits for a timer.

mod aside; // what waits for a lock
pub(crate) mod flush;
mod op;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

use self::aside::Aside;
pub(crate) use self::op::{Finish, Op};
use crate::{
    error::Error,
    store::{
        self,
        db::{BEGIN_BRIEF, Db, DbError},
        held::{HOLD_IDLE, Held},
    },
    wakeups::{Wakeups, pause},
};

/// Operations in one flush. More would make the statement slow for the first of them.
const FLUSH_MAX: usize = 1000;

/// Operations that may wait; whoever has another waits until there is room.
const PENDING_MAX: usize = 4096;

/// How long a flush is tried again while the database is away. A worker's lease has ended by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// For so long operations are tried one by one while others queue up: a thousand of them with a commit each, or thirty that
/// have to wait. What is left is tried beside the others.
const ONE_BY_ONE_MAX: Duration = Duration::from_secs(3);

/// Why an operation was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommitError {
    /// Another worker has the job: whatever this one says no longer counts.
    #[error("the lease is no longer ours")]
    Fenced,
    /// The same came in before; the job that was made of it.
    #[error("this was received before")]
    Repeated(Option<Uuid>),
    /// The database says that the operation itself is wrong.
    #[error("the database refused: {0}")]
    Refused(String),
    /// The database is away.
    #[error("the database could not be reached")]
    Unavailable,
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Error {
        match error {
            CommitError::Unavailable | CommitError::Fenced | CommitError::Repeated(_) => {
                Error::TimedOut
            }
            CommitError::Refused(why) => Error::Database(sqlx::Error::Protocol(why)),
        }
    }
}

type Reply = oneshot::Sender<Result<(), CommitError>>;

struct Request {
    op: Op,
    reply: Reply,
}

/// The way in. Clones share the one committer of the process.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    requests: mpsc::Sender<Request>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

impl Committer {
    /// Starts the committer. It ends when every clone of the handle is gone and all is written.
    pub(crate) fn start(db: Db, wakeups: Wakeups) -> (Committer, tokio::task::JoinHandle<()>) {
        let (requests, inbox) = mpsc::channel(PENDING_MAX);
        (Committer { requests }, tokio::spawn(serve(db, wakeups, inbox)))
    }

    /// Writes an operation; returns when it is committed.
    pub(crate) async fn commit(&self, op: Op) -> Result<(), CommitError> {
        self.submit(op).await?.await.map_err(|_| CommitError::Unavailable)?
    }

    /// Hands over what may as well be lost: nobody waits, and if there is no room, it is dropped.
    pub(crate) fn offer(&self, op: Op) {
        let (reply, _) = oneshot::channel();
        let _ = self.requests.try_send(Request { op, reply });
    }

    /// Hands an operation over without waiting for its commit. What is handed over later is written later.
    pub(crate) async fn submit(
        &self,
        op: Op,
    ) -> Result<oneshot::Receiver<Result<(), CommitError>>, CommitError> {
        let (reply, committed) = oneshot::channel();
        self.requests.send(Request { op, reply }).await.map_err(|_| CommitError::Unavailable)?;
        Ok(committed)
    }
}

async fn serve(db: Db, wakeups: Wakeups, mut inbox: mpsc::Receiver<Request>) {
    let mut writer = Writer {
        held: Held::of(db.clone()),
        wakeups: wakeups.clone(),
        aside: Aside::of(db, wakeups),
    };
    let mut batch = Vec::new();
    loop {
        let soon = timeout(HOLD_IDLE, inbox.recv_many(&mut batch, FLUSH_MAX)).await;
        let came = if let Ok(came) = soon {
            came
        } else {
            writer.held.let_go();
            inbox.recv_many(&mut batch, FLUSH_MAX).await
        };
        if came == 0 {
            break;
        }
        writer.write(std::mem::take(&mut batch)).await;
    }
    writer.aside.end().await;
}

/// Why nothing of a batch was written.
#[derive(Debug)]
enum Unwritten {
    /// The database says that something in it is wrong.
    Refused(String),
    /// Somebody has something of it locked. `again`: an earlier try may have been committed.
    Blocked { again: bool },
    /// The database is away.
    Away,
}

/// How a batch is to be written.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// Since when it is tried.
    began: Instant,
    /// In a transaction that begins with these words, even where a statement alone would do.
    words: Option<&'static str>,
    /// An earlier try may have been committed without our hearing of it.
    again: bool,
}

struct Writer {
    held: Held,
    wakeups: Wakeups,
    /// What waits for a lock.
    aside: Aside,
}

impl Writer {
    /// Writes a batch, however often the database has to be asked.
    async fn write(&mut self, batch: Vec<Request>) {
        let began = Instant::now();
        let batch = self.aside.let_past(batch);
        #[cfg(feature = "planted-bugs")]
        let batch = acknowledged_too_soon(batch);
        let count = batch.len();
        let manner = Manner { began, words: None, again: false };
        if let Some((batch, unwritten)) = self.whole(batch, manner).await {
            match unwritten {
                Unwritten::Blocked { again } => self.past_locks(batch, again).await,
                Unwritten::Refused(_) if batch.len() > 1 => {
                    self.one_by_one(batch, manner).await;
                }
                Unwritten::Refused(why) => answer_all(batch, &CommitError::Refused(why)),
                Unwritten::Away => answer_all(batch, &CommitError::Unavailable),
            }
        }
        if count > 0 {
            crate::metrics::flushed(count, began.elapsed());
        }
    }

    /// Writes it all and answers; or gives it back, and says why.
    async fn whole(
        &mut self,
        batch: Vec<Request>,
        manner: Manner,
    ) -> Option<(Vec<Request>, Unwritten)> {
        if batch.is_empty() {
            return None;
        }
        let (ops, replies): (Vec<Op>, Vec<_>) =
            batch.into_iter().map(|request| (request.op, request.reply)).unzip();
        let requests = replies.into_iter();
        match attempt(&mut self.held, &self.wakeups, &ops, manner).await {
            Ok(verdicts) => {
                for (said, reply) in verdicts.into_iter().zip(requests) {
                    answer(reply, said);
                }
                None
            }
            Err(why) => {
                let batch = ops.into_iter().zip(requests);
                Some((batch.map(|(op, reply)| Request { op, reply }).collect(), why))
            }
        }
    }

    /// Somebody has something of it locked. What belongs to jobs whose leases are locked goes aside, the rest is written.
    async fn past_locks(&mut self, batch: Vec<Request>, again: bool) {
        let job_ids: Vec<_> = batch.iter().filter_map(|request| request.op.job_id()).collect();
        let locked =
            self.held.run(async |conn| store::leases::leases_locked(conn, &job_ids).await).await;
        let locked: HashSet<_> = locked.unwrap_or_default().into_iter().collect();
        let (stuck, free): (Vec<_>, Vec<_>) = batch.into_iter().partition(|request| {
            request.op.job_id().is_some_and(|job_id| locked.contains(&job_id))
        });
        if !stuck.is_empty() {
            let (waiting, others) = (stuck.len(), free.len());
            tracing::info!(
                "somebody has leases locked: {waiting} operations wait, {others} do not"
            );
        }
        for request in stuck {
            self.aside.put(request, again);
        }
        let manner = Manner { began: Instant::now(), words: Some(BEGIN_BRIEF), again };
        match self.whole(free, manner).await {
            None => {}
            Some((batch, Unwritten::Away)) => answer_all(batch, &CommitError::Unavailable),
            // It is no lease that is locked.
            Some((batch, Unwritten::Blocked { again })) => {
                self.one_by_one(batch, Manner { again, ..manner }).await;
            }
            Some((batch, Unwritten::Refused(_))) => self.one_by_one(batch, manner).await,
        }
    }

    /// One of them is poisoned or has to wait: written alone, it fails or waits alone. What there is no time for waits, too.
    async fn one_by_one(&mut self, batch: Vec<Request>, manner: Manner) {
        let began = Instant::now();
        for request in batch {
            if began.elapsed() > ONE_BY_ONE_MAX || self.aside.has(&request.op) {
                self.aside.put(request, manner.again);
                continue;
            }
            let alone = std::slice::from_ref(&request.op);
            let said = match attempt(&mut self.held, &self.wakeups, alone, manner).await {
                Ok(mut verdict) => verdict.remove(0),
                Err(Unwritten::Refused(why)) => Err(CommitError::Refused(why)),
                Err(Unwritten::Away) => Err(CommitError::Unavailable),
                Err(Unwritten::Blocked { again }) => {
                    self.aside.put(request, again);
                    continue;
                }
            };
            answer(request.reply, said);
        }
    }
}

/// What callers are told too soon, if that mistake is planted.
#[cfg(feature = "planted-bugs")]
fn acknowledged_too_soon(batch: Vec<Request>) -> Vec<Request> {
    if !crate::planted::is(crate::planted::Bug::AckBeforeCommit) {
        return batch;
    }
    let told = batch.into_iter().map(|Request { op, reply }| {
        let _ = reply.send(Ok(()));
        Request { op, reply: oneshot::channel().0 }
    });
    told.collect()
}

fn answer_all(batch: Vec<Request>, error: &CommitError) {
    for request in batch {
        answer(request.reply, Err(error.clone()));
    }
}

fn answer(reply: Reply, said: Result<(), CommitError>) {
    #[cfg(feature = "planted-bugs")]
    let said =
        if crate::planted::is(crate::planted::Bug::NoFencing) { said.or(Ok(())) } else { said };
    if matches!(said, Err(CommitError::Fenced)) {
        crate::metrics::stale_write_rejected();
    }
    // A caller that is gone (its future was dropped) needs no answer.
    let _ = reply.send(said);
}

async fn attempt(
    held: &mut Held,
    wakeups: &Wakeups,
    ops: &[Op],
    manner: Manner,
) -> Result<Vec<Result<(), CommitError>>, Unwritten> {
    let Manner { began, words, mut again } = manner;
    loop {
        match flush::flush(held, wakeups, ops, words, again).await {
            Ok(verdicts) => return Ok(verdicts),
            Err(error) if error.is_ours() => {
                tracing::warn!(error = %first_line(&error), "the database refused a batch of {}", ops.len());
                return Err(Unwritten::Refused(first_line(&error)));
            }
            Err(error) if error.is_blocked() => return Err(Unwritten::Blocked { again }),
            Err(error) => {
                if began.elapsed() > PATIENCE {
                    tracing::warn!(%error, "{} operations could not be written", ops.len());
                    return Err(Unwritten::Away);
                }
                // The reply may have been lost after the commit: from now on, rows of our own count as success.
                again = true;
                pause(TRY_AGAIN).await;
            }
        }
    }
}

/// The database's own words without its detail, which may quote what was to be stored.
fn first_line(error: &DbError) -> String {
    let DbError::Sql(sqlx::Error::Database(database)) = error else { return error.to_string() };
    let message = database.message().lines().next().unwrap_or_default();
    format!("{message} ({})", database.code().unwrap_or_default())
}
