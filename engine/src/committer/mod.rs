//! The one write path of a process for everything that is not said in a caller's own transaction: claim results,
//! checkpoints, outcomes, retries, waits, plain enqueues.
//!
//! Callers hand over an operation and await its commit. What queues up while a flush is on its way goes with the next
//! one, so that under load hundreds share a commit and alone nobody waits for a timer.

pub(crate) mod flush;
mod op;

use std::time::{Duration, Instant};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

pub(crate) use self::op::{Finish, Op};
use crate::{
    error::Error,
    store::{
        db::{Db, DbError},
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

struct Request {
    op: Op,
    reply: oneshot::Sender<Result<(), CommitError>>,
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
    let (mut held, mut batch) = (Held::of(db), Vec::new());
    loop {
        let soon = timeout(HOLD_IDLE, inbox.recv_many(&mut batch, FLUSH_MAX)).await;
        let came = if let Ok(came) = soon {
            came
        } else {
            held.let_go();
            inbox.recv_many(&mut batch, FLUSH_MAX).await
        };
        if came == 0 {
            return;
        }
        write(&mut held, &wakeups, std::mem::take(&mut batch)).await;
    }
}

/// Writes a batch, however often the database has to be asked.
async fn write(held: &mut Held, wakeups: &Wakeups, batch: Vec<Request>) {
    let began = Instant::now();
    let (ops, replies): (Vec<Op>, Vec<_>) =
        batch.into_iter().map(|request| (request.op, request.reply)).unzip();
    #[cfg(feature = "planted-bugs")]
    let replies = if crate::planted::is(crate::planted::Bug::AckBeforeCommit) {
        replies.into_iter().for_each(|reply| drop(reply.send(Ok(()))));
        Vec::new()
    } else {
        replies
    };
    let verdicts = match attempt(held, wakeups, &ops, began).await {
        Ok(verdicts) => verdicts,
        Err(CommitError::Refused(_)) if ops.len() > 1 => {
            one_by_one(held, wakeups, &ops, began).await
        }
        Err(error) => vec![Err(error); ops.len()],
    };
    #[cfg(feature = "planted-bugs")]
    let verdicts = if crate::planted::is(crate::planted::Bug::NoFencing) {
        verdicts.into_iter().map(|verdict: Result<(), CommitError>| verdict.or(Ok(()))).collect()
    } else {
        verdicts
    };
    crate::metrics::flushed(ops.len(), began.elapsed());
    for (verdict, reply) in verdicts.into_iter().zip(replies) {
        if matches!(verdict, Err(CommitError::Fenced)) {
            crate::metrics::stale_write_rejected();
        }
        // A caller that is gone (its future was dropped) needs no answer.
        let _ = reply.send(verdict);
    }
}

/// One of them is poisoned: written alone, it fails alone.
async fn one_by_one(
    held: &mut Held,
    wakeups: &Wakeups,
    ops: &[Op],
    began: Instant,
) -> Vec<Result<(), CommitError>> {
    let mut verdicts = Vec::with_capacity(ops.len());
    for op in ops {
        verdicts.push(match attempt(held, wakeups, std::slice::from_ref(op), began).await {
            Ok(mut verdict) => verdict.remove(0),
            Err(error) => Err(error),
        });
    }
    verdicts
}

async fn attempt(
    held: &mut Held,
    wakeups: &Wakeups,
    ops: &[Op],
    began: Instant,
) -> Result<Vec<Result<(), CommitError>>, CommitError> {
    let mut again = false;
    loop {
        match flush::flush(held, wakeups, ops, again).await {
            Ok(verdicts) => return Ok(verdicts),
            Err(error) if error.is_ours() => {
                tracing::warn!(error = %first_line(&error), "the database refused a batch of {}", ops.len());
                return Err(CommitError::Refused(first_line(&error)));
            }
            Err(error) => {
                if began.elapsed() > PATIENCE {
                    tracing::warn!(%error, "{} operations could not be written", ops.len());
                    return Err(CommitError::Unavailable);
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
