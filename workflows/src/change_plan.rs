//! A tenant gets another plan.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `find`, `look` | – | – | nothing |
//! | `swap_price` | Stripe bills the new price, and the rest of the period as asked | the old price, with a credit for what the rest of the period cost | – |
//! | `record_plan` | the new plan's limits | the old ones | the plan |

use clients::stripe::{PlanChange, Proration as Theirs, SubscriptionStatus};
use domain::{
    TenantId,
    billing::{self, Terms},
    scope, subscriptions,
};
use engine::{
    Change, Context, Effect, EffectCall, Failure, JobId, Probe, Registrar, Retention, Tx, Workflow,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Settings, Trunkline},
    cancel_subscription::find,
    error::{of_domain, of_stripe, of_stripe_read},
    stripe::{Told, account, keyed, looked},
};

/// Gives a tenant another plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangePlan {
    /// Who.
    pub tenant: TenantId,
    /// Which.
    pub plan: String,
    /// What the rest of the period costs.
    #[serde(default)]
    pub proration: Proration,
}

/// What the rest of the period costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// The difference, with the next invoice.
    #[default]
    NextInvoice,
    /// The difference, at once.
    Now,
    /// Nothing.
    None,
}

impl Proration {
    fn forward(self) -> Theirs {
        match self {
            Self::NextInvoice => Theirs::Create,
            Self::Now => Theirs::InvoiceNow,
            Self::None => Theirs::None,
        }
    }

    /// What was charged comes back as a credit.
    fn back(self) -> Theirs {
        match self {
            Self::NextInvoice | Self::Now => Theirs::Create,
            Self::None => Theirs::None,
        }
    }
}

/// The one line of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    item: String,
    price: String,
    quantity: u32,
}

impl Workflow<Trunkline> for ChangePlan {
    const KIND: &'static str = "change_plan";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Long;
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<SwapPrice>().change::<RecordPlan>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let (tenant, run) = (self.tenant, ctx.job_id());
        let (stripe_id, price) = ctx
            .transaction("find", async |tx| {
                let stripe_id = find(tx, tenant).await?;
                let price = subscriptions::price_of(tx, &self.plan).await.map_err(of_domain)?;
                let price = price.ok_or_else(|| Failure::permanent("this plan has no price"))?;
                Ok((stripe_id, price))
            })
            .await?;
        let before = ctx.step("look", async |clients, _| look(clients, &stripe_id).await).await?;
        let swap = SwapPrice { stripe_id, before, price, proration: self.proration };
        let told = ctx.effect(swap).await?;
        ctx.change(RecordPlan { tenant, told, run }).await.map(drop)
    }
}

async fn look(clients: &Clients, stripe_id: &str) -> Result<Line, Failure> {
    let now = account(clients)?.stripe.retrieve_subscription(stripe_id).await;
    let now = now.map_err(|error| of_stripe_read(&error))?;
    let [line] = now.items.as_slice() else {
        return Err(Failure::permanent("the subscription has several lines: a person has to look"));
    };
    let quantity = u32::try_from(line.quantity).map_err(|_| Failure::permanent("no quantity"))?;
    Ok(Line { item: line.id.clone(), price: line.price.clone(), quantity })
}

/// Stripe bills another price.
#[derive(Debug, Serialize, Deserialize)]
pub struct SwapPrice {
    stripe_id: String,
    before: Line,
    price: String,
    proration: Proration,
}

impl SwapPrice {
    fn change(&self, price: &str, proration: Theirs) -> PlanChange {
        PlanChange {
            item: self.before.item.clone(),
            price: price.to_owned(),
            quantity: self.before.quantity,
            proration,
        }
    }
}

impl Effect<Trunkline> for SwapPrice {
    const NAME: &'static str = "swap_price";
    type Output = Told;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Told, Failure> {
        let stripe = &account(clients)?.stripe;
        let change = self.change(&self.price, self.proration.forward());
        let changed = keyed(call, |key| {
            let change = &change;
            async move { stripe.change_plan(&self.stripe_id, change, &key).await }
        });
        Told::of(&changed.await.map_err(|error| of_stripe(&error))?, call)
    }

    async fn undo(&self, clients: &Clients, call: &EffectCall, _: &Told) -> Result<(), Failure> {
        let stripe = &account(clients)?.stripe;
        let now = stripe.retrieve_subscription(&self.stripe_id).await;
        let now = now.map_err(|error| of_stripe_read(&error))?;
        let is_ours = now.items.iter().any(|line| line.price == self.price);
        if !is_ours || now.status.is_some_and(SubscriptionStatus::is_final) {
            return Ok(());
        }
        let change = self.change(&self.before.price, self.proration.back());
        let key = format!("{}-undo-{}", call.key, call.attempt);
        let undone = stripe.change_plan(&self.stripe_id, &change, &key).await;
        undone.map(drop).map_err(|error| of_stripe_read(&error))
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<Told>, Failure> {
        let now = account(clients)?.stripe.retrieve_subscription(&self.stripe_id).await;
        let now = now.map_err(|error| of_stripe_read(&error))?;
        let is_done = now.items.iter().any(|line| line.price == self.price);
        let found = is_done.then(|| Told::of(&now, call)).transpose()?;
        Ok(looked(found, call))
    }
}

/// The new plan's limits.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordPlan {
    tenant: TenantId,
    told: Told,
    run: JobId,
}

impl Change<Trunkline> for RecordPlan {
    const NAME: &'static str = "record_plan";
    type Output = Terms;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Terms, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let told = (&self.told.facts, self.told.seen_at);
        billing::record(tx, told, "plan_changed", self.run.as_uuid()).await.map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, before: &Terms) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        billing::restore(tx, self.tenant, before, self.run.as_uuid()).await.map_err(of_domain)
    }
}
