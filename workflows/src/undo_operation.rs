//! Takes back what an operation did, as far as the world has not gone on.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open_undo` | the operation is being undone, written by the API with the job | the operation is stopped | nothing |
//! | `operate_stretch` (children) | jobs taken back, in batches | – (each is noted) | some of them are as they were |
//! | `end` | the operation is over | – | – |

use engine::{Change, Context, Failure, JobId, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    operate_jobs::work,
    operate_stretch::Way,
};

/// What is taken back is taken back quickly: jobs in a second.
const PER_SECOND: u16 = 1_000;

/// Takes an operation back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UndoOperation {
    /// Which.
    pub operation: JobId,
}

impl Workflow<Trunkline> for UndoOperation {
    const KIND: &'static str = "undo_operation";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Long;
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<OpenUndo>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let operation = self.operation;
        ctx.change(OpenUndo { operation }).await?;
        work(ctx, Way::Back, PER_SECOND, operation).await?;
        ctx.transaction("end", async |tx| Ok(tx.end_undo(operation, None).await?)).await
    }
}

/// That an operation is being taken back: a deed that the job is born with.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenUndo {
    /// Which.
    pub operation: JobId,
}

impl Change<Trunkline> for OpenUndo {
    const NAME: &'static str = "open_undo";
    type Output = ();

    /// Only for a job that somebody enqueued by hand: the operation is not being undone, so nothing will be.
    async fn apply(&self, _: &mut Tx, _: &Settings) -> Result<(), Failure> {
        Ok(())
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        Ok(tx.end_undo(self.operation, Some("taking it back was stopped")).await?)
    }
}
