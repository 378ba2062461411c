//! A demo becomes a customer and keeps what it has; one who buys a plan, or nobody.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `become_customer` | the tenant is active without an end; its demo plan is over, unless a paid one is to follow it | it is the demo again that it was | the demo goes on, or is open again |
//! | `create_subscription` (a child, if a plan is bought) | it is paid for; the demo plan makes room | cancelled, refunded, the demo plan is back | the demo's plan |

use domain::{
    TenantId, scope, subscriptions,
    tenants::{self, TenantStatus},
};
use engine::{Change, Context, Failure, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    create_subscription::{CreateSubscription, Subscribed},
    demo_expire::note,
    error::of_domain,
};

/// Converts a demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoConvert {
    /// Which.
    pub tenant: TenantId,
    /// What it buys; none: somebody sees to that later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<CreateSubscription>,
}

impl Workflow<Trunkline> for DemoConvert {
    const KIND: &'static str = "demo_convert";
    const QUEUE: &'static str = "demo";
    const RETENTION: Retention = Retention::Long;
    /// What was bought.
    type Output = Option<Subscribed>;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<BecomeCustomer>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Option<Subscribed>, Failure> {
        let buys = self.subscription.is_some();
        ctx.change(BecomeCustomer { tenant: self.tenant, buys }).await?;
        let Some(subscription) = &self.subscription else { return Ok(None) };
        ctx.child(subscription.clone()).await.map(Some)
    }
}

/// The move from a demo to a customer.
#[derive(Debug, Serialize, Deserialize)]
pub struct BecomeCustomer {
    tenant: TenantId,
    /// A paid plan follows: until it is there, the demo's plan serves.
    #[serde(default)]
    buys: bool,
}

impl Change<Trunkline> for BecomeCustomer {
    const NAME: &'static str = "become_customer";
    /// Where the tenant stood.
    type Output = TenantStatus;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<TenantStatus, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let stood = tenants::move_to(tx, self.tenant, TenantStatus::Active, "converted")
            .await
            .map_err(of_domain)?;
        if stood != TenantStatus::Active {
            if !self.buys {
                subscriptions::set_demo_ended(tx, self.tenant, true).await.map_err(of_domain)?;
            }
            note(tx, self.tenant, "demo.converted", "became a customer").await?;
        }
        Ok(stood)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, stood: &TenantStatus) -> Result<(), Failure> {
        if *stood == TenantStatus::Active {
            return Ok(());
        }
        scope::platform(tx).await.map_err(of_domain)?;
        let moved = tenants::move_back(tx, self.tenant, TenantStatus::Active, *stood).await;
        if moved.map_err(of_domain)? {
            if !self.buys {
                subscriptions::set_demo_ended(tx, self.tenant, false).await.map_err(of_domain)?;
            }
            note(tx, self.tenant, "demo.conversion_undone", "it could not be finished").await?;
        }
        Ok(())
    }
}
