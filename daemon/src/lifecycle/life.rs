//! The life of a process, from its first task to its exit code.

use std::{future::Future, io, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    ExitReason,
    signals::Signals,
    task::{Ended, Ending, Row},
};

/// What a task gets after *abort* to close a file or a connection, before it is cut at its next await.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The tasks of a process and the tokens that stop them.
pub struct Lifecycle {
    drain: CancellationToken,
    abort: CancellationToken,
    closing: CancellationToken,
    workers: Row,
    support: Row,
    signals: Signals,
}

impl Lifecycle {
    /// Listens for SIGTERM and SIGINT from now on. Needs a tokio runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self::with(Signals::of_process()?))
    }

    /// Listens to nobody: for tests and for one-shot commands that share a process with others.
    pub fn deaf() -> Self {
        Self::with(Signals::Nobody)
    }

    fn with(signals: Signals) -> Self {
        let abort = CancellationToken::new();
        Self {
            drain: abort.child_token(),
            closing: abort.child_token(),
            abort,
            workers: Row::default(),
            support: Row::default(),
            signals,
        }
    }

    /// "Finish what you hold, take nothing new." Cancelling it yourself stops the process gracefully.
    pub fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// "Now." Implies the other two.
    pub fn abort(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// "The last worker has ended; close." For support tasks.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Runs a task that does the process's work. It has to end soon after [`Self::drain`]; ending before is a
    /// fault that stops the process.
    pub fn task<F>(&mut self, name: &'static str, future: F)
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        self.workers.spawn(name, future);
    }

    /// Runs a task that the workers lean on. It has to end soon after [`Self::closing`]; ending before is a
    /// fault that stops the process.
    pub fn support<F>(&mut self, name: &'static str, future: F)
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        self.support.spawn(name, future);
    }

    /// Runs until something stops the process: a signal, a cancelled token, or a task that ends by itself.
    /// Workers then have `grace` to finish before they are aborted.
    pub async fn until_stopped(mut self, grace: Duration) -> ExitReason {
        let mut fault = self.until_asked().await;
        self.drain.cancel();
        let mut cut = self.stop_workers(grace, &mut fault).await;
        self.closing.cancel();
        cut.extend(self.support.cut(LAST_WORDS).await);
        match fault {
            Some(Ended { task, failure }) => ExitReason::TaskEnded {
                task,
                why: failure.unwrap_or_else(|| "ended by itself".to_owned()),
            },
            None if cut.is_empty() => ExitReason::Drained,
            None => ExitReason::Aborted { cut },
        }
    }

    /// Waits for a reason to stop; a task that ended too early is handed back.
    async fn until_asked(&mut self) -> Option<Ended> {
        let ended = tokio::select! {
            biased; // a task that ends because of the token is no fault
            () = self.drain.cancelled() => return None,
            signal = self.signals.next() => {
                info!("{signal}: draining; once more to stop at once");
                return None;
            }
            ended = self.workers.next() => ended,
            ended = self.support.next() => ended,
        };
        let why = ended.failure.as_deref().unwrap_or("ended by itself");
        error!(task = ended.task, "task {} {why}; stopping", ended.task);
        Some(ended)
    }

    async fn stop_workers(
        &mut self,
        grace: Duration,
        fault: &mut Option<Ended>,
    ) -> Vec<&'static str> {
        tokio::select! {
            all = tokio::time::timeout(grace, self.workers.all(fault)) => {
                if all.is_ok() {
                    return Vec::new();
                }
                warn!("still running after {} s: stopping at once", grace.as_secs());
            }
            () = self.abort.cancelled() => {}
            signal = self.signals.next() => warn!("{signal} again: stopping at once"),
        }
        warn!(tasks = ?self.workers.names(), "aborting");
        self.abort.cancel();
        self.workers.cut(LAST_WORDS).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    const GRACE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn support_closes_only_after_the_last_worker_has_ended() {
        let mut life = Lifecycle::deaf();
        let (drain, closing) = (life.drain(), life.closing());
        let finished = Arc::new(AtomicBool::new(false));
        let (writer, reader) = (finished.clone(), finished);
        life.task("worker", async move {
            drain.cancelled().await;
            tokio::task::yield_now().await;
            writer.store(true, Ordering::SeqCst);
        });
        life.support("probes", async move {
            closing.cancelled().await;
            if reader.load(Ordering::SeqCst) { Ok(()) } else { Err("closed too early") }
        });
        life.drain().cancel();
        let reason = life.until_stopped(GRACE).await;
        assert_eq!(reason, ExitReason::Drained);
        assert_eq!(reason.code(), 0);
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_stops_the_process_with_its_name() {
        let mut life = Lifecycle::deaf();
        let drain = life.drain();
        life.task("steady", async move { drain.cancelled().await });
        life.task("short", async {});
        let reason = life.until_stopped(GRACE).await;
        assert_eq!(reason.to_string(), "task short ended by itself");
        assert_eq!(reason.code(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_causes() {
        let mut life = Lifecycle::deaf();
        life.task("broken", async { Err::<(), _>(std::io::Error::other("no disk")) });
        assert_eq!(life.until_stopped(GRACE).await.to_string(), "task broken failed: no disk");
    }

    #[tokio::test]
    async fn a_failure_while_draining_is_not_a_clean_end() {
        let mut life = Lifecycle::deaf();
        let drain = life.drain();
        life.task("late", async move {
            drain.cancelled().await;
            Err("could not flush")
        });
        life.drain().cancel();
        assert_eq!(life.until_stopped(GRACE).await.code(), 1);
    }

    #[tokio::test]
    async fn a_panicking_task_stops_the_process() {
        let mut life = Lifecycle::deaf();
        life.task("shaky", async {
            assert!(std::hint::black_box(false), "on purpose");
        });
        assert_eq!(life.until_stopped(GRACE).await.to_string(), "task shaky panicked");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_drain_in_time_is_aborted_and_named() {
        let mut life = Lifecycle::deaf();
        let (abort, told) = (life.abort(), Arc::new(AtomicBool::new(false)));
        let listener = told.clone();
        life.task("polite", async move {
            abort.cancelled().await;
            listener.store(true, Ordering::SeqCst);
        });
        life.task("stubborn", std::future::pending::<()>());
        life.drain().cancel();
        let reason = life.until_stopped(GRACE).await;
        assert_eq!(reason, ExitReason::Aborted { cut: vec!["stubborn"] });
        assert!(told.load(Ordering::SeqCst));
    }
}
