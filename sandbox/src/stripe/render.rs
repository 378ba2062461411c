//! Objects as Stripe writes them, today and before.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::memory::{Charge, Customer, Invoice, Price, Product, Subscription};

/// Since 2025-03-31 a subscription's period stands on its items and an invoice has payments; before, on the subscription,
/// and an invoice had a charge. <https://docs.stripe.com/changelog>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// As today.
    #[default]
    New,
    /// As before.
    Old,
}

/// The first version of the new shape.
const NEW_SINCE: &str = "2025-03-31";

impl Shape {
    /// Of a version of the API, such as `2024-06-20`.
    pub(super) fn of_version(version: &str) -> Self {
        if version < NEW_SINCE { Self::Old } else { Self::New }
    }
}

pub(super) fn customer(it: &Customer) -> Value {
    if it.deleted {
        return json!({ "id": it.id, "object": "customer", "deleted": true });
    }
    json!({
        "id": it.id, "object": "customer", "name": it.name, "email": it.email, "created": it.created,
        "livemode": it.livemode, "metadata": it.metadata, "currency": null,
        "invoice_settings": { "default_payment_method": it.payment_method },
    })
}

pub(super) fn product(it: &Product) -> Value {
    json!({ "id": it.id, "object": "product", "name": it.name, "created": it.created, "active": true })
}

pub(super) fn price(it: &Price) -> Value {
    json!({
        "id": it.id, "object": "price", "product": it.product, "unit_amount": it.unit_amount_cents,
        "currency": it.currency, "created": it.created, "active": true, "type": "recurring",
        "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
    })
}

pub(super) fn subscription(it: &Subscription, shape: Shape) -> Value {
    let period = json!({
        "current_period_start": it.current_period_start, "current_period_end": it.current_period_end,
    });
    let mut item = json!({
        "id": it.item, "object": "subscription_item", "quantity": it.quantity, "subscription": it.id,
        "price": { "id": it.price, "object": "price" },
    });
    let mut written = json!({
        "id": it.id, "object": "subscription", "customer": it.customer, "status": it.status,
        "created": it.created, "canceled_at": it.canceled_at, "ended_at": it.canceled_at,
        "cancel_at_period_end": it.cancel_at_period_end, "trial_end": it.trial_end,
        "livemode": it.livemode, "latest_invoice": it.latest_invoice, "metadata": it.metadata,
    });
    let place = match shape {
        Shape::New => &mut item,
        Shape::Old => &mut written,
    };
    if let (Some(place), Value::Object(period)) = (place.as_object_mut(), period) {
        place.extend(period);
    }
    written["items"] = json!({ "object": "list", "data": [item], "has_more": false });
    written
}

pub(super) fn invoice(it: &Invoice, charge: Option<&Charge>, shape: Shape) -> Value {
    let paid = if it.status == "paid" { it.amount_cents } else { 0 };
    let mut written = json!({
        "id": it.id, "object": "invoice", "customer": it.customer, "status": it.status,
        "amount_due": it.amount_cents, "amount_paid": paid, "created": it.created,
    });
    match shape {
        Shape::New => {
            written["parent"] = json!({
                "type": "subscription_details",
                "subscription_details": { "subscription": it.subscription },
            });
            let payments: Vec<_> = charge.iter().map(|charge| json!({
                "object": "invoice_payment", "status": "paid",
                "payment": { "type": "payment_intent", "payment_intent": charge.payment_intent },
            })).collect();
            written["payments"] = json!({ "object": "list", "data": payments, "has_more": false });
        }
        Shape::Old => {
            written["subscription"] = json!(it.subscription);
            written["charge"] = json!(charge.map(|it| &it.id));
            written["payment_intent"] = json!(charge.map(|it| &it.payment_intent));
        }
    }
    written
}

pub(super) fn charge(it: &Charge) -> Value {
    json!({
        "id": it.id, "object": "charge", "amount": it.amount, "customer": it.customer,
        "payment_intent": it.payment_intent, "refunded": it.refunded, "created": it.created,
        "status": "succeeded",
    })
}
