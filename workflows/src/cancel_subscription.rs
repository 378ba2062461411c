//! A tenant's subscription ends: with the period that runs, or now.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `find` | – | – | nothing |
//! | `end_with_period` | Stripe will not renew it | Stripe will | it runs on until its end |
//! | or pivot `cancel now`, then `end_now` | Stripe ends it, for good | – (no way back) | it is over |
//! | `record_end` | our books say so | they say what they said | – |

use clients::stripe::SubscriptionStatus;
use domain::{
    TenantId,
    billing::{self, Terms},
    scope,
};
use engine::{
    Change, Context, Effect, EffectCall, Failure, JobId, Probe, Registrar, Retention, Tx, Workflow,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Settings, Trunkline},
    error::{of_domain, of_stripe, of_stripe_read},
    stripe::{Told, account, keyed, looked},
};

/// Ends a tenant's subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelSubscription {
    /// Whose.
    pub tenant: TenantId,
    /// When.
    pub at: EndsAt,
}

/// When it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndsAt {
    /// With the period that runs: it is paid for.
    PeriodEnd,
    /// At once, for good.
    Now,
}

impl Workflow<Trunkline> for CancelSubscription {
    const KIND: &'static str = "cancel_subscription";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Long;
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<EndWithPeriod>().effect::<EndNow>().change::<RecordEnd>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let (tenant, run) = (self.tenant, ctx.job_id());
        let stripe_id = ctx.transaction("find", async |tx| find(tx, tenant).await).await?;
        let told = match self.at {
            EndsAt::PeriodEnd => ctx.effect(EndWithPeriod { stripe_id }).await?,
            EndsAt::Now => {
                ctx.pivot("cancel now").await?;
                ctx.effect(EndNow { stripe_id }).await?
            }
        };
        ctx.change(RecordEnd { tenant, told, run }).await.map(drop)
    }
}

/// The name at Stripe of what a tenant has.
pub(crate) async fn find(tx: &mut Tx, tenant: TenantId) -> Result<String, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let current = billing::current(tx, tenant).await.map_err(of_domain)?;
    current
        .map(|it| it.stripe_id)
        .ok_or_else(|| Failure::permanent("the tenant has no subscription that is paid for"))
}

/// Stripe will not renew it.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndWithPeriod {
    stripe_id: String,
}

impl Effect<Trunkline> for EndWithPeriod {
    const NAME: &'static str = "end_with_period";
    type Output = Told;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Told, Failure> {
        let stripe = &account(clients)?.stripe;
        let ended = keyed(call, |key| async move {
            stripe.set_cancel_at_period_end(&self.stripe_id, true, &key).await
        });
        Told::of(&ended.await.map_err(|error| of_stripe(&error))?, call)
    }

    async fn undo(&self, clients: &Clients, call: &EffectCall, _: &Told) -> Result<(), Failure> {
        let stripe = &account(clients)?.stripe;
        let now = stripe.retrieve_subscription(&self.stripe_id).await;
        let now = now.map_err(|error| of_stripe_read(&error))?;
        if !now.cancel_at_period_end || now.status.is_some_and(SubscriptionStatus::is_final) {
            return Ok(());
        }
        let key = format!("{}-undo-{}", call.key, call.attempt);
        let undone = stripe.set_cancel_at_period_end(&self.stripe_id, false, &key).await;
        undone.map(drop).map_err(|error| of_stripe_read(&error))
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<Told>, Failure> {
        let now = account(clients)?.stripe.retrieve_subscription(&self.stripe_id).await;
        let now = now.map_err(|error| of_stripe_read(&error))?;
        let found = now.cancel_at_period_end.then(|| Told::of(&now, call)).transpose()?;
        Ok(looked(found, call))
    }
}

/// Stripe ends it. To end twice is to end once, so whatever is in doubt is simply done again.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndNow {
    stripe_id: String,
}

impl Effect<Trunkline> for EndNow {
    const NAME: &'static str = "end_now";
    const KEY_IS_HONOURED: bool = true;
    type Output = Told;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Told, Failure> {
        let stripe = &account(clients)?.stripe;
        let ended = match stripe.cancel_subscription(&self.stripe_id).await {
            Err(error) if error.is_missing() => stripe.retrieve_subscription(&self.stripe_id).await,
            other => other,
        };
        Told::of(&ended.map_err(|error| of_stripe(&error))?, call)
    }
}

/// Our books say so.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordEnd {
    tenant: TenantId,
    told: Told,
    run: JobId,
}

impl Change<Trunkline> for RecordEnd {
    const NAME: &'static str = "record_end";
    type Output = Terms;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Terms, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let told = (&self.told.facts, self.told.seen_at);
        billing::record(tx, told, "cancelled", self.run.as_uuid()).await.map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, before: &Terms) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        billing::restore(tx, self.tenant, before, self.run.as_uuid()).await.map_err(of_domain)
    }
}
