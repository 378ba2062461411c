//! A tenant to show: set up as a demo is, but for the proof of its phone, since nobody answers there; then with a past. Nothing
//! of it reaches a provider.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open_signup` | the sign-up, written by the API with the job | the sign-up ends and forgets the person | – |
//! | `open_tenant` | a tenant, `demo_pending` | the tenant and all that hangs on it go | – |
//! | `vouch` | the sign-up is being provisioned | – (goes with the sign-up) | – |
//! | `open_subscription`, `create_bot` | plan and assistant | they go | – |
//! | `allocate_number` (child) | a number | it goes back to the pool | – |
//! | `create_user` | a login | it goes | – |
//! | `tell` | texts and calls of the past | – (goes with the tenant) | – |
//! | `activate` | the demo begins; something has gone wrong in it: one job fails, one has to be decided about | – (the last step) | – |

mod past; // what has happened to it

use domain::{
    BotId, TenantId, scope,
    shows::Show,
    signups::{self, SignupStatus},
};
use engine::{Context, Failure, Hold, Registrar, Unique, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::AllocateNumber,
    app::Trunkline,
    demo_signup::{
        CreateBot, CreateUser, DemoReady, OpenSubscription, OpenTenant, TakeOverSignup, activate,
    },
    error::of_domain,
    show_order::{ShowOrder, Wholesaler},
};

/// Sets one up. The API has written the sign-up, under ids of its making, in the transaction of this job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShowDemo {
    /// The tenant to be.
    pub tenant: TenantId,
    /// Its assistant to be.
    pub bot: BotId,
    /// Who it is.
    pub show: Show,
}

impl Workflow<Trunkline> for ShowDemo {
    const KIND: &'static str = "show_demo";
    const QUEUE: &'static str = "demo";
    type Output = DemoReady;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger
            .change::<TakeOverSignup>()
            .change::<OpenTenant>()
            .change::<OpenSubscription>()
            .change::<CreateBot>()
            .change::<CreateUser>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<DemoReady, Failure> {
        let (tenant, bot, show) = (self.tenant, self.bot, self.show);
        ctx.change(TakeOverSignup { tenant }).await?;
        ctx.change(OpenTenant { tenant }).await?;
        ctx.transaction("vouch", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            signups::set_status(tx, tenant, SignupStatus::Provisioning).await.map_err(of_domain)
        })
        .await?;
        ctx.change(OpenSubscription { tenant }).await?;
        ctx.change(CreateBot::new(tenant, bot)).await?;
        ctx.child(AllocateNumber { tenant }).await?;
        ctx.change(CreateUser { tenant }).await?;
        let call = ctx.transaction("tell", async |tx| past::tell(tx, tenant, show).await).await?;
        ctx.transaction("activate", async |tx| {
            let ready = activate(tx, ctx.settings(), tenant).await?;
            for wholesaler in troubles(show) {
                let key = format!("{tenant}:{wholesaler:?}");
                let order = ShowOrder { tenant, call, wholesaler: *wholesaler }.job();
                let order = order.tenant(tenant.as_uuid());
                tx.enqueue(order.unique(Unique::new("show_order", &key, Hold::WhileLive))).await?;
            }
            Ok(ready)
        })
        .await
    }
}

/// What goes wrong at whom: at the bakery an order fails, at the plumber nobody knows whether one was placed.
fn troubles(show: Show) -> &'static [Wholesaler] {
    match show {
        Show::Bakery => &[Wholesaler::SoldOut],
        Show::Dentist => &[],
        Show::Plumber => &[Wholesaler::CutOff],
    }
}
