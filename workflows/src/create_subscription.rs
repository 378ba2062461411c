//! A tenant subscribes to a plan that is paid for, or nothing stands: neither with us nor at Stripe.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `keep_place` | a subscription of ours, `pending` | the place is given up, and a `compensating_cancel` is written down | nothing |
//! | `make_customer` | a customer at Stripe, unless there is one | the customer is deleted | nothing |
//! | `subscribe` | a subscription at Stripe, and the first payment | it is cancelled, what was paid is refunded in full, an open invoice is voided | a payment |
//! | `activate_subscription` | ours is `active`; a demo makes room | it is over; the demo is back | the plan |
//!
//! The tenant must be `active`: a demo becomes one first. As a child of such a conversion, all of it is taken back with it.

mod customer; // who pays
mod subscribe; // what is paid for

use domain::{
    SubscriptionId, TenantId,
    billing::{self, Activated, Opened, Opening},
    scope, tenants,
};
use engine::{Change, Context, Failure, JobId, Registrar, Retention, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

pub use self::{customer::MakeCustomer, subscribe::Subscribe};
use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
    stripe::Told,
};

/// Subscribes a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateSubscription {
    /// Who.
    pub tenant: TenantId,
    /// Our name for it, made by the caller.
    pub subscription: SubscriptionId,
    /// To what.
    pub plan: String,
    /// How many.
    pub quantity: i32,
    /// How it is paid.
    #[serde(default)]
    pub collection: Collection,
    /// Free days before the first payment.
    #[serde(default)]
    pub trial_days: Option<u16>,
    /// `pm_…`, for a tenant that Stripe does not know yet.
    #[serde(default)]
    pub payment_method: Option<String>,
}

/// How it is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// From the customer's payment method, at once; if that fails there is no subscription.
    #[default]
    Charge,
    /// By an invoice, payable within 14 days.
    Invoice,
}

impl CreateSubscription {
    /// One of a plan, paid from the customer's payment method.
    pub fn new(tenant: TenantId, plan: &str) -> CreateSubscription {
        CreateSubscription {
            tenant,
            subscription: SubscriptionId::mint(),
            plan: plan.to_owned(),
            quantity: 1,
            collection: Collection::Charge,
            trial_days: None,
            payment_method: None,
        }
    }
}

/// A subscription that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Our name for it.
    pub subscription: SubscriptionId,
    /// `sub_…`.
    pub stripe_id: String,
}

impl Workflow<Trunkline> for CreateSubscription {
    const KIND: &'static str = "create_subscription";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Long;
    type Output = Subscribed;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger
            .change::<KeepPlace>()
            .effect::<MakeCustomer>()
            .effect::<Subscribe>()
            .change::<ActivateSubscription>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Subscribed, Failure> {
        let run = ctx.job_id();
        let CreateSubscription { tenant, subscription, quantity, .. } = *self;
        let place = KeepPlace { tenant, subscription, plan: self.plan.clone(), quantity, run };
        let Kept { opened, name } = ctx.change(place).await?;
        let customer = if let Some(customer) = opened.customer {
            customer
        } else {
            let payment_method = self.payment_method.clone();
            ctx.effect(MakeCustomer { tenant, name, payment_method }).await?
        };
        let subscribe = Subscribe {
            tenant,
            subscription,
            customer,
            price: opened.price,
            quantity,
            collection: self.collection,
            trial_days: self.trial_days,
        };
        let told = ctx.effect(subscribe).await?;
        let stripe_id = told.facts.stripe_id.clone();
        ctx.change(ActivateSubscription { tenant, subscription, told, run }).await?;
        Ok(Subscribed { subscription, stripe_id })
    }
}

/// A place that is kept before Stripe is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeepPlace {
    tenant: TenantId,
    subscription: SubscriptionId,
    plan: String,
    quantity: i32,
    run: JobId,
}

/// What is known of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    opened: Opened,
    name: Sealed<String>,
}

impl Change<Trunkline> for KeepPlace {
    const NAME: &'static str = "keep_place";
    type Output = Kept;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Kept, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let opening = Opening {
            subscription: self.subscription,
            tenant: self.tenant,
            plan: &self.plan,
            quantity: self.quantity,
            run: self.run.as_uuid(),
        };
        let opened = billing::open(tx, opening).await.map_err(of_domain)?;
        let tenant = tenants::get(tx, self.tenant).await.map_err(of_domain)?;
        let name = tenant.map(|it| it.company_name).unwrap_or_default();
        Ok(Kept { opened, name: tx.seal(&name)? })
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, _: &Kept) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let run = self.run.as_uuid();
        billing::discard(tx, self.tenant, self.subscription, run).await.map_err(of_domain)
    }
}

/// What Stripe has made comes into force.
#[derive(Debug, Serialize, Deserialize)]
pub struct ActivateSubscription {
    tenant: TenantId,
    subscription: SubscriptionId,
    told: Told,
    run: JobId,
}

impl Change<Trunkline> for ActivateSubscription {
    const NAME: &'static str = "activate_subscription";
    type Output = Activated;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Activated, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let told = (&self.told.facts, self.told.seen_at);
        billing::activate(tx, self.subscription, self.tenant, told, self.run.as_uuid())
            .await
            .map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, done: &Activated) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        billing::deactivate(tx, self.subscription, self.tenant, done).await.map_err(of_domain)
    }
}
