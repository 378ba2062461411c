//! Jobs, steered: tried again, run now, cancelled, redriven, forked, given other arguments.

use axum::{
    extract::{Path, State},
    response::Response,
};
use engine::{CancelMode, JobId, RedriveFrom, Thing};
use serde_json::{Value, json};

use super::{
    by_hand::{self, Hand},
    deed::{BareOrder, Deed, Order},
    jobs::job_of,
    order::address,
};
use crate::{
    idempotency::{Done, Stop},
    json::Fields,
    problem::{Code, FieldError, Problem},
    state::ApiState,
};

/// Why, in an operator's words.
const REASON_CHARS_MAX: usize = 500;

/// What the engine keeps of a step's key.
const STEP_CHARS_MAX: usize = 200;

/// `POST /v1/admin/jobs/{id}/retry`.
pub(crate) async fn retry(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Job(id)).await?;
    deed.tx.retry(id, &deed.by).await?;
    steered(deed, "job.retried", id, json!({})).await
}

/// `POST /v1/admin/jobs/{id}/run-now`.
pub(crate) async fn run_now(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Job(id)).await?;
    deed.tx.run_now(id, &deed.by).await?;
    steered(deed, "job.run_now", id, json!({})).await
}

/// `POST /v1/admin/jobs/{id}/cancel`.
pub(crate) async fn cancel(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let how = how(&mut order.fields);
    let ((mode, forced), mut deed) = order.begin(&state, Some(how)).await?;
    deed.hold(Thing::Job(id)).await?;
    if forced {
        deed.tx.terminate_by_force(id, &deed.by).await?;
    } else {
        deed.tx.cancel(id, mode, &deed.by).await?;
    }
    steered(deed, "job.cancelled", id, json!({ "mode": mode, "forced": forced })).await
}

/// `POST /v1/admin/jobs/{id}/redrive`.
pub(crate) async fn redrive(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let from = from_where(&mut order.fields);
    let (from, mut deed) = order.begin(&state, Some(from)).await?;
    deed.hold(Thing::Job(id)).await?;
    let new = deed.tx.redrive(id, &from, &deed.by).await?;
    let done = Done::accepted(json!({ "id": new, "origin": id })).at(address(new));
    deed.done("job.redriven", json!({ "job": id, "new": new }), done).await
}

/// `POST /v1/admin/jobs/{id}/fork`.
pub(crate) async fn fork(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let step = order.fields.required("step", |name| {
        let why = || format!("must be the key of a step, of 1 to {STEP_CHARS_MAX} characters");
        is_key(name).then(|| name.to_owned()).ok_or_else(why)
    });
    let (step, mut deed) = order.begin(&state, step).await?;
    deed.hold(Thing::Job(id)).await?;
    let new = deed.tx.fork(id, &step, &deed.by).await?;
    let done = Done::accepted(json!({ "id": new, "origin": id })).at(address(new));
    deed.done("job.forked", json!({ "job": id, "new": new, "step": step }), done).await
}

/// `POST /v1/admin/jobs/{id}/args`.
pub(crate) async fn edit_args(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let args = order.fields.take("args");
    if args.is_none() {
        order.fields.wrong("args", "is missing");
    }
    let (args, mut deed) = order.begin_with_reason(&state, args).await?;
    deed.hold(Thing::Job(id)).await?;
    if let Some(kind) = deed.tx.kind_of(id).await? {
        let hand = Hand::of(&kind);
        hand.check(&deed.caller.operator)?;
        if let Some(what) = hand.keeps_arguments() {
            let detail = format!("of this kind are not changed: {what}");
            let error = FieldError { pointer: "/args".to_owned(), detail };
            return Err(Problem::fields(Code::InvalidFields, vec![error]).into());
        }
    }
    let about = by_hand::tenant_in(&args);
    deed.tx.edit_args(id, args, &deed.by).await?;
    let deed = match about {
        Some(tenant) => deed.about(tenant),
        None => deed,
    };
    steered(deed, "job.args_edited", id, json!({})).await
}

