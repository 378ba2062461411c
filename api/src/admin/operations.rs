//! Operations on many jobs: what matches is frozen, looked at, started, ended, taken back. The work is a job's.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::{
    BulkDeed, Canary, CancelMode, JobId, NewOperation, OPERATION_JOBS_MAX, OperationState, Thing,
    Workflow,
};
use serde_json::{Value, json};
use workflows::{
    operate_jobs::{DECIDED, OpenOperation, OperateJobs},
    undo_operation::{OpenUndo, UndoOperation},
};

use super::{
    cursor,
    deed::{BareOrder, Order},
    filter::{self, Wanted},
    key::Operator,
    page,
    tags::Asked,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// The first few, if nobody says how many.
const CANARY_JOBS: u16 = 10;

/// At most so many of them.
const CANARY_JOBS_MAX: u64 = 1_000;

/// How long they have, if nobody says it: longer than the usual attempts and the pauses between them.
const CANARY_SECS: u64 = 600;

/// A day.
const CANARY_SECS_MAX: u64 = 86_400;

/// Of the first jobs, one in so many may fare badly, if nobody says how many.
const BAD_ONE_IN: u16 = 5;

/// Jobs in a second, if nobody says how many: what a provider's usual limit lets through within seconds.
const PER_SECOND: u64 = 100;

/// Jobs in a second at the most.
const PER_SECOND_MAX: u64 = 1_000;

/// `GET /v1/admin/operations`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let stands = query.optional("state", |word| {
        let found = OperationState::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| one_of(OperationState::ALL.map(OperationState::as_str)))
    });
    let older_than = query.optional("cursor", cursor::read);
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some(()))?;
    let items = state.engine().operations(stands, older_than, page::rows(limit)).await?;
    Ok(Json(page::of(items, limit, |last| cursor::after(last.id))))
}

/// `GET /v1/admin/operations/{id}`: one of them, with a few of its jobs.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = operation_of(&id)?;
    let version = state.engine().version(Thing::Operation(id)).await?;
    let version = version.ok_or_else(no_such_operation)?;
    let show = async || state.engine().operation(id).await?.ok_or_else(no_such_operation);
    asked.answer(version, show).await
}

/// `POST /v1/admin/operations`: `{"deed","state", and the other filters of the list of jobs}`. Nothing is done to any job.
pub(crate) async fn preview(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let read = Preview::read(&mut order.fields);
    let traceparent = order.caller.traceparent.clone();
    let (preview, mut deed) = order.begin(&state, read).await?;
    let id = JobId::mint();
    let filter = preview.wanted.filter_at(deed.tx.now().await?);
    let new =
        NewOperation { id, deed: preview.deed, mode: preview.mode, filter, canary: preview.canary };
    deed.tx.make_operation(&new, &deed.by).await?;
    let opened = OpenOperation { operation: id };
    let mut job = OperateJobs {}.job().id(id).with_deed(&opened, &())?;
    job.traceparent = traceparent;
    deed.tx.enqueue(job).await?;
    let details = json!({ "operation": id, "deed": new.deed, "filter": new.filter });
    let done = Done::accepted(json!({ "id": id, "state": OperationState::Freezing })).at(place(id));
    deed.done("operation.made", details, done).await
}

/// `POST /v1/admin/operations/{id}/start`: `{"expect":N,"reason","per_second"?}`.
pub(crate) async fn start(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let id = operation_of(&id)?;
    let fields = &mut order.fields;
    if !fields.has("expect") {
        fields.wrong("expect", "is missing: the number of jobs that match");
    }
    let expected = fields.whole("expect", 1..=OPERATION_JOBS_MAX.unsigned_abs());
    let per_second = fields.whole("per_second", 1..=PER_SECOND_MAX).unwrap_or(PER_SECOND);
    let read = expected.and_then(|it| i64::try_from(it).ok());
    let (expected, mut deed) = order.begin_with_reason(&state, read).await?;
    deed.hold(Thing::Operation(id)).await?;
    deed.tx.start_operation(id, expected, small(per_second), &deed.by).await?;
    deed.tx.signal(id, DECIDED, &(), Some(DECIDED)).await?;
    let details = json!({ "operation": id, "jobs": expected, "per_second": per_second });
    deed.done("operation.started", details, going(id, OperationState::Working)).await
}

/// `POST /v1/admin/operations/{id}/cancel`: what was done stands.
pub(crate) async fn cancel(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let id = operation_of(&id)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Operation(id)).await?;
    deed.tx.cancel_operation(id, &deed.by).await?;
    deed.tx.signal(id, DECIDED, &(), Some(DECIDED)).await?;
    let done = going(id, OperationState::Cancelled);
    deed.done("operation.cancelled", json!({ "operation": id }), done).await
}

/// `POST /v1/admin/operations/{id}/undo`: as far as the world has not gone on.
pub(crate) async fn undo(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let operation = operation_of(&id)?;
    let traceparent = order.caller.traceparent.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Operation(operation)).await?;
    let mut job = UndoOperation { operation }.job().with_deed(&OpenUndo { operation }, &())?;
    job.traceparent = traceparent;
    deed.tx.undo_operation(operation, job.id, &deed.by).await?;
    let details = json!({ "operation": operation, "job": job.id });
    deed.tx.enqueue(job).await?;
    deed.done("operation.undone", details, going(operation, OperationState::Undoing)).await
}

