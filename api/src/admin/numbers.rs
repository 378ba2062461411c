//! The pool of numbers: what is in it, and what operators do to it. What takes longer than a row is a job.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    NumberId, PhoneNumber, numbers,
    pool::{self, NumberStatus, PoolNumber},
    recovery::Whose,
};
use engine::Workflow;
use serde_json::{Value, json};
use workflows::{
    recover_numbers::RecoverNumbers, release_number::ReleaseNumber, serve_waitlist::ServeWaitlist,
};

use super::{
    deed::{BareOrder, Order},
    key::Operator,
    order::{accepted, once},
    steer::flag,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// `GET /v1/admin/numbers`: the oldest first, and how the pool stands.
pub(crate) async fn list_numbers(
    State(state): State<ApiState>,
    _: Operator,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let (status, after, limit) = read(query)?;
    let mut tx = state.begin().await?;
    let mut found = pool::list(&mut tx, status, after, limit + 1).await?;
    let level = numbers::pool_count(&mut tx).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = found.len() > page;
    found.truncate(page);
    let next_cursor = found.last().filter(|_| is_more).map(|last| last.number);
    Ok(Json(json!({
        "items": found.iter().map(view).collect::<Vec<_>>(),
        "next_cursor": next_cursor,
        "pool": {
            "available": level.available,
            "allocated": level.allocated,
            "quarantined": level.quarantined,
            "maintenance": level.maintenance,
        },
    })))
}

/// `POST /v1/admin/numbers`: a number that somebody bought by hand.
pub(crate) async fn add_number(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let fields = &mut order.fields;
    let phone = fields.required("phone", PhoneNumber::from_e164);
    let sid = fields.optional("twilio_sid", |text| {
        let digits = text.strip_prefix("PN").unwrap_or_default();
        let is_sid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if is_sid { Ok(text.to_owned()) } else { Err("must be PN and 32 hex digits") }
    });
    let (phone, mut deed) = order.begin(&state, phone).await?;
    let (number, is_new) = match pool::add(&mut deed.tx, &phone, sid.as_deref(), None).await {
        Err(domain::Error::Constraint { .. }) => {
            let why = "another number has this id at Twilio";
            return Err(Problem::new(Code::WrongState, why).into());
        }
        other => other?,
    };
    let shown = json!({ "id": number });
    if !is_new {
        return deed.keep(Done::ok(shown)).await;
    }
    // Whoever waits in line is called by the next tick at the latest; this is sooner.
    deed.tx.enqueue(ServeWaitlist {}.job()).await?;
    let details = json!({ "number": number, "twilio_sid": sid });
    deed.done("number.added", details, Done::created(shown)).await
}

/// `POST /v1/admin/numbers/{id}/maintenance`: takes a free number out, or puts it back.
pub(crate) async fn set_number_maintenance(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let number = number_of(&id)?;
    let is_out = flag(&mut order.fields, "enabled").unwrap_or(true);
    let (is_out, mut deed) = if is_out {
        order.begin_with_reason(&state, Some(true)).await?
    } else {
        order.begin(&state, Some(false)).await?
    };
    if is_out {
        let reason = deed.reason().to_owned();
        pool::take_out(&mut deed.tx, number, &reason).await?;
    } else {
        pool::get(&mut deed.tx, number).await?.ok_or_else(no_such_number)?;
        pool::put_back(&mut deed.tx, number).await?;
        deed.tx.enqueue(ServeWaitlist {}.job()).await?;
    }
    let action = if is_out { "number.taken_out" } else { "number.put_back" };
    deed.done(action, json!({ "number": number }), Done::ok(json!({ "id": number }))).await
}

/// `POST /v1/admin/numbers/{id}/release`: takes a number from the tenant that has it.
pub(crate) async fn release_number(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let number = number_of(&id)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let tenant = pool::holder(&mut deed.tx, number).await?;
    let tenant = tenant.ok_or_else(|| Problem::new(Code::WrongState, "no tenant has it"))?;
    let job = once(ReleaseNumber { tenant }.job(), tenant, &deed.caller);
    let job = deed.tx.enqueue(job).await?.id();
    let details = json!({ "number": number, "job": job });
    deed.about(tenant).done("number.released", details, accepted(job)).await
}

/// `POST /v1/admin/numbers/recover`: all demos' numbers back into the pool.
pub(crate) async fn recover_numbers(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let whose = order.fields.required("demos", |word| match word {
        "all" => Ok(Whose::AllDemos),
        "expired" => Ok(Whose::Expired),
        _ => Err("must be all or expired"),
    });
    let rest = flag(&mut order.fields, "rest").unwrap_or(true);
    let (whose, mut deed) = order.begin_with_reason(&state, whose).await?;
    let mut job = RecoverNumbers { whose, rest }.job();
    job.traceparent.clone_from(&deed.caller.traceparent);
    let job = deed.tx.enqueue(job).await?.id();
    let details = json!({ "job": job, "demos": whose, "rest": rest });
    deed.done("number.recovered_all", details, accepted(job)).await
}

fn view(number: &PoolNumber) -> Value {
    json!({
        "id": number.number,
        "phone": number.phone,
        "status": number.status,
        "tenant_id": number.tenant,
        "allocated_at": number.allocated_at,
        "quarantined_until": number.quarantined_until,
        "is_placeholder": number.is_placeholder,
        "twilio_sid": number.twilio_sid,
        "note": number.note,
        "created_at": number.created_at,
    })
}

fn read(mut query: Fields) -> Result<(Option<NumberStatus>, Option<NumberId>, i64), Problem> {
    let status = query.optional("status", |word| {
        word.parse::<NumberStatus>().map_err(|_| {
            let words: Vec<_> = NumberStatus::ALL.iter().map(|it| it.as_str()).collect();
            format!("must be one of {}", words.join(", "))
        })
    });
    let after = query.optional("cursor", |text| {
        text.parse::<NumberId>().map_err(|_| "must be a next_cursor of an earlier answer")
    });
    let limit = query.optional("limit", |text| match text.parse() {
        Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(format!("must be a whole number from 1 to {LIMIT_MAX}")),
    });
    query.refuse_others();
    query.finish(Some((status, after, limit.unwrap_or(LIMIT_DEFAULT))))
}

/// A number's id from a path. What is no id names nothing.
fn number_of(text: &str) -> Result<NumberId, Problem> {
    text.parse().map_err(|_| no_such_number())
}

fn no_such_number() -> Problem {
    Problem::new(Code::NotFound, "there is no such number")
}
