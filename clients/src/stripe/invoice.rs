//! What was billed, and giving it back. Source: <https://docs.stripe.com/api/invoices>, <https://docs.stripe.com/api/refunds>.
//!
//! Since version 2025-03-31 an invoice has several payments; before, one charge. Both are read.

use serde::Deserialize;

use super::page::WireRef;

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceStatus {
    /// May still change.
    Draft,
    /// To be paid.
    Open,
    /// Paid.
    Paid,
    /// Given up.
    Uncollectible,
    /// Taken back.
    Void,
}

/// How an invoice was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// `pi_…`.
    Intent(String),
    /// `ch_…`, of older versions.
    Charge(String),
}

/// An invoice that Stripe knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// `in_…`.
    pub id: String,
    /// `None`: a word that this version does not know.
    pub status: Option<InvoiceStatus>,
    /// Of which subscription, `sub_…`.
    pub subscription: Option<String>,
    /// What was paid, in the currency's smallest unit.
    pub amount_paid_cents: i64,
    /// How it was paid.
    pub payments: Vec<Payment>,
}

impl InvoiceStatus {
    fn of_word(word: &str) -> Option<Self> {
        match word {
            "draft" => Some(Self::Draft),
            "open" => Some(Self::Open),
            "paid" => Some(Self::Paid),
            "uncollectible" => Some(Self::Uncollectible),
            "void" => Some(Self::Void),
            _ => None,
        }
    }
}

impl Payment {
    /// Gives all of it back.
    pub(super) fn refund_form(&self) -> Vec<(String, String)> {
        let (name, id) = match self {
            Self::Intent(id) => ("payment_intent", id),
            Self::Charge(id) => ("charge", id),
        };
        vec![
            (name.to_owned(), id.clone()),
            ("reason".to_owned(), "requested_by_customer".to_owned()),
        ]
    }
}

#[derive(Deserialize)]
pub(super) struct WireInvoice {
    id: String,
    status: Option<String>,
    subscription: Option<WireRef>,
    parent: Option<WireParent>,
    #[serde(default)]
    amount_paid: i64,
    payments: Option<WirePayments>,
    payment_intent: Option<WireRef>,
    charge: Option<WireRef>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireDetails>,
}

#[derive(Deserialize)]
struct WireDetails {
    subscription: Option<WireRef>,
}

#[derive(Deserialize)]
struct WirePayments {
    data: Vec<WireInvoicePayment>,
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    status: Option<String>,
    payment: Option<WirePayment>,
}

#[derive(Deserialize)]
struct WirePayment {
    payment_intent: Option<WireRef>,
    charge: Option<WireRef>,
}

impl From<WireInvoice> for Invoice {
    fn from(wire: WireInvoice) -> Self {
        let parent = wire.parent.and_then(|parent| parent.subscription_details);
        let subscription = wire.subscription.or(parent.and_then(|it| it.subscription));
        let old = payment(wire.payment_intent, wire.charge);
        let paid = |it: WireInvoicePayment| match it.status.as_deref() {
            Some("paid") => it.payment.and_then(|it| payment(it.payment_intent, it.charge)),
            Some(_) | None => None,
        };
        let mut payments: Vec<_> = wire
            .payments
            .map(|it| it.data)
            .unwrap_or_default()
            .into_iter()
            .filter_map(paid)
            .collect();
        if payments.is_empty() {
            payments.extend(old);
        }
        Self {
            id: wire.id,
            status: wire.status.as_deref().and_then(InvoiceStatus::of_word),
            subscription: subscription.map(WireRef::into_id),
            amount_paid_cents: wire.amount_paid,
            payments,
        }
    }
}

fn payment(intent: Option<WireRef>, charge: Option<WireRef>) -> Option<Payment> {
    intent
        .map(|it| Payment::Intent(it.into_id()))
        .or_else(|| charge.map(|it| Payment::Charge(it.into_id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Invoice {
        serde_json::from_str::<WireInvoice>(text).unwrap().into()
    }

    #[test]
    fn payments_and_the_subscription_are_read_from_both_places() {
        let new = read(
            r#"{"id":"in_1","status":"paid","amount_paid":4900,
            "parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1"}},
            "payments":{"data":[{"status":"canceled","payment":{"payment_intent":"pi_0"}},
                {"status":"paid","payment":{"type":"payment_intent","payment_intent":"pi_1"}}]}}"#,
        );
        assert_eq!(new.payments, [Payment::Intent("pi_1".to_owned())]);
        assert_eq!(new.subscription.as_deref(), Some("sub_1"));
        let old = read(
            r#"{"id":"in_1","status":"paid","amount_paid":1,"subscription":"sub_1","charge":{"id":"ch_1"}}"#,
        );
        assert_eq!(old.payments, [Payment::Charge("ch_1".to_owned())]);
        assert_eq!(old.status, Some(InvoiceStatus::Paid));
    }
}
