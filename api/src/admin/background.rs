//! What runs by the clock, and how it went: every schedule with its last run, its next tick and what became of a day's ticks.

use axum::{Json, extract::State};
use engine::{ScheduleView, TickCount};
use serde_json::{Value, json};

use super::key::Operator;
use crate::{clock_words, problem::Problem, state::ApiState};

/// `GET /api/admin/background-jobs/status`: all of them, by name.
pub(crate) async fn status(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let schedules = state.engine().schedules().await?;
    let now = state.engine().now().await?;
    let days = state.engine().ticks_of_day(&schedules, now).await?;
    let items = schedules.iter().map(|schedule| shown(schedule, days.get(&schedule.name)));
    Ok(Json(json!({ "items": items.collect::<Vec<_>>(), "at": now })))
}

fn shown(schedule: &ScheduleView, day: Option<&TickCount>) -> Value {
    let is_enabled = schedule.declared && schedule.paused.is_none();
    json!({
        "name": schedule.name,
        "kind": schedule.kind,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "when": clock_words::of_cron(&schedule.cron),
        "enabled": is_enabled,
        "declared": schedule.declared,
        "paused": schedule.paused,
        "fault": schedule.fault,
        "late_secs": schedule.late_secs,
        "last": last(schedule),
        "next": schedule.next.first().filter(|_| is_enabled),
        "ticks": day,
    })
}

/// The last tick and its job; null: there was none yet.
fn last(schedule: &ScheduleView) -> Option<Value> {
    let at = schedule.last_at?;
    let (made, finished) = (schedule.last_made_at, schedule.last_finished_at);
    let took = made.zip(finished).map(|(made, finished)| (finished - made).num_milliseconds());
    Some(json!({
        "at": at,
        "job": schedule.last_job,
        "state": schedule.last_state,
        "made_at": made,
        "finished_at": finished,
        "took_ms": took.map(|ms| ms.max(0)),
    }))
}
