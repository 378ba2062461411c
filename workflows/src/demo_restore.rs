//! A demo that is over comes back for another while: from the archive if it was removed, with a login and a number of its own.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `look` | – (what is left of it) | – | `expired` |
//! | `reopen_signup` | the sign-up is being provisioned | it is over again | `provisioning` |
//! | `open_tenant`, `restore_bots`, `open_subscription` (if it was removed) | tenant, assistants as they were, plan | they go | `provisioning` |
//! | `allocate_number` (child, if it has none) | a number | it goes back to the pool | `provisioning`, or `waitlisted` |
//! | `create_user` (if it was removed) | a login with a new temporary password, delivered as the first one was | the login goes | `provisioning` |
//! | `activate` | the demo begins anew | – (the last step) | `active` |

use domain::{
    TenantId, bots, demos, numbers, scope,
    signups::{self, SignupStatus},
    subscriptions,
    tenants::{self, TenantStatus},
};
use engine::{Change, Context, Failure, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::AllocateNumber,
    app::{Settings, Trunkline},
    demo_expire::note,
    demo_signup::{CreateUser, DemoReady, OpenSubscription, OpenTenant, activate},
    error::of_domain,
};

/// Brings a demo back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoRestore {
    /// Which.
    pub tenant: TenantId,
}

/// What is left of a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Left {
    /// It is only over.
    Expired {
        /// Whether it still has its number.
        has_number: bool,
    },
    /// It is in the archive.
    Archived,
}

impl Workflow<Trunkline> for DemoRestore {
    const KIND: &'static str = "demo_restore";
    const QUEUE: &'static str = "demo";
    const RETENTION: Retention = Retention::Long;
    type Output = DemoReady;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger
            .change::<ReopenSignup>()
            .change::<OpenTenant>()
            .change::<RestoreBots>()
            .change::<OpenSubscription>()
            .change::<CreateUser>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<DemoReady, Failure> {
        let tenant = self.tenant;
        let left = ctx.transaction("look", async |tx| look(tx, tenant).await).await?;
        ctx.change(ReopenSignup { tenant }).await?;
        if left == Left::Archived {
            ctx.change(OpenTenant { tenant }).await?;
            ctx.change(RestoreBots { tenant }).await?;
            ctx.change(OpenSubscription { tenant }).await?;
        }
        if left != (Left::Expired { has_number: true }) {
            ctx.child(AllocateNumber { tenant }).await?;
        }
        if left == Left::Archived {
            ctx.change(CreateUser { tenant }).await?;
        }
        ctx.transaction("activate", async |tx| {
            let ready = activate(tx, ctx.settings(), tenant).await?;
            let ends = ctx.settings().demo.lifetime;
            subscriptions::prolong_demo(tx, tenant, ends).await.map_err(of_domain)?;
            if left == Left::Archived {
                demos::mark_restored(tx, tenant).await.map_err(of_domain)?;
            }
            note(tx, tenant, "demo.restored", "brought back by an operator").await?;
            Ok(ready)
        })
        .await
    }
}

async fn look(tx: &mut Tx, tenant: TenantId) -> Result<Left, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    match tenants::get(tx, tenant).await.map_err(of_domain)? {
        Some(found) if found.status == TenantStatus::Expired => {
            let number = numbers::of_tenant(tx, tenant).await.map_err(of_domain)?;
            Ok(Left::Expired { has_number: number.is_some() })
        }
        Some(found) => {
            Err(Failure::permanent(format!("the demo is not over: it is {}", found.status)))
        }
        None if demos::archived(tx, tenant).await.map_err(of_domain)?.is_some() => {
            Ok(Left::Archived)
        }
        None => Err(Failure::permanent("nothing is left of this demo")),
    }
}

/// The sign-up, on its way again.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReopenSignup {
    tenant: TenantId,
}

impl Change<Trunkline> for ReopenSignup {
    const NAME: &'static str = "reopen_signup";
    type Output = ();

    /// Fails for good if the person was forgotten, or has another demo by now: the schema sees to both.
    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        signups::set_status(tx, self.tenant, SignupStatus::Provisioning).await.map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        signups::set_status(tx, self.tenant, SignupStatus::Expired).await.map_err(of_domain)
    }
}

/// The assistants, as they were archived.
#[derive(Debug, Serialize, Deserialize)]
pub struct RestoreBots {
    tenant: TenantId,
}

impl Change<Trunkline> for RestoreBots {
    const NAME: &'static str = "restore_bots";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let archived = demos::archived(tx, self.tenant).await.map_err(of_domain)?;
        let archived = archived.ok_or_else(|| Failure::permanent("the archive is gone"))?;
        demos::restore_bots(tx, self.tenant, &archived).await.map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        bots::delete_all(tx, self.tenant).await.map_err(of_domain)
    }
}
