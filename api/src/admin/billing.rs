//! What operators ask and do about money. What changes something at Stripe is a job: the request is checked, written down
//! with its audit entry and answered.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId,
    billing::{self, reconciliation},
    subscriptions::{self, PaidPlan},
    tenants,
};
use engine::{Enqueued, NewJob, Tx, Workflow};
use serde_json::{Value, json};
use workflows::{
    cancel_subscription::{CancelSubscription, EndsAt},
    change_plan::{ChangePlan, Proration},
    create_subscription::{Collection, CreateSubscription},
};

use super::{
    deed::{Deed, Order},
    key::Operator,
    order::{address, business_of, no_such_business, once_of},
};
use crate::{
    idempotency::{Done, Stop},
    json::Fields,
    problem::{Code, Problem},
    state::ApiState,
};

/// Decisions that an answer shows.
const EVENTS_SHOWN: i64 = 50;

/// More is no subscription but a contract.
const QUANTITY_MAX: u64 = 10_000;

/// As Stripe allows.
const TRIAL_DAYS_MAX: u64 = 730;

/// Stripe's ids are shorter.
const STRIPE_ID_CHARS_MAX: usize = 255;

/// `GET /v1/admin/businesses/{tenant}/billing`: how a tenant stands, and what was decided.
pub(crate) async fn billing(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = business_of(&id)?;
    let mut tx = state.begin().await?;
    let stands = billing::state(&mut tx, tenant).await?.ok_or_else(no_such_business)?;
    let events = billing::events(&mut tx, tenant, EVENTS_SHOWN).await?;
    let due = stands.due().map(billing::Due::as_str);
    let mut answer = json!(stands);
    answer["billingRequired"] = json!(due.is_some());
    answer["billingRequiredBecause"] = json!(due);
    answer["events"] = json!(events);
    Ok(Json(answer))
}

/// `GET /v1/admin/billing/reconciliation`: the newest comparison of our books with Stripe's.
pub(crate) async fn last_reconciliation(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.begin().await?;
    let latest = reconciliation::latest(&mut tx).await?;
    latest.map(Json).ok_or_else(|| Problem::new(Code::NotFound, "nothing was compared yet"))
}

/// `POST /v1/admin/plans`: a plan that can be bought, new or changed.
pub(crate) async fn put_plan(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let fields = &mut order.fields;
    let plan = fields.required("plan", plan_name);
    let price = fields.required("stripe_price_id", |text| stripe_id(text, ""));
    let meter = fields.optional("meter_event_name", plan_name);
    let talk_meter = fields.optional("talk_meter_event_name", plan_name);
    for name in ["daily_calls_max", "talk_secs_max"] {
        if !fields.has(name) {
            fields.wrong(name, "is missing");
        }
    }
    let calls = fields.whole("daily_calls_max", 1..=1_000_000);
    let talk = fields.whole("talk_secs_max", 1..=2_000_000_000);
    let ((plan, price), mut deed) = order.begin(&state, plan.zip(price)).await?;
    let limit = |value: Option<u64>| value.and_then(|it| i32::try_from(it).ok()).unwrap_or(1);
    let paid = PaidPlan {
        plan: &plan,
        daily_calls_max: limit(calls),
        talk_secs_max: limit(talk),
        stripe_price: &price,
        meter_event: meter.as_deref(),
        talk_meter_event: talk_meter.as_deref(),
    };
    subscriptions::put_plan(&mut deed.tx, paid).await?;
    let done = Done::ok(json!({ "plan": plan }));
    deed.done("plan.put", json!({ "plan": plan, "price": price }), done).await
}

/// `POST /v1/admin/businesses/{tenant}/subscription`.
pub(crate) async fn create_subscription(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let tenant = business_of(&id)?;
    let wanted = purchase(&mut order.fields, tenant);
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    must_be_for_sale(&mut deed.tx, &wanted.plan).await?;
    enqueue(deed, tenant, "subscription.create", wanted.job()).await
}

