//! What tenants have used, hour by hour; and Stripe is told of it where a plan bills by use.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `count` | the figures of the hours that something has changed in | – (counted anew by the next run) | – |
//! | `tell_usage` | Stripe counts it, once | – (it was used) | a line on the next invoice |
//! | `mark` | it is not told again | – | – |

use clients::stripe::MeterEvent;
use domain::{
    billing::usage::{self, Counted, Untold},
    scope,
};
use engine::{Context, Effect, EffectCall, Failure, Probe, Registrar, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_stripe},
    stripe::{account, keyed},
};

/// Stretches of two days that one run catches up with: a month.
const STRETCHES_MAX: usize = 16;

/// Hours that one run tells Stripe of; the next run goes on.
const TELLS_MAX: i64 = 200;

/// Counts. Runs hourly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeterUsage {}

/// What was counted and told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    /// Figures that were written.
    pub counted: u64,
    /// Figures that Stripe was told.
    pub told: u64,
}

impl Workflow<Trunkline> for MeterUsage {
    const KIND: &'static str = "meter_usage";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Brief;
    type Output = Metered;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<TellUsage>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Metered, Failure> {
        let mut metered = Metered::default();
        for _ in 0..STRETCHES_MAX {
            let Counted { rows, is_behind, .. } = ctx
                .transaction("count", async |tx| {
                    scope::platform(tx).await.map_err(of_domain)?;
                    usage::count(tx).await.map_err(of_domain)
                })
                .await?;
            metered.counted += rows;
            if !is_behind {
                break;
            }
        }
        if ctx.settings().stripe_is_live.is_none() {
            return Ok(metered);
        }
        let untold = ctx
            .transaction("untold", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                usage::untold(tx, TELLS_MAX).await.map_err(of_domain)
            })
            .await?;
        for used in untold {
            ctx.effect(TellUsage { used: used.clone() }).await?;
            ctx.transaction("mark", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                usage::mark_told(tx, &used).await.map_err(of_domain)
            })
            .await?;
            metered.told += 1;
        }
        Ok(metered)
    }
}

/// Stripe is told. It counts an identifier once, so whatever is in doubt is told again.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellUsage {
    used: Untold,
}

impl TellUsage {
    /// The same for the same hour, whichever run tells it.
    fn identifier(&self) -> String {
        let Untold { tenant, hour, kind, quantity, .. } = &self.used;
        format!("{tenant}:{}:{kind}:{quantity}", hour.timestamp())
    }
}

impl Effect<Trunkline> for TellUsage {
    const NAME: &'static str = "tell_usage";
    const KEY_IS_HONOURED: bool = true;
    type Output = ();

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<(), Failure> {
        let stripe = &account(clients)?.stripe;
        let event = MeterEvent {
            event_name: self.used.meter.clone(),
            customer: self.used.customer.clone(),
            value: self.used.quantity - self.used.told,
            timestamp: self.used.hour.timestamp(),
            identifier: self.identifier(),
        };
        let told = keyed(call, |key| {
            let event = &event;
            async move { stripe.report_usage(event, &key).await }
        })
        .await;
        told.map_err(|error| of_stripe(&error))
    }

    /// Usage is not taken back: it was used.
    async fn probe(&self, _: &Clients, _: &EffectCall) -> Result<Probe<()>, Failure> {
        Ok(Probe::Happened(()))
    }
}
