//! Under which key a call is remembered: its branch, its name, and for a repeat its number. Never the order of time.

use super::{Context, branch::Node};
use crate::{failure::Failure, workflow::App};

/// Names of steps are part of the contract with the database: short and plain.
const NAME_CHARS_MAX: usize = 120;

/// What the database holds is 200; the rest is for the end of a wait (`~until`) and a repeat's number.
const KEY_CHARS_MAX: usize = 180;

/// More steps than this in one run are a loop that should have been split into children.
const STEPS_MAX: u32 = 10_000;

impl<A: App> Context<'_, A> {
    /// The key of this call, which is numbered if the name comes up again.
    pub(super) fn claim_key(&self, name: &str) -> Result<String, Failure> {
        let full = self.claim_once(name)?;
        let mut inner = self.inner().lock();
        let seen = inner.seen.entry(full.clone()).or_insert(0);
        *seen += 1;
        let key = if *seen == 1 { full } else { format!("{full}#{seen}") };
        inner.met.insert(key.clone());
        Ok(key)
    }

    /// The key of a call that is the same however often its name comes up in this branch.
    pub(super) fn claim_once(&self, name: &str) -> Result<String, Failure> {
        let plain = !name.is_empty() && name.len() <= NAME_CHARS_MAX && !name.contains(['#', '\0']);
        if !plain {
            return Err(Failure::permanent(format!("{name:?} cannot be the name of a step")));
        }
        let full = self.node.key(name);
        if full.len() > KEY_CHARS_MAX {
            return Err(Failure::permanent(format!("{full:?} is too long for the key of a step")));
        }
        let mut inner = self.inner().lock();
        inner.steps += 1;
        if inner.steps > STEPS_MAX {
            return Err(Failure::permanent(format!("more than {STEPS_MAX} steps in one run")));
        }
        inner.met.insert(full.clone());
        Ok(full)
    }

    /// What these branches have stored is not met one by one any more: their end is known.
    pub(super) fn meet_all_of(&self, nodes: &[std::sync::Arc<Node>]) {
        let mut inner = self.inner().lock();
        let inside: Vec<_> = inner
            .memo
            .keys()
            .filter(|key| nodes.iter().any(|node| node.holds(key)))
            .map(ToOwned::to_owned)
            .collect();
        inner.met.extend(inside);
    }
}
