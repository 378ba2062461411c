//! Branches: parts of a run that go on side by side. Each has a place of its own for its keys, so that two branches with
//! steps of one name never depend on which of them comes first.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::Context;
use crate::workflow::App;

/// A branch of a run: a context whose steps are remembered apart from those of the branches beside it.
pub struct Branch<'a, A: App>(Context<'a, A>);

impl<'a, A: App> Deref for Branch<'a, A> {
    type Target = Context<'a, A>;

    fn deref(&self) -> &Context<'a, A> {
        &self.0
    }
}

/// A place in the tree of branches.
pub(super) struct Node {
    /// Before all keys of this branch. The body's own is empty.
    prefix: String,
    /// Whether it may be taken back although the run goes on.
    may_lose: bool,
    parent: Option<Arc<Node>>,
    /// Its group has ended without it: nothing new is begun in it.
    stopped: AtomicBool,
    /// What is under way in it and must come to its end: a transaction that may commit, a deed outside whose outcome
    /// would be unknown otherwise.
    critical: AtomicUsize,
}

impl Node {
    pub(super) fn root() -> Arc<Node> {
        Arc::new(Node {
            prefix: String::new(),
            may_lose: false,
            parent: None,
            stopped: AtomicBool::new(false),
            critical: AtomicUsize::new(0),
        })
    }

    /// The branch with this number in a group. Names cannot hold a `#`, and a repeat's number is followed by nothing or by
    /// another `#`: no two places share a key.
    pub(super) fn branch(
        parent: &Arc<Node>,
        group: &str,
        number: usize,
        may_lose: bool,
    ) -> Arc<Node> {
        Arc::new(Node {
            prefix: format!("{group}#{number}/"),
            may_lose: may_lose || parent.may_lose,
            parent: Some(Arc::clone(parent)),
            stopped: AtomicBool::new(false),
            critical: AtomicUsize::new(0),
        })
    }

    /// The key of a name in this branch.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether what is remembered under this key belongs to this branch.
    pub(super) fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    /// Whether it may be taken back although the run goes on.
    pub(super) fn may_lose(&self) -> bool {
        self.may_lose
    }

    /// Whether this is that branch, or one inside of it.
    pub(super) fn is_within(&self, other: &Node) -> bool {
        self.prefix.starts_with(&other.prefix)
    }

    fn up(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(Some(self), |node| node.parent.as_deref())
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.up().any(|node| node.stopped.load(Ordering::Acquire))
    }

    /// Whether nothing is under way in it that must come to its end.
    pub(super) fn is_quiet(&self) -> bool {
        self.critical.load(Ordering::Acquire) == 0
    }
}

/// Something is under way that must come to its end, for as long as this lives.
pub(super) struct Critical(Arc<Node>);

impl Drop for Critical {
    fn drop(&mut self) {
        for node in self.0.up() {
            node.critical.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<'a, A: App> Context<'a, A> {
    /// Something begins that must come to its end, even if this branch is stopped meanwhile.
    pub(super) fn critical(&self) -> Critical {
        for node in self.node.up() {
            node.critical.fetch_add(1, Ordering::AcqRel);
        }
        Critical(Arc::clone(&self.node))
    }

    pub(super) fn branch(&self, node: &Arc<Node>) -> Branch<'a, A> {
        Branch(Context { shared: Arc::clone(&self.shared), node: Arc::clone(node) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_branches_share_a_key() {
        let root = Node::root();
        let nodes = [
            Node::branch(&root, "a", 0, false),
            Node::branch(&root, "a", 1, false),
            Node::branch(&root, "a", 11, false),
            Node::branch(&root, "a#2", 0, false),
            Node::branch(&Node::branch(&root, "a", 1, false), "a#1/a", 0, false),
        ];
        for (place, one) in nodes.iter().enumerate() {
            for (other_place, other) in nodes.iter().enumerate() {
                let inside = place == other_place || (place, other_place) == (4, 1);
                assert_eq!(other.holds(&one.key("charge")), inside, "{}", one.key("charge"));
            }
        }
    }

    #[test]
    fn a_branch_is_stopped_with_the_one_around_it() {
        let root = Node::root();
        let outer = Node::branch(&root, "a", 0, true);
        let inner = Node::branch(&outer, "a#0/b", 1, false);
        outer.stop();
        assert!(inner.is_stopped() && inner.may_lose && !root.is_stopped());
    }
}
