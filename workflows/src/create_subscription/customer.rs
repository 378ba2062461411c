//! Who pays: a customer at Stripe.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use clients::stripe::{NewCustomer, Since};
use domain::TenantId;
use engine::{Effect, EffectCall, Failure, Probe, Sealed};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_stripe, of_stripe_read},
    stripe::{RUN, TENANT, account, keyed, looked},
};

/// Stripe's clock and ours may differ by this much.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// Pages of customers from around the attempt that are looked through. So many new ones within minutes are a flood.
const PAGES_MAX: usize = 20;

/// Makes a customer.
#[derive(Debug, Serialize, Deserialize)]
pub struct MakeCustomer {
    pub(super) tenant: TenantId,
    pub(super) name: Sealed<String>,
    pub(super) payment_method: Option<String>,
}

impl Effect<Trunkline> for MakeCustomer {
    const NAME: &'static str = "make_customer";
    /// `cus_…`.
    type Output = String;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<String, Failure> {
        let stripe = &account(clients)?.stripe;
        let new = NewCustomer {
            name: Some(call.open(&self.name)?),
            email: None,
            payment_method: self.payment_method.clone(),
            metadata: BTreeMap::from([
                (TENANT.to_owned(), self.tenant.to_string()),
                (RUN.to_owned(), call.job.to_string()),
            ]),
        };
        let made = keyed(call, |key| {
            let new = &new;
            async move { stripe.create_customer(new, &key).await }
        })
        .await;
        made.map(|customer| customer.id).map_err(|error| of_stripe(&error))
    }

    /// It was made by this run, for this run.
    async fn undo(&self, clients: &Clients, _: &EffectCall, id: &String) -> Result<(), Failure> {
        match account(clients)?.stripe.delete_customer(id).await {
            Err(error) if !error.is_missing() => Err(of_stripe_read(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Stripe's search lags behind; a list does not.
    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<String>, Failure> {
        let stripe = &account(clients)?.stripe;
        let since = Since { from: (call.begun_at - CLOCKS_DIFFER).timestamp(), to: None };
        let run = call.job.to_string();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let page = stripe.list_customers(after.as_deref(), Some(since)).await;
            let page = page.map_err(|error| of_stripe_read(&error))?;
            if let Some(found) = page.items.iter().find(|it| it.metadata.get(RUN) == Some(&run)) {
                return Ok(Probe::Happened(found.id.clone()));
            }
            after = page.items.last().map(|it| it.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(looked(None, call));
            }
        }
        Ok(Probe::CannotTell)
    }
}
