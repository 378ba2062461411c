//! Invoices, charges, refunds, usage.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Refused},
    form::Form,
    memory::{Charge, Invoice, Memory, Subscription, Usage},
    render,
};

/// Bills a subscription's period, at once. Stripe's test payment methods that decline, decline.
/// <https://docs.stripe.com/testing>
pub(super) fn bill(
    memory: &mut Memory,
    subscription: &Subscription,
    amount_cents: i64,
    charges: bool,
) -> Result<Invoice, Refused> {
    let method =
        memory.customers.get(&subscription.customer).and_then(|it| it.payment_method.clone());
    let charge = if charges && amount_cents > 0 {
        Some(charge(memory, subscription, method.as_deref(), amount_cents)?)
    } else {
        None
    };
    let status = if charges { "paid" } else { "open" };
    let invoice = Invoice {
        id: memory.mint("in"),
        customer: subscription.customer.clone(),
        subscription: subscription.id.clone(),
        status,
        amount_cents,
        charge: charge.as_ref().map(|charge| charge.id.clone()),
        created: memory.now(),
    };
    if let Some(charge) = charge {
        memory.charges.put(Charge { invoice: invoice.id.clone(), ..charge });
    }
    memory.invoices.put(invoice.clone());
    Ok(invoice)
}

fn charge(
    memory: &mut Memory,
    subscription: &Subscription,
    method: Option<&str>,
    amount: i64,
) -> Result<Charge, Refused> {
    match method {
        None => {
            return Err(Answer::code("resource_missing", "This customer has no payment method"));
        }
        Some("pm_card_chargeDeclined" | "pm_card_chargeCustomerFail") => {
            return Err(Answer::card("card_declined"));
        }
        Some("pm_card_authenticationRequired") => {
            return Err(Answer::card("authentication_required"));
        }
        Some(_) => {}
    }
    Ok(Charge {
        id: memory.mint("ch"),
        payment_intent: memory.mint("pi"),
        customer: subscription.customer.clone(),
        invoice: String::new(),
        amount,
        refunded: false,
        created: memory.now(),
    })
}

/// Says that it was billed.
pub(super) fn tell(memory: &mut Memory, invoice: &Invoice) {
    let charge = invoice.charge.as_deref().and_then(|id| memory.charges.get(id));
    let written = render::invoice(invoice, charge, memory.shape.unwrap_or_default());
    memory.tell("invoice.created", &written);
    if invoice.status == "paid" {
        memory.tell("invoice.paid", &written);
    }
}

pub(super) fn invoice(memory: &Memory, id: &str, shape: super::Shape) -> Result<Value, Refused> {
    let invoice = memory.invoices.get(id).ok_or_else(|| Answer::missing("invoice"))?;
    let charge = invoice.charge.as_deref().and_then(|id| memory.charges.get(id));
    Ok(render::invoice(invoice, charge, shape))
}

pub(super) fn void(memory: &mut Memory, id: &str, shape: super::Shape) -> Result<Value, Refused> {
    let invoice = memory.invoices.get_mut(id).ok_or_else(|| Answer::missing("invoice"))?;
    if invoice.status != "open" {
        return Err(Answer::bad("You can only void an open invoice"));
    }
    invoice.status = "void";
    let written = self::invoice(memory, id, shape)?;
    memory.tell("invoice.voided", &written);
    Ok(written)
}

pub(super) fn refund(memory: &mut Memory, form: &mut Form) -> Result<Value, Refused> {
    let (intent, charge) = (form.take("payment_intent"), form.take("charge"));
    form.take("reason");
    form.finish()?;
    let id = memory.mint("re");
    let is_it = |it: &Charge| {
        Some(&it.payment_intent) == intent.as_ref() || Some(&it.id) == charge.as_ref()
    };
    let charge = memory.charges.iter_mut().find(|it| is_it(it));
    let charge = charge.ok_or_else(|| Answer::missing("charge"))?;
    if charge.refunded {
        return Err(Answer::code("charge_already_refunded", "It was refunded before"));
    }
    charge.refunded = true;
    let written = render::charge(charge);
    let refund = json!({
        "id": id, "object": "refund", "amount": charge.amount, "charge": charge.id,
        "payment_intent": charge.payment_intent, "status": "succeeded",
    });
    memory.tell("charge.refunded", &written);
    Ok(refund)
}

/// Use is told of at most so long after it.
const TOLD_WITHIN_SECS: i64 = 35 * 24 * 60 * 60;

/// Clocks may differ by so much.
const AHEAD_SECS_MAX: i64 = 5 * 60;

/// Stripe remembers an identifier for a day at least; here it is a day exactly, so that forgetting can be tried.
const IDENTIFIER_SECS: i64 = 24 * 60 * 60;

/// An identifier counts once, and is refused again, in these words and without a code, until it is forgotten.
pub(super) fn use_up(memory: &mut Memory, form: &mut Form) -> Result<Value, Refused> {
    let payload = form.map("payload");
    let now = memory.now();
    let field = |name: &str| payload.get(name).cloned().ok_or_else(|| Answer::bad(name));
    let usage = Usage {
        identifier: form.required("identifier")?,
        event_name: form.required("event_name")?,
        customer: field("stripe_customer_id")?,
        value: field("value")?.parse().map_err(|_| Answer::bad("payload[value]"))?,
        timestamp: form.integer("timestamp")?.unwrap_or(now),
        told_at: now,
    };
    form.finish()?;
    if usage.timestamp < now - TOLD_WITHIN_SECS {
        return Err(Answer::code("timestamp_too_far_in_past", "The timestamp is too old"));
    }
    if usage.timestamp > now + AHEAD_SECS_MAX {
        return Err(Answer::code("timestamp_in_future", "The timestamp is in the future"));
    }
    if memory.customers.get(&usage.customer).is_none() {
        return Err(Answer::missing("customer"));
    }
    let is_known =
        |it: &Usage| it.identifier == usage.identifier && now - it.told_at < IDENTIFIER_SECS;
    if memory.usage.iter().any(is_known) {
        let said = format!("An event already exists with identifier {}.", usage.identifier);
        return Err(Answer::bad(&said));
    }
    let written = json!({
        "object": "billing.meter_event", "event_name": usage.event_name,
        "identifier": usage.identifier, "timestamp": usage.timestamp, "livemode": memory.livemode,
    });
    memory.usage.push(usage);
    Ok(written)
}
