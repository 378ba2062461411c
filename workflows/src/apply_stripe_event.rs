//! What Stripe says has happened. An event is a hint, and comes late, twice or out of order; what is true is told by the
//! object, which is asked for. One object at a time, and forward only.

use std::time::Duration;

use domain::{
    billing::{self, Applied},
    scope,
};
use engine::{Context, Failure, Gates, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_stripe_read},
    stripe::{account, facts},
};

/// While a workflow of ours is opening the subscription, its own writing goes before: after these pauses we look again.
const PAUSES: [Duration; 3] =
    [Duration::from_secs(10), Duration::from_mins(2), Duration::from_mins(20)];

/// Applies what an event hints at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApplyStripeEvent {
    /// `evt_…`.
    pub event: String,
    /// What it is about: `sub_…`, `in_…`.
    pub object: String,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// It was looked into, and this is what it came to.
    Applied(Applied),
    /// It is about nothing that our books are concerned with.
    Ignored,
}

impl Workflow<Trunkline> for ApplyStripeEvent {
    const KIND: &'static str = "apply_stripe_event";
    const QUEUE: &'static str = "billing";
    type Output = Heard;

    /// Events of one object are applied one after the other, in the whole fleet.
    fn gates(&self) -> Gates {
        Gates::none().at_once("stripe_object", &self.object, 1)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Heard, Failure> {
        let Some(is_live) = ctx.settings().stripe_is_live else { return Ok(Heard::Ignored) };
        let run = ctx.job_id().as_uuid();
        for pause in PAUSES {
            // Before Stripe is asked: what it says is at least this new.
            let asked_at = ctx.now().await?;
            let told = ctx.step("fetch", async |clients, _| fetch(clients, &self.object).await);
            let Some(told) = told.await? else { return Ok(Heard::Ignored) };
            let applied = ctx.transaction("apply", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                billing::apply(tx, &told, asked_at, is_live, run).await.map_err(of_domain)
            });
            let applied = applied.await?;
            if applied == Applied::Doubtful {
                tracing::error!(
                    stripe.object = self.object,
                    "a subscription at Stripe is not as it should be"
                );
            }
            if applied != Applied::BeingOpened {
                return Ok(Heard::Applied(applied));
            }
            ctx.sleep(pause).await?;
        }
        Ok(Heard::Applied(Applied::BeingOpened))
    }
}

/// The subscription that an object belongs to, as it is now. None: it belongs to none, or is gone.
async fn fetch(clients: &Clients, object: &str) -> Result<Option<billing::Facts>, Failure> {
    let stripe = &account(clients)?.stripe;
    let subscription = if object.starts_with("sub_") {
        Some(object.to_owned())
    } else if object.starts_with("in_") {
        match stripe.retrieve_invoice(object).await {
            Ok(invoice) => invoice.subscription,
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(of_stripe_read(&error)),
        }
    } else {
        None
    };
    let Some(id) = subscription else { return Ok(None) };
    match stripe.retrieve_subscription(&id).await {
        Ok(found) => facts(&found).map(Some).ok_or_else(|| {
            Failure::permanent("Stripe's subscription is in a state we do not know")
        }),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(of_stripe_read(&error)),
    }
}
