//! What an undo would do, before somebody decides.

use serde::Serialize;

use super::look::TIMELINE_MAX;
use crate::{
    engine::Engine,
    error::Error,
    job::JobId,
    store::{self, effects::is_settled, timeline::DeedRow},
};

/// One entry of a ledger, as the undo would come to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndoStep {
    /// The entry's key.
    pub key: String,
    /// `effect`, `change` or `child`.
    pub form: String,
    /// Its registered name.
    pub name: String,
    /// Where it stands.
    pub state: String,
    /// What would be done about it.
    pub undo: UndoDeed,
}

/// What an undo does about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoDeed {
    /// Nothing: it did not happen, or it is taken back or decided about already.
    Nothing,
    /// Looks up whether it happened, and takes it back if so.
    LookUpFirst,
    /// Takes it back.
    TakeBack,
    /// Cancels the child, or has it take back what it did.
    EndChild,
}

impl Engine {
    /// What the undo of a run would do, in the order in which it would do it: newest first. Looks only.
    pub async fn undo_plan(&self, id: JobId) -> Result<Vec<UndoStep>, Error> {
        let job = id.as_uuid();
        let deeds = self
            .read(async |conn| store::timeline::deeds_of(conn, job, TIMELINE_MAX).await)
            .await?;
        Ok(plan(&deeds))
    }
}

fn plan(ledger: &[DeedRow]) -> Vec<UndoStep> {
    ledger
        .iter()
        .rev()
        .map(|deed| UndoStep {
            key: deed.key.clone(),
            form: deed.form.clone(),
            name: deed.name.clone(),
            state: deed.state.clone(),
            undo: deed_of(&deed.form, &deed.state),
        })
        .collect()
}

fn deed_of(form: &str, state: &str) -> UndoDeed {
    match (form, state) {
        (_, state) if is_settled(state) => UndoDeed::Nothing,
        ("child", _) => UndoDeed::EndChild,
        (_, "done") => UndoDeed::TakeBack,
        _ => UndoDeed::LookUpFirst,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_looked_up_and_what_is_settled_is_left_alone() {
        for state in ["idle", "undone", "skipped", "resolved"] {
            for form in ["effect", "change", "child"] {
                assert_eq!(deed_of(form, state), UndoDeed::Nothing);
            }
        }
        for state in ["intent", "unknown"] {
            assert_eq!(deed_of("effect", state), UndoDeed::LookUpFirst);
        }
        assert_eq!(deed_of("effect", "done"), UndoDeed::TakeBack);
        assert_eq!(deed_of("change", "done"), UndoDeed::TakeBack);
        assert_eq!(deed_of("child", "done"), UndoDeed::EndChild);
    }
}
