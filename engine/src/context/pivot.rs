//! The point after which a run is repaired forward and not undone.

use serde_json::json;

use super::Context;
use crate::{
    committer::Op,
    failure::Failure,
    job::JobId,
    state::Course,
    store::{self, failures::FailureRow},
    workflow::App,
};

impl<A: App> Context<'_, A> {
    /// From here on the run is repaired forward. A failure for good parks it, with the cause [`crate::Cause::Pivot`], for a
    /// person to resume; a cancel is refused and noted, and the run goes on; what it did, before and after, stays. A run
    /// whose parent wants it taken back is no exception: the parent parks.
    ///
    /// Not inside of a race: a branch that loses is taken back.
    pub async fn pivot(&self, name: &str) -> Result<(), Failure> {
        let key = self.claim_key(name)?;
        if self.node.may_lose() {
            return Err(Failure::permanent(format!("{key}: a branch that may lose has no pivot")));
        }
        if self.remembered(&key, "pivot").await.is_some() {
            return Ok(());
        }
        self.boundary().await;
        self.keep(key.clone(), "pivot", json!(name), None).await?;
        self.inner().lock().pivot.get_or_insert(key);
        Ok(())
    }

    /// The pivot that the run has passed.
    pub(crate) fn passed_pivot(&self) -> Option<String> {
        self.inner().lock().pivot.clone()
    }

    /// A cancel that comes too late is taken from the lease, so that the run can go on, and noted once.
    pub(crate) async fn refuse_cancel(&self) {
        let pivot = {
            let mut inner = self.inner().lock();
            if inner.cancel_refused {
                return;
            }
            inner.cancel_refused = true;
            inner.pivot.clone().unwrap_or_default()
        };
        let fence = self.job().fence();
        self.submit(Op::Fail(FailureRow {
            fence,
            failure_id: JobId::mint().as_uuid(),
            key: None,
            phase: "do",
            attempt: self.job().attempt(),
            class: "cancelled",
            error: format!("a cancel was refused: the run is past its pivot {pivot}"),
        }))
        .await;
        self.submit(Op::Turn(fence, Course::Forward.code())).await;
    }
}

/// Whether another run is past a pivot, so that it cannot be taken back.
pub(crate) async fn is_past_pivot(
    conn: &mut sqlx::PgConnection,
    job: JobId,
) -> Result<bool, sqlx::Error> {
    store::checkpoints::checkpoint_has_pivot(conn, job.as_uuid()).await
}
