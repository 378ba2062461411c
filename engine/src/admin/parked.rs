//! Parked runs, by what a person has to decide about.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::look::PAGE_MAX;
use crate::{
    cause::Cause,
    depths::DEPTH_MAX,
    engine::Engine,
    error::Error,
    job::JobId,
    state::Course,
    store::{self, parked::ParkedRow},
};

/// Which parked runs to list.
#[derive(Debug, Clone, Default)]
pub struct ParkedFilter {
    /// For this cause.
    pub cause: Option<Cause>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Made before this one: the last of the page before.
    pub older_than: Option<JobId>,
}

/// A run that waits for a person.
#[derive(Debug, Clone, Serialize)]
pub struct ParkedRun {
    /// Which.
    pub id: JobId,
    /// Which workflow.
    pub kind: String,
    /// Where it waited.
    pub queue: String,
    /// Whose work it is.
    pub tenant_id: Option<Uuid>,
    /// What has to be decided; `None` if it was parked by a version that did not say.
    pub cause: Option<Cause>,
    /// The key of the step or of the ledger's entry at which it stands.
    pub entry: Option<String>,
    /// What went wrong, for a person.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether it was taking back what it did.
    pub compensating: bool,
    /// Which parking this is: an answer to an earlier one is refused.
    pub claim: i32,
}

impl Engine {
    /// Parked runs, newest first. At most [`PAGE_MAX`], and one more that tells whether there is another page.
    pub async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: usize,
    ) -> Result<Vec<ParkedRun>, Error> {
        let cause = filter.cause.map(Cause::as_str);
        let kind = filter.kind.as_deref();
        let older_than = filter.older_than.map(JobId::as_uuid);
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX + 1)).unwrap_or(1);
        let rows = self
            .read(async |conn| {
                store::parked::parked_list(conn, None, cause, kind, older_than, rows_max).await
            })
            .await?;
        Ok(rows.into_iter().map(ParkedRun::from).collect())
    }

    /// How this job is parked; `None` if it is not.
    pub async fn parked_run(&self, id: JobId) -> Result<Option<ParkedRun>, Error> {
        let job = Some(id.as_uuid());
        let rows = self
            .read(async |conn| store::parked::parked_list(conn, job, None, None, None, 1).await)
            .await?;
        Ok(rows.into_iter().next().map(ParkedRun::from))
    }

    /// How many runs are parked for each cause; at most [`DEPTH_MAX`] are counted. `None`: by a version that did not say.
    pub async fn parked_count(&self) -> Result<Vec<(Option<Cause>, i64)>, Error> {
        let rows = self
            .read(async |conn| store::parked::parked_count(conn, i64::from(DEPTH_MAX)).await)
            .await?;
        Ok(rows.into_iter().map(|row| (cause_of(row.cause.as_deref()), row.runs)).collect())
    }
}

impl From<ParkedRow> for ParkedRun {
    fn from(row: ParkedRow) -> ParkedRun {
        ParkedRun {
            id: row.job_id.into(),
            kind: row.kind,
            queue: row.queue,
            tenant_id: row.tenant_id,
            cause: cause_of(row.cause.as_deref()),
            entry: row.entry,
            reason: row.reason,
            since: row.since,
            compensating: Course::from_code(row.course).is_undoing(),
            claim: row.epoch,
        }
    }
}

/// The CHECK admits no other words.
fn cause_of(word: Option<&str>) -> Option<Cause> {
    word.and_then(|word| word.parse().ok())
}
