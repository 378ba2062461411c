//! One row of named tasks.

use std::{collections::HashMap, error::Error, future::Future, time::Duration};

use tokio::task::{Id, JoinError, JoinSet};

/// How a task may end: with nothing, or with an error that says why.
pub trait Ending: Send + 'static {
    /// What went wrong, if something did.
    fn failure(self) -> Option<String>;
}

impl Ending for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>> + Send + 'static> Ending for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| chain(error.into().as_ref()))
    }
}

/// The error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A task that is over.
pub(super) struct Ended {
    pub(super) task: &'static str,
    /// What went wrong, if something did.
    pub(super) failure: Option<String>,
}

#[derive(Default)]
pub(super) struct Row {
    running: JoinSet<Option<String>>,
    names: HashMap<Id, &'static str>,
}

impl Row {
    pub(super) fn spawn<F>(&mut self, name: &'static str, future: F)
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        let handle = self.running.spawn(async move { future.await.failure() });
        self.names.insert(handle.id(), name);
    }

    /// The next task that ends; never, when there is none.
    pub(super) async fn next(&mut self) -> Ended {
        match self.running.join_next_with_id().await {
            Some(joined) => self.ended(joined),
            None => std::future::pending().await,
        }
    }

    /// Waits until all have ended; the first failure on the way is kept.
    pub(super) async fn all(&mut self, first: &mut Option<Ended>) {
        while let Some(joined) = self.running.join_next_with_id().await {
            let ended = self.ended(joined);
            if ended.failure.is_some() && first.is_none() {
                *first = Some(ended);
            }
        }
    }

    /// Waits a little, then cuts what is left, and tells what that was.
    pub(super) async fn cut(&mut self, patience: Duration) -> Vec<&'static str> {
        let mut failure = None;
        let _ = tokio::time::timeout(patience, self.all(&mut failure)).await;
        let mut cut: Vec<_> = self.names.values().copied().collect();
        cut.sort_unstable();
        self.running.shutdown().await;
        self.names.clear();
        cut
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        names
    }

    fn ended(&mut self, joined: Result<(Id, Option<String>), JoinError>) -> Ended {
        let (id, failure) = match joined {
            Ok((id, failure)) => (id, failure.map(|why| format!("failed: {why}"))),
            // The panic hook has logged where.
            Err(error) if error.is_panic() => (error.id(), Some("panicked".to_owned())),
            Err(error) => (error.id(), Some("was cancelled".to_owned())),
        };
        Ended { task: self.names.remove(&id).unwrap_or("unknown"), failure }
    }
}
