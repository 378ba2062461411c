//! Jobs, read.

use axum::{
    Json,
    extract::{Path, State},
};
use engine::{JobDetail, JobFilter, JobId, PAGE_MAX, State as JobState};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{cursor, key::Operator};
use crate::{
    json::{Fields, Query},
    problem::Problem,
    state::ApiState,
};

const LIMIT_DEFAULT: usize = 20;

/// `GET /v1/admin/jobs`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let (mut filter, limit) = read(query)?;
    let items = state.engine().jobs(&filter, limit).await?;
    let mut next_cursor = None;
    if let Some(last) = items.last().filter(|_| items.len() == limit) {
        filter.older_than = Some(last.id);
        let is_more = !state.engine().jobs(&filter, 1).await?.is_empty();
        next_cursor = is_more.then(|| cursor::after(last.id));
    }
    Ok(Json(json!({ "items": items, "next_cursor": next_cursor })))
}

/// `GET /v1/admin/jobs/{id}`: one job with its story.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<JobDetail>, Problem> {
    let job = state.engine().job(job_of(&id)?).await?;
    job.map(Json).ok_or_else(no_such_job)
}

/// A job's id from a path. What is no id names nothing.
pub(super) fn job_of(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| no_such_job())
}

fn no_such_job() -> Problem {
    engine::Error::NoSuchJob.into()
}

fn read(mut query: Fields) -> Result<(JobFilter, usize), Problem> {
    let filter = JobFilter {
        kind: query.optional("kind", str::parse),
        queue: query.optional("queue", str::parse),
        state: query.optional("state", |word| word.parse::<JobState>().map_err(|_| states())),
        tenant: query
            .optional("tenant", |text| Uuid::try_parse(text).map_err(|_| "must be a UUID")),
        older_than: query.optional("cursor", cursor::read),
    };
    let limit = query.optional("limit", |text| match text.parse() {
        Ok(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(format!("must be a whole number from 1 to {PAGE_MAX}")),
    });
    query.refuse_others();
    query.finish(Some((filter, limit.unwrap_or(LIMIT_DEFAULT))))
}

fn states() -> String {
    let words: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
    format!("must be one of {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn query(text: &str) -> Result<(JobFilter, usize), Code> {
        let fields = Fields::of_query(text).map_err(|problem| problem.code())?;
        read(fields).map_err(|problem| problem.code())
    }

    #[test]
    fn filters_are_read_and_what_is_not_known_is_refused() {
        let (filter, limit) = query("kind=noop&state=failed&limit=100").unwrap();
        assert_eq!(
            (filter.kind.as_deref(), filter.state, limit),
            (Some("noop"), Some(JobState::Failed), 100)
        );
        assert_eq!(query("").unwrap().1, LIMIT_DEFAULT);
        for text in
            ["limit=0", "limit=101", "limit=x", "state=lost", "tenant=1", "cursor=x", "page=2"]
        {
            assert_eq!(query(text).err(), Some(Code::InvalidFields), "{text}");
        }
    }
}