async fn steered(
    deed: Deed,
    action: &str,
    id: JobId,
    mut details: Value,
) -> Result<Response, Stop> {
    details["job"] = json!(id);
    deed.done(action, details, Done::accepted(json!({ "id": id }))).await
}

/// `{"mode":"graceful|undo|terminate","force":true}`, or less.
fn how(fields: &mut Fields) -> (CancelMode, bool) {
    let mode = fields.optional("mode", |word| {
        let mode = CancelMode::ALL.into_iter().find(|mode| mode.as_str() == word);
        mode.ok_or_else(|| {
            let words = CancelMode::ALL.map(CancelMode::as_str);
            format!("must be one of {}", words.join(", "))
        })
    });
    let mode = mode.unwrap_or_default();
    let forced = flag(fields, "force").unwrap_or(false);
    if forced && mode != CancelMode::Terminate {
        fields.wrong("force", "is only for the mode terminate");
    }
    (mode, forced)
}

/// True or false, where one is given.
pub(super) fn flag(fields: &mut Fields, name: &str) -> Option<bool> {
    let value = fields.take(name)?;
    let flag = value.as_bool();
    if flag.is_none() {
        fields.wrong(name, "must be true or false");
    }
    flag
}

/// `{"from":"stop"|"start"|{"step":"…","despite_deeds":true}}`, or less.
fn from_where(fields: &mut Fields) -> RedriveFrom {
    let Some(value) = fields.take("from") else { return RedriveFrom::Stop };
    from_of(&value).unwrap_or_else(|| {
        fields.wrong("from", "must be \"stop\", \"start\" or {\"step\": name}");
        RedriveFrom::Stop
    })
}

fn from_of(value: &Value) -> Option<RedriveFrom> {
    match value {
        Value::String(word) if word == "stop" => Some(RedriveFrom::Stop),
        Value::String(word) if word == "start" => Some(RedriveFrom::Start),
        Value::Object(members) => {
            let name = members.get("step")?.as_str().filter(|name| is_key(name))?.to_owned();
            let despite_deeds = match members.get("despite_deeds") {
                None => false,
                Some(word) => word.as_bool()?,
            };
            let known = 1 + usize::from(members.contains_key("despite_deeds"));
            (members.len() == known).then_some(RedriveFrom::Step { name, despite_deeds })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// Could be the key of a step.
fn is_key(name: &str) -> bool {
    (1..=STEP_CHARS_MAX).contains(&name.chars().count()) && !name.contains('\0')
}

pub(super) fn reason(fields: &mut Fields) -> Option<String> {
    fields.optional("reason", |text| match text.chars().count() {
        1..=REASON_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {REASON_CHARS_MAX} characters")),
    })
}

/// Who asks, for the engine's own record.
pub(super) fn operator(actor: &str, reason: Option<&str>) -> engine::Operator {
    let operator = engine::Operator::new(actor);
    match reason {
        Some(reason) => operator.because(reason),
        None => operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_go_on_from_is_read_strictly() {
        assert_eq!(from_of(&json!("stop")), Some(RedriveFrom::Stop));
        assert_eq!(from_of(&json!("start")), Some(RedriveFrom::Start));
        let step =
            |despite_deeds| Some(RedriveFrom::Step { name: "charge#2".to_owned(), despite_deeds });
        assert_eq!(from_of(&json!({ "step": "charge#2" })), step(false));
        assert_eq!(from_of(&json!({ "step": "charge#2", "despite_deeds": true })), step(true));
        for bad in [
            json!("middle"),
            json!(7),
            json!({}),
            json!({ "step": "" }),
            json!({ "step": 1 }),
            json!({ "step": "a", "despite_deeds": "yes" }),
            json!({ "step": "a", "more": 1 }),
            json!({ "step": "x".repeat(201) }),
        ] {
            assert_eq!(from_of(&bad), None, "{bad}");
        }
    }
}
