//! Operations as operators see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        look::PAGE_MAX,
        views::{JobSummary, summary},
    },
    BulkDeed, OperationState,
};
use crate::{
    engine::Engine,
    error::Error,
    job::JobId,
    store::{self, operations::OperationRow, search::Filter},
};

/// Jobs that are shown of an operation.
const SAMPLE: i64 = 5;

/// Reasons that are shown of an operation.
const WHYS: i64 = 10;

/// An operation as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct OperationView {
    /// Which; also the job that carries it out.
    pub id: JobId,
    /// What is done to each job.
    pub deed: BulkDeed,
    /// How jobs are cancelled; none if they are not.
    pub mode: Option<String>,
    /// Which jobs, as it was asked for.
    pub filter: Value,
    /// Where it stands.
    pub state: OperationState,
    /// Why it stands there.
    pub why: Option<String>,
    /// Jobs that were frozen.
    pub matched: i64,
    /// Jobs that were done.
    pub done: i64,
    /// Jobs that could not be done.
    pub refused: i64,
    /// Of those that were done: taken back.
    pub undone: i64,
    /// Of those that were done: could not be taken back.
    pub not_undone: i64,
    /// So many jobs in a second, once it is started.
    pub per_second: Option<i32>,
    /// The first few on whose fate the rest depends.
    pub canary_jobs: i32,
    /// How many of them may fare badly.
    pub canary_failed_max: i32,
    /// How long they have, in seconds.
    pub canary_secs: i32,
    /// Who made it.
    pub made_by: String,
    /// Who started it.
    pub started_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who had it taken back.
    pub undone_by: Option<String>,
    /// Why.
    pub undo_reason: Option<String>,
    /// The job that takes it back.
    pub undo_job: Option<JobId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When all that matched was written down.
    pub frozen_at: Option<DateTime<Utc>>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// Since when nothing happens by itself any more.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Why jobs could not be done, or not be taken back.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    /// `refused` or `not_undone`.
    pub state: String,
    /// Why.
    pub why: Option<String>,
    /// How many.
    pub jobs: i64,
}

/// An operation with what it is about.
#[derive(Debug, Clone, Serialize)]
pub struct OperationDetail {
    /// As in a list.
    #[serde(flatten)]
    pub view: OperationView,
    /// The newest of its jobs, as they stand now.
    pub sample: Vec<JobSummary>,
    /// Why some could not be done or taken back, the most frequent reasons first.
    pub refusals: Vec<Refused>,
}

impl Engine {
    /// Operations, newest first. At most [`PAGE_MAX`], and one more that tells whether there is another page.
    pub async fn operations(
        &self,
        state: Option<OperationState>,
        older_than: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<OperationView>, Error> {
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX + 1)).unwrap_or(1);
        let (state, older_than) =
            (state.map(OperationState::as_str), older_than.map(JobId::as_uuid));
        let rows = self
            .read(async |conn| {
                store::operations::operations_list(conn, state, older_than, rows_max).await
            })
            .await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// One operation; `None`: there is none with this id.
    pub async fn operation(&self, id: JobId) -> Result<Option<OperationDetail>, Error> {
        let operation = id.as_uuid();
        self.read(async |conn| {
            let Some(row) = store::operations::operation_get(conn, operation).await? else {
                return Ok(None);
            };
            let jobs = store::operation_items::items_sample(conn, operation, SAMPLE).await?;
            let filter = Filter { job_ids: Some(jobs), ..Filter::default() };
            let found = store::search::jobs_search(conn, &filter, SAMPLE).await?;
            let sample = found.iter().map(summary).collect();
            let whys = store::operation_items::items_whys(conn, operation, WHYS).await?;
            let refused = |row: store::operation_items::WhyRow| Refused {
                state: row.state,
                why: row.why,
                jobs: row.jobs,
            };
            let refusals = whys.into_iter().map(refused).collect();
            Ok(Some(OperationDetail { view: view(row), sample, refusals }))
        })
        .await
    }
}

fn view(row: OperationRow) -> OperationView {
    OperationView {
        id: row.operation_id.into(),
        deed: BulkDeed::of(&row.deed),
        mode: row.mode,
        filter: row.filter,
        state: OperationState::of(&row.state),
        why: row.why,
        matched: row.matched,
        done: row.done,
        refused: row.refused,
        undone: row.undone,
        not_undone: row.not_undone,
        per_second: row.per_second,
        canary_jobs: row.canary_jobs,
        canary_failed_max: row.canary_bad_max,
        canary_secs: row.canary_secs,
        made_by: row.made_by,
        started_by: row.started_by,
        reason: row.reason,
        undone_by: row.undone_by,
        undo_reason: row.undo_reason,
        undo_job: row.undo_job.map(JobId::from),
        created_at: row.created_at,
        frozen_at: row.frozen_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    }
}
