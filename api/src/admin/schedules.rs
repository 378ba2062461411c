//! Schedules: when each comes next, and what operators do to them.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::{Backfill, CATCH_UP_MAX, Enqueued, Missed, ScheduleChange, Thing};
use serde_json::{Value, json};

use super::{
    deed::{BareOrder, Order},
    enqueue::instant,
    key::Operator,
    order::address,
    tags::Asked,
};
use crate::{
    idempotency::{Done, Stop},
    json::Fields,
    problem::{Code, Problem},
    state::ApiState,
};

/// Jobs of the past made in a minute, where nobody says otherwise: one a second.
const PER_MINUTE: u16 = 60;

/// As the engine bounds it.
const PER_MINUTE_MAX: u64 = 600;

/// Expressions and zones are shorter.
const TEXT_CHARS_MAX: usize = 100;

/// `GET /v1/admin/schedules`: all of them, with their next times.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "items": state.engine().schedules().await? })))
}

/// `GET /v1/admin/schedules/{name}`.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(Code::NotFound, "there is no such schedule");
    let version = state.engine().version(Thing::Schedule(&name)).await?.ok_or_else(missing)?;
    let show = async || {
        let all = state.engine().schedules().await?;
        all.into_iter().find(|it| it.name == name).ok_or_else(missing)
    };
    asked.answer(version, show).await
}

/// `POST /v1/admin/schedules/{name}/pause`: `{"reason"}`.
pub(crate) async fn pause(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    order: Order,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin_with_reason(&state, Some(())).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    deed.tx.schedule_pause(&name, &deed.by).await?;
    let done = Done::ok(json!({ "name": name }));
    deed.done("schedule.paused", json!({ "schedule": name }), done).await
}

/// `POST /v1/admin/schedules/{name}/resume`.
pub(crate) async fn resume(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    deed.tx.schedule_resume(&name, &deed.by).await?;
    let done = Done::ok(json!({ "name": name }));
    deed.done("schedule.resumed", json!({ "schedule": name }), done).await
}

/// `POST /v1/admin/schedules/{name}/run`: a job now, which is no tick.
pub(crate) async fn run(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    // A proxy that repeats the request repeats its id.
    let request = order.caller.request_id.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    let made = deed.tx.schedule_run(&name, &request, &deed.by).await?;
    let id = made.id();
    let done = Done::accepted(json!({ "id": id, "name": name })).at(address(id));
    match made {
        Enqueued::New(_) => {
            deed.done("schedule.run", json!({ "schedule": name, "job": id }), done).await
        }
        Enqueued::Duplicate(_) => deed.keep(done).await,
    }
}

/// `POST /v1/admin/schedules/{name}/change`: `{"cron"?,"timezone"?,"missed"?,"catch_up_max"?,"reason"}`.
pub(crate) async fn change(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let change = changed(&mut order.fields);
    let (change, mut deed) = order.begin_with_reason(&state, Some(change)).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    deed.tx.schedule_change(&name, &change, &deed.by).await?;
    let details = json!({ "schedule": name, "cron": change.cron, "timezone": change.timezone });
    deed.done("schedule.changed", details, Done::ok(json!({ "name": name }))).await
}

/// `POST /v1/admin/schedules/{name}/backfill`: `{"from","to","per_minute"?,"reason"}`.
pub(crate) async fn backfill(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let from = order.fields.required("from", instant);
    let to = order.fields.required("to", instant);
    let per_minute = order.fields.whole("per_minute", 1..=PER_MINUTE_MAX);
    let per_minute = per_minute.and_then(|it| u16::try_from(it).ok()).unwrap_or(PER_MINUTE);
    let range = from.zip(to).map(|(from, to)| Backfill { from, to, per_minute });
    let (range, mut deed) = order.begin_with_reason(&state, range).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    let ticks = deed.tx.schedule_backfill(&name, range, &deed.by).await?;
    let details = json!({ "schedule": name, "from": range.from, "to": range.to, "ticks": ticks });
    let done = Done::accepted(json!({ "name": name, "ticks": ticks }));
    deed.done("schedule.backfilled", details, done).await
}

/// `POST /v1/admin/schedules/{name}/stop-backfill`.
pub(crate) async fn stop_backfill(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Schedule(&name)).await?;
    if !deed.tx.schedule_backfill_stop(&name, &deed.by).await? {
        return Err(Problem::new(Code::WrongState, "no backfill of it is going on").into());
    }
    let done = Done::ok(json!({ "name": name }));
    deed.done("schedule.backfill_stopped", json!({ "schedule": name }), done).await
}

fn changed(fields: &mut Fields) -> ScheduleChange {
    let short = |text: &str| match text.chars().count() {
        1..=TEXT_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {TEXT_CHARS_MAX} characters")),
    };
    let (cron, timezone) = (fields.optional("cron", short), fields.optional("timezone", short));
    let max = fields.whole("catch_up_max", 1..=u64::from(CATCH_UP_MAX));
    let missed = fields.optional("missed", |word| match (word, max) {
        ("skip", None) => Ok(Missed::Skip),
        ("run_once", None) => Ok(Missed::RunOnce),
        ("catch_up", Some(max)) => Ok(Missed::CatchUp { max: u16::try_from(max).unwrap_or(1) }),
        _ => Err("must be skip, run_once, or catch_up with a catch_up_max"),
    });
    if cron.is_none() && timezone.is_none() && missed.is_none() {
        fields.wrong("", "must give another cron, timezone or missed");
    }
    ScheduleChange { cron, timezone, missed }
}