/// What a tenant wants to buy, and how it pays.
pub(super) fn purchase(fields: &mut Fields, tenant: TenantId) -> Option<CreateSubscription> {
    let plan = fields.required("plan", plan_name);
    let quantity = fields.whole("quantity", 1..=QUANTITY_MAX).unwrap_or(1);
    let trial_days = fields.whole("trial_days", 1..=TRIAL_DAYS_MAX);
    let payment_method = fields.optional("payment_method", |text| stripe_id(text, "pm_"));
    let collection = fields.optional("collection", |word| match word {
        "charge" => Ok(Collection::Charge),
        "invoice" => Ok(Collection::Invoice),
        _ => Err("must be charge or invoice"),
    });
    Some(CreateSubscription {
        quantity: i32::try_from(quantity).unwrap_or(1),
        collection: collection.unwrap_or_default(),
        trial_days: trial_days.and_then(|days| u16::try_from(days).ok()),
        payment_method,
        ..CreateSubscription::new(tenant, &plan?)
    })
}

/// `POST /v1/admin/businesses/{tenant}/subscription/cancel`.
pub(crate) async fn cancel_subscription(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let tenant = business_of(&id)?;
    let at = order.fields.required("at", |word| match word {
        "period_end" => Ok(EndsAt::PeriodEnd),
        "now" => Ok(EndsAt::Now),
        _ => Err("must be period_end or now"),
    });
    let (at, deed) = order.begin(&state, at).await?;
    let job = CancelSubscription { tenant, at }.job();
    enqueue(deed, tenant, "subscription.cancel", job).await
}

/// `POST /v1/admin/businesses/{tenant}/subscription/change-plan`.
pub(crate) async fn change_plan(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let tenant = business_of(&id)?;
    let plan = order.fields.required("plan", plan_name);
    let proration = order.fields.optional("proration", |word| match word {
        "next_invoice" => Ok(Proration::NextInvoice),
        "now" => Ok(Proration::Now),
        "none" => Ok(Proration::None),
        _ => Err("must be next_invoice, now or none"),
    });
    let (plan, mut deed) = order.begin(&state, plan).await?;
    must_be_for_sale(&mut deed.tx, &plan).await?;
    let job = ChangePlan { tenant, plan, proration: proration.unwrap_or_default() }.job();
    enqueue(deed, tenant, "subscription.change_plan", job).await
}

/// One job about a tenant's money at a time: a second request, repeated or not, gets the first one's job.
async fn enqueue(
    mut deed: Deed,
    tenant: TenantId,
    action: &str,
    job: NewJob,
) -> Result<Response, Stop> {
    tenants::get(&mut deed.tx, tenant).await?.ok_or_else(no_such_business)?;
    let job = once_of("billing", job, tenant, &deed.caller);
    let enqueued = deed.tx.enqueue(job).await?;
    let (id, is_new) = (enqueued.id(), matches!(enqueued, Enqueued::New(_)));
    let done = Done::accepted(json!({ "jobId": id, "isNew": is_new })).at(address(id));
    if is_new {
        deed.about(tenant).done(action, json!({ "job": id }), done).await
    } else {
        deed.keep(done).await
    }
}

pub(super) async fn must_be_for_sale(tx: &mut Tx, plan: &str) -> Result<(), Problem> {
    match subscriptions::price_of(tx, plan).await? {
        Some(_) => Ok(()),
        None => Err(Problem::new(Code::UnknownName, "no plan of this name is for sale")),
    }
}

fn plan_name(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let fits = begins && text.len() <= 63 && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err("must be a name of lower-case letters") }
}

fn stripe_id(text: &str, prefix: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let fits = text.starts_with(prefix)
        && (1..=STRIPE_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err(format!("must be an id of Stripe's {prefix}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_read_strictly() {
        assert!(plan_name("pro_2").is_ok());
        for bad in ["", "2pro", "Pro", "pro-2", &"x".repeat(64)] {
            assert!(plan_name(bad).is_err(), "{bad}");
        }
        assert!(stripe_id("pm_card_visa", "pm_").is_ok());
        assert!(stripe_id("price_1", "pm_").is_err() && stripe_id("pm_a b", "pm_").is_err());
    }
}
