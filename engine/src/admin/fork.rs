//! A new run that goes on from a step of a finished one.

use serde_json::json;

use super::{
    audit::{Action, record},
    operator::Operator,
    origin,
};
use crate::{
    committer::flush::child_signal,
    context::ChildEnd,
    error::{Error, Refusal},
    job::JobId,
    registry::stored,
    store::{self, replay::EarlierDeed},
    tx::Tx,
};

impl Tx {
    /// Makes a new job of a finished one that begins where that one came to a step: it is lent what was recorded before.
    /// Returns the new job; the old one stays as it is.
    ///
    /// What the old run did stays the old run's: the new one knows what it yielded and never takes it back. From the step
    /// on, everything is done anew.
    pub async fn fork(
        &mut self,
        id: JobId,
        step: &str,
        operator: &Operator,
    ) -> Result<JobId, Error> {
        operator.check()?;
        let job = id.as_uuid();
        let Some(row) = store::dead::origin_of(self, job).await? else {
            return Err(Error::NoSuchJob);
        };
        if row.state.is_none() {
            return Err(self.cannot(id, "forked").await?);
        }
        if step.contains('/') {
            return Err(Refusal::InABranch.into());
        }
        let recorded = store::replay::step_recorded(self, job, step).await?;
        let before = recorded.ok_or(Refusal::NoSuchStep)?.finished_at;
        let deeds = store::replay::deeds_before(self, job, before).await?;
        if let Some(deed) = deeds.iter().find(|deed| deed.state != "done") {
            let entry = deed.key.clone();
            return Err(match deed.state.as_str() {
                "intent" | "unknown" => Refusal::OutcomeIsUnknown { entry }.into(),
                _ => Refusal::IsUndone { entry }.into(),
            });
        }
        let new = origin::like(row);
        let fork = self.enqueue(new).await?.id();
        store::dead::origin_write(self, fork.as_uuid(), job, "fork", Some(step)).await?;
        store::replay::outputs_lend(self, job, fork.as_uuid(), before).await?;
        store::replay::token_age(self, fork.as_uuid()).await?;
        for deed in deeds.iter().filter(|deed| deed.form == "child") {
            self.tell_of(fork, deed).await?;
        }
        let details = json!({ "step": step, "new": fork, "lent_deeds": deeds.len() });
        record(self, operator, Action::Forked, id, &details).await?;
        Ok(fork)
    }

    /// A fork that has yet to wait for a child of its origin is told how that ended.
    async fn tell_of(&mut self, fork: JobId, deed: &EarlierDeed) -> Result<(), Error> {
        let child = deed.output.as_ref().and_then(|output| stored::<JobId>(output).ok());
        let Some(child) = child else { return Ok(()) };
        let signal = child_signal(child);
        if store::replay::end_is_taken(self, fork.as_uuid(), &signal).await? {
            return Ok(());
        }
        let Some(outcome) = store::outcomes::outcome_get(self, child.as_uuid()).await? else {
            return Err(Refusal::ChildLives { child }.into());
        };
        let end = ChildEnd {
            state: outcome.state.parse().unwrap_or(crate::state::State::Failed),
            output: outcome.output.unwrap_or_default(),
            error: None,
        };
        self.signal(fork, &signal, &end, Some("lent")).await
    }
}
