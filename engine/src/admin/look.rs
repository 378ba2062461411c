//! Looking at jobs.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::views::{
    DeedView, JobDetail, JobFilter, JobSummary, ProgressView, StepView, state_of, summary,
};
use crate::{
    engine::Engine,
    error::Error,
    job::JobId,
    sealed,
    state::State,
    store::{
        self,
        search::Filter,
        timeline::{DeedRow, StepRow},
    },
    tx::Tx,
};

/// Jobs on one page of a list.
pub const PAGE_MAX: usize = 100;

/// Steps and deeds shown of one run.
pub(super) const TIMELINE_MAX: i64 = 1000;

impl Engine {
    /// Lists jobs, newest first. At most [`PAGE_MAX`], and one more that tells whether there is another page.
    pub async fn jobs(&self, filter: &JobFilter, limit: usize) -> Result<Vec<JobSummary>, Error> {
        let filter = stored(filter);
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX + 1)).unwrap_or(1);
        let rows = self
            .read(async |conn| store::search::jobs_search(conn, &filter, rows_max).await)
            .await?;
        Ok(rows.into_iter().map(|row| summary(&row)).collect())
    }

    /// One job with its story; `None` if there is none with this id (any more).
    pub async fn job(&self, id: JobId) -> Result<Option<JobDetail>, Error> {
        let filter = Filter { job_id: Some(id.as_uuid()), ..Filter::default() };
        let (found, steps, effects) = self
            .read(async |conn| {
                let found = store::search::jobs_search(conn, &filter, 1).await?;
                let steps = store::timeline::steps_of(conn, id.as_uuid(), TIMELINE_MAX).await?;
                // Of a story that is cut off, the ledger is asked for by itself: its end may lie behind the cut.
                let is_cut = i64::try_from(steps.len()).is_ok_and(|count| count == TIMELINE_MAX);
                let effects = if is_cut {
                    store::timeline::deeds_of(conn, id.as_uuid(), TIMELINE_MAX).await?
                } else {
                    ledger(&steps)
                };
                Ok((found, steps, effects))
            })
            .await?;
        let Some(row) = found.into_iter().next() else { return Ok(None) };
        let progress = row.progress.as_ref().filter(|_| row.finished_at.is_none());
        let progress = progress.and_then(|it| ProgressView::deserialize(it).ok());
        let explain = if state_of(&row).is_final() {
            None
        } else {
            // It may have gone meanwhile: then there is nothing to explain.
            self.explain(id).await.ok()
        };
        Ok(Some(JobDetail {
            summary: summary(&row),
            args: sealed::redact(&row.args),
            output: row.output.as_ref().map(sealed::redact),
            tenant_id: row.tenant_id,
            parent_id: row.parent_id.map(JobId::from),
            origin_id: row.origin_id.map(JobId::from),
            origin: row.origin,
            due: row.due,
            reason: row.reason,
            progress,
            parked: row.parked,
            steps: steps.into_iter().map(StepView::from).collect(),
            effects: effects.into_iter().map(DeedView::from).collect(),
            explain,
        }))
    }

    /// The output of a job that has succeeded; `None` while it has not.
    pub async fn output(&self, id: JobId) -> Result<Option<Value>, Error> {
        let outcome =
            self.read(async |conn| store::outcomes::outcome_get(conn, id.as_uuid()).await).await?;
        Ok(outcome
            .filter(|outcome| outcome.state == State::Succeeded.as_str())
            .and_then(|outcome| outcome.output))
    }
}

/// The deeds among the steps, in the order in which they were begun.
fn ledger(steps: &[StepRow]) -> Vec<DeedRow> {
    let deeds = steps.iter().filter_map(|step| step.deed.as_ref());
    let mut deeds: Vec<_> = deeds.filter_map(|deed| DeedRow::deserialize(deed).ok()).collect();
    deeds.sort_by_key(|deed| deed.seq);
    deeds
}

/// A filter as the store takes it.
pub(super) fn stored(filter: &JobFilter) -> Filter {
    let older_than = filter.older_than.map(JobId::as_uuid);
    let until = filter.until.map(first_of);
    Filter {
        job_id: None,
        job_ids: None,
        error: filter.error.clone(),
        kind: filter.kind.clone(),
        queue: filter.queue.clone(),
        state: filter.state,
        tenant_id: filter.tenant,
        older_than: older_than.into_iter().chain(until).min(),
        from: filter.since.map(first_of),
        except_kinds: Vec::new(),
    }
}

/// The first id that a job can have that was made at this instant: ids begin with the milliseconds since 1970.
fn first_of(instant: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(instant.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

impl Tx {
    /// Where a job stands, as this transaction sees it; `None` if there is none with this id (any more).
    pub async fn state_of(&mut self, id: JobId) -> Result<Option<State>, Error> {
        let filter = Filter { job_id: Some(id.as_uuid()), ..Filter::default() };
        let found = store::search::jobs_search(self, &filter, 1).await?;
        Ok(found.first().map(state_of))
    }

    /// Of which kind a job is; `None` if there is none with this id (any more).
    pub async fn kind_of(&mut self, id: JobId) -> Result<Option<String>, Error> {
        let found = store::answers::args_of(self, id.as_uuid()).await?;
        Ok(found.map(|asked| asked.kind))
    }

    /// Jobs of a tenant that have not begun because their time has not come, newest first. At most [`PAGE_MAX`].
    pub async fn scheduled_of(&mut self, tenant: Uuid) -> Result<Vec<JobId>, Error> {
        let filter =
            Filter { tenant_id: Some(tenant), state: Some(State::Scheduled), ..Filter::default() };
        let rows_max = i64::try_from(PAGE_MAX).unwrap_or(1);
        let found = store::search::jobs_search(self, &filter, rows_max).await?;
        Ok(found.iter().map(|row| summary(row).id).collect())
    }
}
