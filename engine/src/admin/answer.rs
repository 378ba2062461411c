//! Answers to parked runs. Each names the parking that it is an answer to, so that a second click, or an answer to what
//! another operator has answered meanwhile, is refused and changes nothing.

use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    input,
    operator::Operator,
};
use crate::{
    cause::Cause,
    error::{Error, Refusal},
    job::JobId,
    shapes::Part,
    state::Course,
    store::{
        self,
        answers::{Held, StandingEntry},
    },
    tx::Tx,
};

/// What a person has decided about a parked run.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Try it again: the undo, the probe, the step, the whole body. It is one more try; what had used up its patience parks
    /// again if that fails, too.
    Retry,
    /// While undoing: take back the entry with another input. The run stays parked until it is answered. A value that is
    /// shown as `sealed` stays what it is where the new input says `sealed`, too.
    EditInput(Value),
    /// While undoing: leave the entry as it is, and go on with the next. Needs a reason.
    Skip,
    /// While undoing: it has been seen to elsewhere. Needs a reason: the evidence.
    Resolve,
    /// An unknown outcome: it happened, and this is what it yielded. Needs a reason: the evidence.
    Happened(Value),
    /// An unknown outcome: it did not happen. Needs a reason: the evidence.
    DidNotHappen,
    /// Do what the body says after all: where nothing is taken back yet, or after a pivot.
    ResumeForward,
}

impl Tx {
    /// Answers a parked run. `claim` is that of the [`super::ParkedRun`] to which this is the answer.
    pub async fn answer(
        &mut self,
        id: JobId,
        claim: i32,
        answer: Answer,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check()?;
        let Some(held) = store::answers::parked_hold(self, id.as_uuid(), claim).await? else {
            return Err(self.moved_on(id).await?);
        };
        let (action, details) = match answer {
            Answer::Retry => self.go_on(id, &held, held.course).await?,
            Answer::EditInput(input) => self.edit_input(id, &held, input).await?,
            Answer::Skip | Answer::Resolve | Answer::DidNotHappen | Answer::Happened(_) => {
                operator.check_reason()?;
                self.decide(id, &held, answer).await?
            }
            Answer::ResumeForward => {
                self.check_forward(id, &held).await?;
                // What an operator wanted before would turn the run around once more.
                store::cancel::cancel_forget(self, id.as_uuid()).await?;
                self.go_on(id, &held, Course::Forward.code()).await?
            }
        };
        record(self, operator, action, id, &details).await
    }

    /// Makes the run ready, on this course.
    async fn go_on(
        &mut self,
        id: JobId,
        held: &Held,
        course: i16,
    ) -> Result<(Action, Value), Error> {
        let job = id.as_uuid();
        store::answers::parked_refresh(self, job).await?;
        let queue = store::waits::wait_release(self, job, Some(course)).await?;
        let queue = queue.ok_or(Refusal::MovedOn)?;
        self.wake_mut().queue(queue);
        let action = if course == held.course { Action::Retried } else { Action::Resumed };
        Ok((action, json!({ "cause": held.cause, "entry": held.entry, "was": held.reason })))
    }

    /// Settles the entry at which the run stands, and lets the run go on.
    async fn decide(
        &mut self,
        id: JobId,
        held: &Held,
        answer: Answer,
    ) -> Result<(Action, Value), Error> {
        let entry = self.entry_of(id, held).await?;
        let is_open = matches!(entry.state.as_str(), "intent" | "unknown");
        let is_undoing = Course::from_code(held.course).is_undoing();
        let (action, state, output) = match answer {
            Answer::Skip | Answer::Resolve if !is_undoing => {
                return Err(Refusal::NotUndoing.into());
            }
            Answer::Happened(_) | Answer::DidNotHappen if !is_open => {
                return Err(Refusal::OutcomeIsKnown.into());
            }
            Answer::Skip => (Action::Skipped, "skipped", None),
            Answer::Resolve => (Action::Resolved, "resolved", None),
            Answer::DidNotHappen => (Action::DidNotHappen, "idle", None),
            Answer::Happened(output) => {
                let part = Part::EffectOutput;
                let output = input::checked(self.engine(), part, &entry.name, None, output)?;
                (Action::Happened, "done", Some(output))
            }
            Answer::Retry | Answer::EditInput(_) | Answer::ResumeForward => {
                return Err(Refusal::NoEntry.into());
            }
        };
        let job = id.as_uuid();
        store::answers::entry_decide(self, job, &entry.key, state, output.as_ref()).await?;
        self.go_on(id, held, held.course).await?;
        let details = json!({ "entry": entry.key, "name": entry.name, "before": entry.state,
                              "output": output, "was": held.reason });
        Ok((action, details))
    }

    async fn edit_input(
        &mut self,
        id: JobId,
        held: &Held,
        new: Value,
    ) -> Result<(Action, Value), Error> {
        if !Course::from_code(held.course).is_undoing() {
            return Err(Refusal::NotUndoing.into());
        }
        let entry = self.entry_of(id, held).await?;
        let part = match entry.form.as_str() {
            "effect" => Part::EffectInput,
            "change" => Part::ChangeInput,
            _ => return Err(Refusal::NoEntry.into()),
        };
        let new = input::checked(self.engine(), part, &entry.name, Some(&entry.input), new)?;
        store::answers::entry_edit(self, id.as_uuid(), &entry.key, &new).await?;
        let details = json!({ "entry": entry.key, "name": entry.name, "before": entry.input });
        Ok((Action::InputEdited, details))
    }

    /// The entry at which a parked run stands, if it is one that an answer can change.
    async fn entry_of(&mut self, id: JobId, held: &Held) -> Result<StandingEntry, Error> {
        let Some(key) = &held.entry else { return Err(Refusal::NoEntry.into()) };
        let found = store::answers::entry_standing(self, id.as_uuid(), key).await?;
        found.ok_or_else(|| Refusal::NoEntry.into())
    }

    /// Whether the body can go on where it stopped.
    async fn check_forward(&mut self, id: JobId, held: &Held) -> Result<(), Error> {
        if !Course::from_code(held.course).is_undoing() {
            let is_pivoted = held.cause.as_deref() == Some(Cause::Pivot.as_str());
            return if is_pivoted { Ok(()) } else { Err(Refusal::GoingForward.into()) };
        }
        match store::answers::first_undone(self, id.as_uuid()).await? {
            None => Ok(()),
            Some(entry) => Err(Refusal::IsUndone { entry }.into()),
        }
    }

    /// Why there is nothing to answer.
    pub(super) async fn moved_on(&mut self, id: JobId) -> Result<Error, Error> {
        let found = store::cancel::concerns_of(self, id.as_uuid()).await?;
        Ok(if found.is_some() { Refusal::MovedOn.into() } else { Error::NoSuchJob })
    }
}
