//! Which request is which.

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refused},
    customers,
    form::Form,
    memory::Memory,
    money, prices,
    render::{self, Shape},
    shelf::{Named, Shelf},
    subscriptions,
};

/// The most that a list gives at once.
const LIMIT_MAX: i64 = 100;

/// The route's pattern, for counting; `None`: there is none.
pub(super) fn pattern(path: &[&str]) -> Option<String> {
    let known = match path {
        [
            "customers" | "subscriptions" | "products" | "prices" | "invoices" | "charges"
            | "refunds" | "events",
        ] => {
            format!("/v1/{}", path[0])
        }
        [
            kind @ ("customers" | "subscriptions" | "prices" | "invoices" | "charges" | "events"),
            _,
        ] => {
            format!("/v1/{kind}/{{id}}")
        }
        ["invoices", _, "void"] => "/v1/invoices/{id}/void".to_owned(),
        ["billing", "meter_events"] => "/v1/billing/meter_events".to_owned(),
        _ => return None,
    };
    Some(known)
}

/// Does it.
pub(super) fn run(
    memory: &mut Memory,
    method: &Method,
    path: &[&str],
    mut form: Form,
    shape: Shape,
) -> Result<Value, Refused> {
    form.expansions();
    let form = &mut form;
    if matches!(path, [_, _, "void"]) || (method != Method::POST && path.len() == 2) {
        form.finish()?;
    }
    match (method.as_str(), path) {
        ("POST", ["customers"]) => customers::create(memory, form),
        ("GET", ["customers"]) => list("/v1/customers", &memory.customers, form, |it| {
            (!it.deleted).then(|| (it.created, render::customer(it)))
        }),
        ("GET", ["customers", id]) => customers::retrieve(memory, id),
        ("POST", ["customers", id]) => customers::update(memory, id, form),
        ("DELETE", ["customers", id]) => customers::delete(memory, id),
        ("POST", ["products"]) => prices::create_product(memory, form),
        ("POST", ["prices"]) => prices::create(memory, form),
        ("GET", ["prices"]) => {
            list("/v1/prices", &memory.prices, form, |it| Some((it.created, render::price(it))))
        }
        ("GET", ["prices", id]) => prices::retrieve(memory, id),
        ("POST", ["subscriptions"]) => subscriptions::create(memory, form, shape),
        ("GET", ["subscriptions"]) => list_subscriptions(memory, form, shape),
        ("GET", ["subscriptions", id]) => subscriptions::retrieve(memory, id, shape),
        ("POST", ["subscriptions", id]) => subscriptions::update(memory, id, form, shape),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(memory, id, shape),
        ("GET", ["invoices", id]) => money::invoice(memory, id, shape),
        ("POST", ["invoices", id, "void"]) => money::void(memory, id, shape),
        ("GET", ["charges"]) => {
            list("/v1/charges", &memory.charges, form, |it| Some((it.created, render::charge(it))))
        }
        ("POST", ["refunds"]) => money::refund(memory, form),
        ("GET", ["events"]) => {
            list("/v1/events", &memory.events, form, |it| Some((it.created, it.body.clone())))
        }
        ("GET", ["events", id]) => {
            memory.events.get(id).map(|it| it.body.clone()).ok_or_else(|| Answer::missing("event"))
        }
        ("POST", ["billing", "meter_events"]) => money::use_up(memory, form),
        _ => Err(Answer::missing("route")),
    }
}

/// Without `status`, those that are over are left out.
fn list_subscriptions(memory: &Memory, form: &mut Form, shape: Shape) -> Result<Value, Refused> {
    let (status, customer) = (form.take("status"), form.take("customer"));
    list("/v1/subscriptions", &memory.subscriptions, form, |it| {
        let fits = match status.as_deref() {
            None => it.status != "canceled",
            Some("all") => true,
            Some(status) => it.status == status,
        };
        let theirs = customer.as_ref().is_none_or(|id| *id == it.customer);
        (fits && theirs).then(|| (it.created, render::subscription(it, shape)))
    })
}

/// A page, newest first: `limit`, `starting_after`, `created[gte]`, `created[lte]`.
fn list<T: Named>(
    url: &str,
    shelf: &Shelf<T>,
    form: &mut Form,
    look: impl Fn(&T) -> Option<(i64, Value)>,
) -> Result<Value, Refused> {
    let limit = form.integer("limit")?.unwrap_or(10);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Answer::bad("This value must be between 1 and 100: limit"));
    }
    let (from, to) = (form.integer("created[gte]")?, form.integer("created[lte]")?);
    let after = form.take("starting_after");
    form.finish()?;
    let found = shelf.after(after.as_deref()).ok_or_else(|| Answer::missing("object"))?;
    let mut found = found.filter_map(look).filter_map(|(created, written)| {
        let fits = from.is_none_or(|it| created >= it) && to.is_none_or(|it| created <= it);
        fits.then_some(written)
    });
    let data: Vec<_> = found.by_ref().take(usize::try_from(limit).unwrap_or(1)).collect();
    let has_more = found.next().is_some();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}
