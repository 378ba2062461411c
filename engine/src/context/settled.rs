//! How a group of branches ended, as it is stored: what is decided once is never decided again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Branch, Context, branch::Node, step::enveloped};
use crate::{
    failure::{Class, Failure},
    undo,
    workflow::App,
};

/// Branches of one group. Each may be suspended and woken by itself; more are a fan-out of fan-outs.
const BRANCHES_MAX: usize = 1000;

/// Branches under one name.
pub(super) struct Group {
    pub(super) key: String,
    pub(super) nodes: Vec<Arc<Node>>,
}

impl Group {
    /// All but one of them.
    pub(super) fn but(&self, winner: usize) -> Vec<Arc<Node>> {
        let others = self.nodes.iter().enumerate().filter(|(number, _)| *number != winner);
        others.map(|(_, node)| Arc::clone(node)).collect()
    }
}

/// The stored end of a group.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Settled {
    /// One of them was first.
    Won { branch: usize, output: Value },
    /// It failed as a whole, for good.
    Failed(StoredFailure),
}

/// A failure for good, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredFailure {
    /// Whether it was a decision to stop, rather than something that went wrong.
    undo: bool,
    text: String,
}

impl From<&Failure> for StoredFailure {
    fn from(failure: &Failure) -> StoredFailure {
        StoredFailure { undo: failure.class == Class::Undo, text: failure.text.clone() }
    }
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Failure {
        if stored.undo { Failure::undo(stored.text) } else { Failure::permanent(stored.text) }
    }
}

impl<'a, A: App> Context<'a, A> {
    /// Makes the places of a group's branches. `may_lose`: they may be taken back although the run goes on.
    pub(super) fn group(&self, name: &str, len: usize, may_lose: bool) -> Result<Group, Failure> {
        let key = self.claim_key(name)?;
        if len > BRANCHES_MAX {
            return Err(Failure::permanent(format!(
                "{key} has {len} branches; the most are {BRANCHES_MAX}"
            )));
        }
        let nodes =
            (0..len).map(|number| Node::branch(&self.node, &key, number, may_lose)).collect();
        Ok(Group { key, nodes })
    }

    /// How a group ended in an earlier execution.
    pub(super) async fn settled(
        &self,
        group: &Group,
        form: &'static str,
    ) -> Result<Option<Settled>, Failure> {
        let Some(stored) = self.remembered(&group.key, form).await else { return Ok(None) };
        self.meet_all_of(&group.nodes);
        self.decoded(&stored).await.map(Some)
    }

    /// Stores how a group ended. What is under way in its branches begins nothing new from here on.
    pub(super) async fn settle(
        &self,
        group: &Group,
        form: &'static str,
        end: &Settled,
    ) -> Result<(), Failure> {
        for node in &group.nodes {
            node.stop();
        }
        self.keep(group.key.clone(), form, enveloped(end)?, None).await
    }

    /// Takes back what these branches did, newest first, each deed a durable step of its own. What cannot be taken back
    /// parks the run.
    pub(super) async fn take_back(&self, nodes: &[Arc<Node>]) {
        let taken = {
            let _active = self.active();
            let inside = |key: &str| nodes.iter().any(|node| node.holds(key));
            undo::take_back(self.world(), self.job(), inside).await
        };
        if let Err(suspension) = taken {
            self.suspend::<()>(suspension).await;
        }
    }

    /// The same after another execution has decided: mostly there is nothing left to do, and no need to ask.
    pub(super) async fn take_back_rest(&self, nodes: &[Arc<Node>]) {
        let stands = {
            let inner = self.inner().lock();
            inner.memo.stands(|key| nodes.iter().any(|node| node.holds(key)))
        };
        if stands {
            self.take_back(nodes).await;
        }
    }

    pub(super) fn branches(&self, group: &Group) -> Vec<Branch<'a, A>> {
        group.nodes.iter().map(|node| self.branch(node)).collect()
    }
}
