//! How a job is told of: what stands for the request, and how the last one of its kind ended.

use engine::{JobFilter, JobId, JobSummary, State};
use serde_json::{Value, json};

use crate::{problem::Problem, state::ApiState};

/// `{"jobId","state","last"}`. The API only enqueues, so what was done is told of the last one that is over.
pub(super) async fn told(
    state: &ApiState,
    id: Option<JobId>,
    kind: &str,
) -> Result<Value, Problem> {
    let job = match id {
        Some(id) => state.engine().job(id).await?,
        None => None,
    };
    let now = job.map(|job| job.summary.state);
    Ok(json!({ "jobId": id, "state": now, "last": last(state, kind).await? }))
}

async fn last(state: &ApiState, kind: &str) -> Result<Value, Problem> {
    let mut newest: Option<JobSummary> = None;
    for ended in [State::Succeeded, State::Failed] {
        let filter =
            JobFilter { kind: Some(kind.to_owned()), state: Some(ended), ..JobFilter::default() };
        let found = state.engine().jobs(&filter, 1).await?.into_iter().next();
        newest = newest.into_iter().chain(found).max_by_key(|job| job.id);
    }
    let Some(summary) = newest else { return Ok(Value::Null) };
    let job = state.engine().job(summary.id).await?;
    Ok(json!({
        "jobId": summary.id,
        "state": summary.state,
        "finishedAt": summary.finished_at,
        "result": job.and_then(|job| job.output),
    }))
}
