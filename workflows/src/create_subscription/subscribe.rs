//! What is paid for: a subscription at Stripe, with its first payment.

use std::collections::BTreeMap;

use clients::stripe::{self, InvoiceStatus, NewSubscription, Stripe};
use domain::{SubscriptionId, TenantId};
use engine::{Effect, EffectCall, Failure, Probe};
use serde::{Deserialize, Serialize};

use super::Collection;
use crate::{
    app::{Clients, Trunkline},
    error::{of_stripe, of_stripe_read},
    stripe::{RUN, SUBSCRIPTION, TENANT, Told, account, keyed, looked},
};

/// For those who pay by invoice.
const DAYS_UNTIL_DUE: u16 = 14;

/// Subscribes a customer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Subscribe {
    pub(super) tenant: TenantId,
    pub(super) subscription: SubscriptionId,
    pub(super) customer: String,
    pub(super) price: String,
    pub(super) quantity: i32,
    pub(super) collection: Collection,
    pub(super) trial_days: Option<u16>,
}

impl Effect<Trunkline> for Subscribe {
    const NAME: &'static str = "subscribe";
    type Output = Told;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Told, Failure> {
        let stripe = &account(clients)?.stripe;
        let quantity = u32::try_from(self.quantity)
            .map_err(|_| Failure::permanent("the quantity is not positive"))?;
        let new = NewSubscription {
            customer: self.customer.clone(),
            price: self.price.clone(),
            quantity,
            collection: match self.collection {
                Collection::Charge => stripe::Collection::Charge,
                Collection::Invoice => {
                    stripe::Collection::Invoice { days_until_due: DAYS_UNTIL_DUE }
                }
            },
            trial_days: self.trial_days,
            metadata: BTreeMap::from([
                (TENANT.to_owned(), self.tenant.to_string()),
                (SUBSCRIPTION.to_owned(), self.subscription.to_string()),
                (RUN.to_owned(), call.job.to_string()),
            ]),
        };
        let made = keyed(call, |key| {
            let new = &new;
            async move { stripe.create_subscription(new, &key).await }
        })
        .await;
        Told::of(&made.map_err(|error| of_stripe(&error))?, call)
    }

    /// The customer never had what they paid for: all of it goes back.
    async fn undo(&self, clients: &Clients, call: &EffectCall, made: &Told) -> Result<(), Failure> {
        let stripe = &account(clients)?.stripe;
        let id = &made.facts.stripe_id;
        match stripe.cancel_subscription(id).await {
            Err(error) if !error.is_missing() => return Err(of_stripe_read(&error)),
            Ok(_) | Err(_) => {}
        }
        give_back(stripe, id, call).await
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<Told>, Failure> {
        let stripe = &account(clients)?.stripe;
        let run = call.job.to_string();
        // A customer has a handful of subscriptions in its life; the newest come first.
        let page = stripe.list_subscriptions(None, Some(&self.customer)).await;
        let page = page.map_err(|error| of_stripe_read(&error))?;
        let found = page.items.iter().find(|it| it.metadata.get(RUN) == Some(&run));
        let found = found.map(|it| Told::of(it, call)).transpose()?;
        Ok(looked(found, call))
    }
}

/// Voids what is open of the newest invoice, and refunds what was paid.
async fn give_back(stripe: &Stripe, id: &str, call: &EffectCall) -> Result<(), Failure> {
    let subscription = stripe.retrieve_subscription(id).await;
    let subscription = subscription.map_err(|error| of_stripe_read(&error))?;
    let Some(invoice) = subscription.latest_invoice else { return Ok(()) };
    let invoice = stripe.retrieve_invoice(&invoice).await;
    let invoice = invoice.map_err(|error| of_stripe_read(&error))?;
    if invoice.status == Some(InvoiceStatus::Open) {
        let voided = stripe.void_invoice(&invoice.id, &format!("{}-void", call.key)).await;
        return voided.map(drop).map_err(|error| of_stripe_read(&error));
    }
    if invoice.amount_paid_cents == 0 {
        return Ok(());
    }
    for (number, payment) in invoice.payments.iter().enumerate() {
        let key = format!("{}-refund-{number}-{}", call.key, call.attempt);
        match stripe.refund(payment, &key).await {
            Err(error) if !error.has_code("charge_already_refunded") => {
                return Err(of_stripe_read(&error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
