//! Jobs, read.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::{JobDetail, JobId, Thing};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    cursor,
    filter::{self, Wanted},
    key::Operator,
    page,
    tags::Asked,
};
use crate::{
    json::{Fields, Query},
    problem::Problem,
    state::ApiState,
};

/// `GET /v1/admin/jobs`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let (wanted, limit) = read(query)?;
    let filter = wanted.filter(&state).await?;
    let items = state.engine().jobs(&filter, page::rows(limit)).await?;
    Ok(Json(page::of(items, limit, |last| cursor::after(last.id))))
}

/// A job with its story, and why it is not running, in sentences, too.
#[derive(Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    job: JobDetail,
    /// None of a job that is over.
    says: Option<Vec<String>>,
}

/// `GET /v1/admin/jobs/{id}`: one job with its story.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let version = state.engine().version(Thing::Job(job_of(&id)?)).await?;
    let show = async || {
        let job = found(&state, &id).await?;
        let says = job.explain.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
        Ok(Told { job, says })
    };
    asked.answer(version.ok_or_else(no_such_job)?, show).await
}

/// `GET /v1/admin/jobs/{id}/timeline`: what happened, in order.
pub(crate) async fn timeline(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let job = found(&state, &id).await?;
    let summary = &job.summary;
    Ok(Json(json!({
        "id": summary.id,
        "kind": summary.kind,
        "state": summary.state,
        "created_at": summary.created_at,
        "finished_at": summary.finished_at,
        "items": job.steps,
        "effects": job.effects,
    })))
}

/// `GET /v1/admin/jobs/{id}/explain`: why it is not running, in words for programs and in sentences.
pub(crate) async fn explain(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = job_of(&id)?;
    let reasons = state.engine().explain(id).await?;
    let says: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "id": id, "reasons": reasons, "says": says })))
}

/// `GET /v1/admin/jobs/{id}/undo-plan`: what its undo would do, newest deed first.
pub(crate) async fn undo_plan(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let job = found(&state, &id).await?.summary;
    let items = state.engine().undo_plan(job.id).await?;
    Ok(Json(json!({ "id": job.id, "state": job.state, "items": items })))
}

async fn found(state: &ApiState, id: &str) -> Result<JobDetail, Problem> {
    let job = state.engine().job(job_of(id)?).await?;
    job.ok_or_else(no_such_job)
}

/// A job's id from a path. What is no id names nothing.
pub(super) fn job_of(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| no_such_job())
}

fn no_such_job() -> Problem {
    engine::Error::NoSuchJob.into()
}

fn read(mut query: Fields) -> Result<(Wanted, usize), Problem> {
    let mut wanted = filter::read(&mut query);
    wanted.filter.older_than = query.optional("cursor", cursor::read);
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some((wanted, limit)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::State as JobState;

    use super::{super::filter::When, *};
    use crate::problem::Code;

    fn query(text: &str) -> Result<(Wanted, usize), Code> {
        let fields = Fields::of_query(text).map_err(|problem| problem.code())?;
        read(fields).map_err(|problem| problem.code())
    }

    #[test]
    fn filters_are_read_and_what_is_not_known_is_refused() {
        let (wanted, limit) = query("kind=noop&state=failed&limit=100&since=1h").unwrap();
        assert_eq!(
            (wanted.filter.kind.as_deref(), wanted.filter.state, limit),
            (Some("noop"), Some(JobState::Failed), 100)
        );
        assert_eq!(wanted.since, Some(When::Ago(Duration::from_hours(1))));
        assert_eq!(query("").unwrap().1, 20);
        for text in [
            "limit=0",
            "limit=101",
            "limit=x",
            "state=lost",
            "tenant=1",
            "cursor=x",
            "page=2",
            "since=yesterday",
            "until=-1h",
        ] {
            assert_eq!(query(text).err(), Some(Code::InvalidFields), "{text}");
        }
    }
}
