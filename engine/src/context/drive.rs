//! Several branches at once, in one task: whoever has something to do goes on.

use std::{future::poll_fn, sync::Arc, task::Poll};

use futures::{FutureExt, future::BoxFuture};

use super::branch::Node;
use crate::failure::Failure;

/// The future of a branch.
pub(super) type Run<'f, T> = BoxFuture<'f, Result<T, Failure>>;

/// Branches that are begun in order, at most so many of them at once.
///
/// All that are begun are looked at every time, in order. A set that may look at some of them later would let the run
/// leave before each has said what it waits for.
pub(super) struct Drive<'f, T> {
    rest: std::iter::Enumerate<Box<dyn Iterator<Item = Run<'f, T>> + Send + 'f>>,
    at_once: usize,
    begun: Vec<(usize, Run<'f, T>)>,
}

impl<'f, T> Drive<'f, T> {
    pub(super) fn new(
        branches: impl Iterator<Item = Run<'f, T>> + Send + 'f,
        at_once: usize,
    ) -> Drive<'f, T> {
        let rest: Box<dyn Iterator<Item = Run<'f, T>> + Send + 'f> = Box::new(branches);
        Drive { rest: rest.enumerate(), at_once: at_once.max(1), begun: Vec::new() }
    }

    /// The next branch that ends; `None` when all have.
    pub(super) async fn next(&mut self) -> Option<(usize, Result<T, Failure>)> {
        poll_fn(|cx| {
            let mut place = 0;
            loop {
                if place == self.begun.len() {
                    match (self.begun.len() < self.at_once).then(|| self.rest.next()).flatten() {
                        Some(branch) => self.begun.push(branch),
                        None if place == 0 => return Poll::Ready(None),
                        None => return Poll::Pending,
                    }
                }
                let (number, branch) = &mut self.begun[place];
                if let Poll::Ready(ended) = branch.poll_unpin(cx) {
                    let number = *number;
                    drop(self.begun.remove(place));
                    return Poll::Ready(Some((number, ended)));
                }
                place += 1;
            }
        })
        .await
    }

    /// Lets what is under way in these branches and must come to its end come to it. Then drops them all.
    pub(super) async fn stop(mut self, nodes: &[Arc<Node>]) {
        for node in nodes {
            node.stop();
        }
        poll_fn(|cx| {
            self.begun.retain_mut(|(number, branch)| {
                nodes.get(*number).is_some_and(|node| !node.is_quiet())
                    && branch.poll_unpin(cx).is_pending()
                    && !nodes[*number].is_quiet()
            });
            if self.begun.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<'f>(count: usize) -> impl Iterator<Item = Run<'f, usize>> + Send + 'f {
        (0..count).map(|number| async move { Ok(number) }.boxed())
    }

    #[tokio::test]
    async fn every_branch_ends_once_in_order_however_few_run_at_once() {
        for at_once in [0, 1, 3, 10] {
            let mut drive = Drive::new(numbers(5), at_once);
            let mut ended = Vec::new();
            while let Some((number, result)) = drive.next().await {
                assert_eq!(result.ok(), Some(number));
                ended.push(number);
            }
            assert_eq!(ended, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn no_more_are_begun_than_may_run_at_once() {
        let begun = std::sync::atomic::AtomicUsize::new(0);
        let branches = (0..9).map(|_| {
            begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            std::future::pending::<Result<(), Failure>>().boxed()
        });
        let mut drive = Drive::new(branches, 4);
        assert!(drive.next().now_or_never().is_none());
        assert!(drive.next().now_or_never().is_none());
        assert_eq!(begun.load(std::sync::atomic::Ordering::Relaxed), 4);
    }
}
