//! Jobs, read.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use engine::{JobDetail, JobFilter, JobId, State as JobState};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{cursor, enqueue::instant, key::Operator, page};
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
    Path(id): Path<String>,
) -> Result<Json<Told>, Problem> {
    let job = found(&state, &id).await?;
    let says = job.explain.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
    Ok(Json(Told { job, says }))
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

/// A filter, as it was asked for.
#[derive(Debug)]
struct Wanted {
    filter: JobFilter,
    since: Option<When>,
    until: Option<When>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl Wanted {
    /// With what was said of times read by the database's clock.
    async fn filter(self, state: &ApiState) -> Result<JobFilter, Problem> {
        let Wanted { filter, since, until } = self;
        let is_relative = |when: &Option<When>| matches!(when, Some(When::Ago(_)));
        let now = if is_relative(&since) || is_relative(&until) {
            state.begin().await?.now().await?
        } else {
            DateTime::UNIX_EPOCH
        };
        let at = |when| match when {
            When::At(instant) => instant,
            When::Ago(time) => now - time,
        };
        Ok(JobFilter { since: since.map(at), until: until.map(at), ..filter })
    }
}

fn read(mut query: Fields) -> Result<(Wanted, usize), Problem> {
    let filter = JobFilter {
        kind: query.optional("kind", str::parse),
        queue: query.optional("queue", str::parse),
        state: query.optional("state", |word| word.parse::<JobState>().map_err(|_| states())),
        tenant: query
            .optional("tenant", |text| Uuid::try_parse(text).map_err(|_| "must be a UUID")),
        since: None,
        until: None,
        older_than: query.optional("cursor", cursor::read),
    };
    let since = query.optional("since", when);
    let until = query.optional("until", when);
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some((Wanted { filter, since, until }, limit)))
}

fn states() -> String {
    let words: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
    format!("must be one of {}", words.join(", "))
}

/// An instant, or so long ago: `90s`, `15m`, `24h`, `7d`.
fn when(text: &str) -> Result<When, &'static str> {
    let wrong =
        "must be an instant such as 2026-01-31T09:00:00Z, or a time ago such as 15m, 24h or 7d";
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 24 * 3600,
        _ => return instant(text).map(When::At).map_err(|_| wrong),
    };
    // A hundred years: no database of ours is older, and no arithmetic overflows.
    let number = text[..text.len() - 1].parse::<u32>().ok().filter(|n| *n <= 3_153_600_000 / unit);
    number.map(|n| When::Ago(Duration::from_secs(u64::from(n * unit)))).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn a_time_is_an_instant_or_so_long_ago() {
        assert_eq!(when("1970-01-01T00:00:00Z"), Ok(When::At(DateTime::UNIX_EPOCH)));
        assert_eq!(when("7d"), Ok(When::Ago(Duration::from_hours(7 * 24))));
        for bad in ["", "h", "-1h", "1.5h", "1w", "99999d", "1 h", "ü", "3153600001s"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }
}
