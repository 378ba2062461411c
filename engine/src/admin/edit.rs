//! Other arguments for a job that has not begun.

use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    input,
    operator::Operator,
};
use crate::{
    error::{Error, Refusal},
    job::JobId,
    shapes::Part,
    store,
    tx::Tx,
};

impl Tx {
    /// Gives a job that no worker has seen other arguments; the first ones stay in the audit. A value that is shown as
    /// `sealed` stays what it is where the new arguments say `sealed`, too.
    pub async fn edit_args(
        &mut self,
        id: JobId,
        args: Value,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check()?;
        let job = id.as_uuid();
        // The token is made anew, so that a claim that is on its way with the old arguments finds it gone.
        if !store::answers::unstarted_hold(self, job).await? {
            return Err(self.cannot(id, "given other arguments").await?);
        }
        let Some(old) = store::answers::args_of(self, job).await? else {
            return Err(Error::NoSuchJob);
        };
        let new = input::checked(self.engine(), Part::Args, &old.kind, Some(&old.args), args)?;
        // Where the job waits was decided by the gates of its first arguments.
        let gates = |args| self.engine().gates_of(&old.kind, args);
        if gates(&old.args) != gates(&new) {
            return Err(Refusal::GatesDiffer.into());
        }
        store::answers::args_edit(self, job, old.retention, &new).await?;
        record(self, operator, Action::ArgsEdited, id, &json!({ "before": old.args })).await
    }
}