/// An operation as it is asked for.
struct Preview {
    deed: BulkDeed,
    mode: CancelMode,
    wanted: Wanted,
    canary: Canary,
}

impl Preview {
    fn read(fields: &mut Fields) -> Option<Preview> {
        let deed = fields.required("deed", |word| {
            let found = BulkDeed::ALL.into_iter().find(|deed| deed.as_str() == word);
            found.ok_or_else(|| one_of(BulkDeed::ALL.map(BulkDeed::as_str)))
        });
        let wanted = filter::read(fields);
        if let Some(deed) = deed {
            let fits = wanted.filter.state.is_some_and(|state| deed.fits().contains(&state));
            if !fits {
                let words: Vec<_> = deed.fits().iter().map(|state| state.as_str()).collect();
                fields.wrong("state", format!("must be one of {}", words.join(", ")));
            }
        }
        let mode = fields.optional("mode", |word| match (deed, word) {
            (Some(BulkDeed::Cancel) | None, "graceful") => Ok(CancelMode::Graceful),
            (Some(BulkDeed::Cancel) | None, "undo") => Ok(CancelMode::Undo),
            (Some(BulkDeed::Cancel) | None, _) => Err("must be graceful or undo"),
            (Some(_), _) => Err("is only for cancel"),
        });
        let canary = canary(fields, deed.is_some_and(BulkDeed::makes_run));
        Some(Preview { deed: deed?, mode: mode.unwrap_or_default(), wanted, canary })
    }
}

/// `canary`, `canary_failed_max`, `canary_secs`. Of jobs that do not run afterwards there is none, if nobody wants one.
fn canary(fields: &mut Fields, is_usual: bool) -> Canary {
    let usual = if is_usual { CANARY_JOBS } else { 0 };
    let jobs = fields.whole("canary", 0..=CANARY_JOBS_MAX).map_or(usual, small);
    let bad_max = fields.whole("canary_failed_max", 0..=CANARY_JOBS_MAX);
    let bad_max = bad_max.map_or(jobs / BAD_ONE_IN, small);
    let secs = fields.whole("canary_secs", 1..=CANARY_SECS_MAX).unwrap_or(CANARY_SECS);
    Canary { jobs, bad_max, patience: Duration::from_secs(secs) }
}

/// A number that was read within its bounds.
fn small(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn one_of<const N: usize>(words: [&str; N]) -> String {
    format!("must be one of {}", words.join(", "))
}

fn going(id: JobId, state: OperationState) -> Done {
    Done::accepted(json!({ "id": id, "state": state })).at(place(id))
}

fn place(id: JobId) -> String {
    format!("/v1/admin/operations/{id}")
}

fn operation_of(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| no_such_operation())
}

fn no_such_operation() -> Problem {
    Problem::new(Code::NotFound, "there is no such operation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(BulkDeed, CancelMode, Canary)> {
        let mut fields = Fields::of_test(text);
        let preview = Preview::read(&mut fields);
        fields.refuse_others();
        fields.finish(preview).ok().map(|it| (it.deed, it.mode, it.canary))
    }

    #[test]
    fn a_deed_goes_with_states_that_it_fits_and_with_a_gate_that_can_be_set() {
        let patience = Duration::from_secs(CANARY_SECS);
        let usual = Canary { jobs: 10, bad_max: 2, patience };
        let retry = (BulkDeed::Retry, CancelMode::Undo, usual);
        assert_eq!(read(r#"{"deed":"retry","state":"failed","since":"24h"}"#), Some(retry));
        let none = Canary { jobs: 0, bad_max: 0, patience };
        let cancel = (BulkDeed::Cancel, CancelMode::Graceful, none);
        let text = r#"{"deed":"cancel","state":"scheduled","mode":"graceful"}"#;
        assert_eq!(read(text), Some(cancel));
        let own = Canary { jobs: 3, bad_max: 0, patience: Duration::from_secs(5) };
        let text = r#"{"deed":"redrive","state":"failed","canary":3,"canary_failed_max":0,"canary_secs":5}"#;
        assert_eq!(read(text), Some((BulkDeed::Redrive, CancelMode::Undo, own)));
        for bad in [
            "{}",
            r#"{"deed":"retry"}"#,
            r#"{"deed":"retry","state":"succeeded"}"#,
            r#"{"deed":"retry","state":"lost"}"#,
            r#"{"deed":"cancel","state":"failed"}"#,
            r#"{"deed":"delete","state":"failed"}"#,
            r#"{"deed":"retry","state":"failed","mode":"undo"}"#,
            r#"{"deed":"cancel","state":"ready","mode":"terminate"}"#,
            r#"{"deed":"retry","state":"failed","canary":1001}"#,
            r#"{"deed":"retry","state":"failed","canary_secs":0}"#,
            r#"{"deed":"retry","state":"failed","kinds":"x"}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
