//! Who pays for what.

use chrono::{DateTime, Months};
use serde_json::Value;

use super::{
    answer::{Answer, Refused},
    form::Form,
    memory::{Memory, Subscription},
    money,
    render::{self, Shape},
};

impl Subscription {
    /// Ends it; false if it was over.
    pub(super) fn end(&mut self, now: i64) -> bool {
        let ends = self.status != "canceled";
        if ends {
            "canceled".clone_into(&mut self.status);
            self.canceled_at = Some(now);
        }
        ends
    }
}

/// What was asked for about money.
struct Terms {
    charges: bool,
    trial_days: Option<i64>,
}

impl Terms {
    fn read(form: &mut Form) -> Result<Self, Refused> {
        let collection = form.take("collection_method");
        let behavior = form.take("payment_behavior");
        let days_until_due = form.integer("days_until_due")?;
        let charges = match collection.as_deref() {
            None | Some("charge_automatically") => true,
            Some("send_invoice") => false,
            Some(_) => return Err(Answer::bad("Invalid collection_method")),
        };
        if charges == days_until_due.is_some() {
            return Err(Answer::bad("days_until_due goes with send_invoice"));
        }
        let known = [
            None,
            Some("error_if_incomplete"),
            Some("allow_incomplete"),
            Some("default_incomplete"),
        ];
        if !known.contains(&behavior.as_deref()) {
            return Err(Answer::bad("Invalid payment_behavior"));
        }
        Ok(Self { charges, trial_days: form.integer("trial_period_days")? })
    }
}

pub(super) fn create(memory: &mut Memory, form: &mut Form, shape: Shape) -> Result<Value, Refused> {
    let customer = form.required("customer")?;
    if memory.customers.get(&customer).is_none_or(|it| it.deleted) {
        return Err(Answer::missing("customer"));
    }
    let price = form.required("items[0][price]")?;
    let quantity = form.integer("items[0][quantity]")?.unwrap_or(1);
    let terms = Terms::read(form)?;
    let amount_cents = amount_of(memory, &price)? * quantity;
    let now = memory.now();
    let trial_end = terms.trial_days.map(|days| now + days * 24 * 60 * 60);
    let mut made = Subscription {
        id: memory.mint("sub"),
        customer,
        status: if trial_end.is_some() { "trialing" } else { "active" }.to_owned(),
        item: memory.mint("si"),
        price,
        quantity,
        created: now,
        canceled_at: None,
        cancel_at_period_end: false,
        trial_end,
        current_period_start: now,
        current_period_end: trial_end.unwrap_or_else(|| a_month_after(now)),
        livemode: memory.livemode,
        latest_invoice: None,
        metadata: form.map("metadata"),
    };
    form.finish()?;
    let due = if trial_end.is_some() { 0 } else { amount_cents };
    let invoice = money::bill(memory, &made, due, terms.charges)?;
    made.latest_invoice = Some(invoice.id.clone());
    let written = render::subscription(&made, shape);
    memory.subscriptions.put(made);
    memory.tell("customer.subscription.created", &written);
    money::tell(memory, &invoice);
    Ok(written)
}

pub(super) fn retrieve(memory: &Memory, id: &str, shape: Shape) -> Result<Value, Refused> {
    let found = memory.subscriptions.get(id).ok_or_else(|| Answer::missing("subscription"))?;
    Ok(render::subscription(found, shape))
}

pub(super) fn update(
    memory: &mut Memory,
    id: &str,
    form: &mut Form,
    shape: Shape,
) -> Result<Value, Refused> {
    let found = memory.subscriptions.get(id).ok_or_else(|| Answer::missing("subscription"))?;
    if found.status == "canceled" {
        return Err(Answer::bad("A canceled subscription can only be given metadata"));
    }
    let mut next = found.clone();
    if let Some(cancel) = form.flag("cancel_at_period_end")? {
        next.cancel_at_period_end = cancel;
    }
    next.metadata.extend(form.map("metadata"));
    let proration = form.take("proration_behavior");
    if let Some(item) = form.take("items[0][id]") {
        if item != next.item {
            return Err(Answer::missing("subscription item"));
        }
        if let Some(price) = form.take("items[0][price]") {
            amount_of(memory, &price)?;
            next.price = price;
        }
        next.quantity = form.integer("items[0][quantity]")?.unwrap_or(next.quantity);
    }
    form.finish()?;
    if proration.as_deref() == Some("always_invoice") {
        let amount_cents = amount_of(memory, &next.price)? * next.quantity;
        let invoice = money::bill(memory, &next, amount_cents, true)?;
        next.latest_invoice = Some(invoice.id.clone());
        money::tell(memory, &invoice);
    }
    let written = render::subscription(&next, shape);
    if let Some(place) = memory.subscriptions.get_mut(id) {
        *place = next;
    }
    memory.tell("customer.subscription.updated", &written);
    Ok(written)
}

/// One that is over is not there to be ended.
pub(super) fn cancel(memory: &mut Memory, id: &str, shape: Shape) -> Result<Value, Refused> {
    let now = memory.now();
    let found = memory.subscriptions.get_mut(id).filter(|it| it.status != "canceled");
    let found = found.ok_or_else(|| Answer::missing("subscription"))?;
    found.end(now);
    let written = render::subscription(found, shape);
    memory.tell("customer.subscription.deleted", &written);
    Ok(written)
}

fn amount_of(memory: &Memory, price: &str) -> Result<i64, Refused> {
    let price = memory.prices.get(price).ok_or_else(|| Answer::missing("price"))?;
    Ok(price.unit_amount_cents)
}

pub(super) fn a_month_after(now: i64) -> i64 {
    let end = DateTime::from_timestamp(now, 0).and_then(|it| it.checked_add_months(Months::new(1)));
    end.map_or(now, |it| it.timestamp())
}
