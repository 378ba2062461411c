//! The endpoints of an outside clock. They only enqueue: the master makes sure that every tick that is due has its job, each
//! other one makes a job now. Asked twice for the same tick, the answer is the first one's job.

mod answer; // how a job is told of
mod jobs; // the table: one line for each
mod key; // who may
mod tick; // which instant a tick is

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use engine::{Enqueued, NewJob, Operator, Retention, ScheduleView, tick_key};
use serde_json::{Map, Value, json};

use self::{answer::told, jobs::JOBS, key::Clock};
use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// Who asks, in the audit.
const ACTOR: &str = "clock:cron-secret";

/// `POST /api/cron`: the latest tick of every schedule, made if nobody has made it yet.
pub(crate) async fn master(
    State(state): State<ApiState>,
    _: Clock,
) -> Result<Json<Value>, Problem> {
    let schedules = state.engine().schedules().await?;
    let mut tx = state.begin().await?;
    let now = tx.now().await?;
    drop(tx);
    let (mut results, mut errors) = (Map::new(), Vec::new());
    for job in JOBS {
        let result = match job.schedule {
            None => Value::Null, // not built yet
            Some(name) => match schedules.iter().find(|schedule| schedule.name == name) {
                None => Value::Null,
                Some(schedule) => match latest(&state, schedule, now).await {
                    Ok(result) => result,
                    Err(problem) => {
                        errors.push(json!({ "job": job.name, "code": problem.code().as_str() }));
                        Value::Null
                    }
                },
            },
        };
        results.insert(job.member.to_owned(), result);
    }
    Ok(Json(json!({ "results": results, "errors": errors, "timestamp": now })))
}

/// `POST` or `GET /api/cron/{job}`: a job now, once a minute however often it is asked for.
pub(crate) async fn one(
    State(state): State<ApiState>,
    _: Clock,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Some(job) = JOBS.iter().find(|job| job.name == name) else {
        return Err(Problem::new(Code::NotFound, "there is no such job"));
    };
    let Some(schedule) = job.schedule else {
        return Err(Problem::new(Code::NotBuiltYet, format!("{name} does nothing yet")));
    };
    let found = state.engine().schedules().await?.into_iter().find(|it| it.name == schedule);
    if found.as_ref().is_some_and(|it| it.paused.is_some()) {
        let why = format!("an operator has paused {schedule}");
        return Err(Problem::new(Code::WrongState, why));
    }
    let mut tx = state.begin().await?;
    let now = tx.now().await?;
    let minute = tick::minute_of(now).timestamp().to_string();
    let made = tx.schedule_run(schedule, &minute, &Operator::new(ACTOR)).await?;
    tx.commit().await?;
    let kind = found.map(|it| it.kind).unwrap_or_default();
    let mut answer = told(&state, Some(made.id()), &kind).await?;
    answer["job"] = name.into();
    answer["timestamp"] = json!(now);
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The job of a schedule's latest tick. A schedule that an operator has paused makes none.
async fn latest(
    state: &ApiState,
    schedule: &ScheduleView,
    now: DateTime<Utc>,
) -> Result<Value, Problem> {
    let due = tick::latest(&schedule.cron, &schedule.timezone, now);
    let tick = due.filter(|_| schedule.paused.is_none());
    let id = match tick {
        None => None,
        Some(tick) => {
            let mut tx = state.begin().await?;
            let mut job = NewJob::of_kind(&schedule.kind, &schedule.queue, schedule.args.clone())
                .unique(tick_key(&schedule.name, tick));
            job.retention = Retention::Brief;
            let made: Enqueued = tx.enqueue(job).await?;
            tx.commit().await?;
            Some(made.id())
        }
    };
    told(state, id, &schedule.kind).await
}
