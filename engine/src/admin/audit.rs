//! The record of what operators did. It only grows.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{look::PAGE_MAX, operator::Operator};
use crate::{
    engine::Engine,
    error::Error,
    job::JobId,
    sealed,
    store::{self, audit::NewAudit},
    tx::Tx,
};

/// What an operator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Retried,
    RunNow,
    Cancelled,
    ArgsEdited,
    Resumed,
    InputEdited,
    Skipped,
    Resolved,
    Happened,
    DidNotHappen,
    Redriven,
    Forked,
    QueuePaused,
    QueueResumed,
    QueueLimited,
    QueueShared,
    QueuePromised,
    SchedulePaused,
    ScheduleResumed,
    ScheduleRun,
    ScheduleChanged,
    ScheduleBackfilled,
    BackfillStopped,
    WebhookReplayed,
    WorkerRested,
    WorkerResumed,
    Rescheduled,
    OperationMade,
    OperationStarted,
    OperationCancelled,
    OperationUndone,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Action::Retried => "job.retried",
            Action::RunNow => "job.run_now",
            Action::Cancelled => "job.cancelled",
            Action::Redriven => "job.redriven",
            Action::Forked => "job.forked",
            Action::ArgsEdited => "job.args_edited",
            Action::Resumed => "job.resumed",
            Action::InputEdited => "entry.input_edited",
            Action::Skipped => "entry.skipped",
            Action::Resolved => "entry.resolved",
            Action::Happened => "entry.happened",
            Action::DidNotHappen => "entry.did_not_happen",
            Action::QueuePaused => "queue.paused",
            Action::QueueResumed => "queue.resumed",
            Action::QueueLimited => "queue.limited",
            Action::QueueShared => "queue.shared",
            Action::QueuePromised => "queue.promised",
            Action::SchedulePaused => "schedule.paused",
            Action::ScheduleResumed => "schedule.resumed",
            Action::ScheduleRun => "schedule.run",
            Action::ScheduleChanged => "schedule.changed",
            Action::ScheduleBackfilled => "schedule.backfilled",
            Action::BackfillStopped => "schedule.backfill_stopped",
            Action::WebhookReplayed => "webhook.replayed",
            Action::WorkerRested => "worker.drained",
            Action::WorkerResumed => "worker.resumed",
            Action::Rescheduled => "job.rescheduled",
            Action::OperationMade => "operation.made",
            Action::OperationStarted => "operation.started",
            Action::OperationCancelled => "operation.cancelled",
            Action::OperationUndone => "operation.undone",
        }
    }
}

/// One row of the record.
#[derive(Debug, Clone, Serialize)]
pub struct AuditEntry {
    /// Rises with time.
    pub id: i64,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// To which job, if to one.
    pub job: Option<JobId>,
    /// To what else: `queue:NAME`, `schedule:NAME`, `worker:NUMBER` or `operation:ID`.
    pub subject: Option<String>,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// What it was before, where something was changed. What is sealed shows as `sealed`.
    pub details: Value,
}

impl Engine {
    /// What operators did to a job, or to all, newest first. `older_than`: the last of the page before. At most
    /// [`PAGE_MAX`], and one more that tells whether there is another page.
    pub async fn audit(
        &self,
        job: Option<JobId>,
        older_than: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX + 1)).unwrap_or(1);
        let job = job.map(JobId::as_uuid);
        let rows = self
            .read(async |conn| store::audit::audit_list(conn, job, older_than, rows_max).await)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| AuditEntry {
                id: row.audit_id,
                at: row.at,
                actor: row.actor,
                action: row.action,
                job: row.job_id.map(JobId::from),
                subject: row.subject,
                reason: row.reason,
                details: sealed::redact(&row.details),
            })
            .collect())
    }
}

/// Writes a row about a job; it stands if the deed's transaction does.
pub(super) async fn record(
    tx: &mut Tx,
    operator: &Operator,
    action: Action,
    job: JobId,
    details: &Value,
) -> Result<(), Error> {
    let row = NewAudit {
        actor: operator.actor(),
        action: action.as_str(),
        job_id: Some(job.as_uuid()),
        subject: None,
        reason: operator.reason(),
        details,
    };
    Ok(store::audit::audit_insert(tx, row).await?)
}

/// The same about something else. `subject`: `queue:NAME`, `schedule:NAME`, `worker:NUMBER` or `operation:ID`.
pub(crate) async fn record_about(
    tx: &mut Tx,
    operator: &Operator,
    action: Action,
    subject: &str,
    details: &Value,
) -> Result<(), Error> {
    operator.check()?;
    let row = NewAudit {
        actor: operator.actor(),
        action: action.as_str(),
        job_id: None,
        subject: Some(subject),
        reason: operator.reason(),
        details,
    };
    Ok(store::audit::audit_insert(tx, row).await?)
}
