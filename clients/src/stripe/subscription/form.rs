//! What is sent about a subscription.

use std::collections::BTreeMap;

use super::super::customer::metadata;

/// How the money comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// From the customer's payment method, at once. If that fails there is no subscription.
    Charge,
    /// By an invoice that the customer pays within so many days.
    Invoice {
        /// 1 to 365.
        days_until_due: u16,
    },
}

/// A subscription to be.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// Whose, `cus_…`.
    pub customer: String,
    /// For what, `price_…`.
    pub price: String,
    /// How many.
    pub quantity: u32,
    /// How it is paid.
    pub collection: Collection,
    /// Free days before the first payment.
    pub trial_days: Option<u16>,
    /// What comes back with it: our ids.
    pub metadata: BTreeMap<String, String>,
}

impl NewSubscription {
    pub(in super::super) fn form(&self) -> Vec<(String, String)> {
        let mut form = vec![
            ("customer".to_owned(), self.customer.clone()),
            ("items[0][price]".to_owned(), self.price.clone()),
            ("items[0][quantity]".to_owned(), self.quantity.to_string()),
        ];
        match self.collection {
            // Without this a declined card leaves a subscription behind that is `incomplete` for a day.
            Collection::Charge => {
                form.push(("payment_behavior".to_owned(), "error_if_incomplete".to_owned()));
            }
            Collection::Invoice { days_until_due } => {
                form.push(("collection_method".to_owned(), "send_invoice".to_owned()));
                form.push(("days_until_due".to_owned(), days_until_due.to_string()));
            }
        }
        form.extend(self.trial_days.map(|days| ("trial_period_days".to_owned(), days.to_string())));
        form.extend(metadata(&self.metadata));
        form
    }
}

/// What a change within a period costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proration {
    /// The difference for the rest of the period comes with the next invoice.
    Create,
    /// It is invoiced at once.
    InvoiceNow,
    /// Nothing: the new price counts from the next period on.
    None,
}

impl Proration {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create_prorations",
            Self::InvoiceNow => "always_invoice",
            Self::None => "none",
        }
    }
}

/// Another price for a line of a subscription.
#[derive(Clone, Debug)]
pub struct PlanChange {
    /// The line, `si_…`.
    pub item: String,
    /// Its price from now on.
    pub price: String,
    /// How many from now on.
    pub quantity: u32,
    /// What the rest of the period costs.
    pub proration: Proration,
}

impl PlanChange {
    pub(in super::super) fn form(&self) -> Vec<(String, String)> {
        vec![
            ("items[0][id]".to_owned(), self.item.clone()),
            ("items[0][price]".to_owned(), self.price.clone()),
            ("items[0][quantity]".to_owned(), self.quantity.to_string()),
            ("proration_behavior".to_owned(), self.proration.as_str().to_owned()),
        ]
    }
}
