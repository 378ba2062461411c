//! What tenants have used, hour by hour; and Stripe is told of it where a plan bills by use.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `count` | the figures of the hours that something has changed in | – (counted anew by the next run) | – |
//! | `stamp` | this total is being told, and no other of the hour until it is known to be told | – (the next run tells it) | – |
//! | `tell_usage` | Stripe counts it, once | – (it was used) | a line on the next invoice |
//! | `mark` | it is not told again | – | – |
//! | `leave` | what Stripe refuses, or may have counted without our knowing, is left to a person | – | – |
//! | `go_on` | another run, if there was more than one takes | – (the next hour's does it) | – |

use chrono::TimeDelta;
use clients::stripe::MeterEvent;
use domain::{
    billing::{
        telling::{self, Left, Untold},
        usage::{self, Counted},
    },
    scope,
};
use engine::{Context, Effect, EffectCall, Failure, Gates, Probe, Registrar, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_stripe},
    events,
    stripe::{account, keyed},
};

/// Stretches of two days that one run catches up with: a month.
const STRETCHES_MAX: usize = 16;

/// Hours that one run tells Stripe of; if there are more, another run goes on at once.
const TELLS_MAX: i64 = 200;

/// Stripe knows a repeat by its identifier for 24 hours at least after it has heard it, which is later than we began to tell it;
/// the last hour is for a request that is slow, and for clocks that differ.
const REPEATS_KNOWN: TimeDelta = TimeDelta::hours(23);

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
    /// Figures that were left to a person.
    #[serde(default)]
    pub left: u64,
}

impl Workflow<Trunkline> for MeterUsage {
    const KIND: &'static str = "meter_usage";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Brief;
    type Output = Metered;

    /// One that an operator starts waits for the one that is under way. What waits to try again lets others by: it is
    /// [`telling::begin`] that lets nothing be told twice.
    fn gates(&self) -> Gates {
        Gates::none().at_once("meter_usage", "", 1)
    }

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
                telling::untold(tx, TELLS_MAX).await.map_err(of_domain)
            })
            .await?;
        let is_full = untold.len() >= usize::try_from(TELLS_MAX).unwrap_or(usize::MAX);
        // Runs that began before hours were stamped have told some of these already.
        let stamps = ctx.patched("stamp").await?;
        for used in untold {
            let Some(used) = (if stamps { stamp(ctx, used).await? } else { Some(used) }) else {
                continue;
            };
            match ctx.effect(TellUsage { used: used.clone() }).await? {
                None => {
                    mark(ctx, &used).await?;
                    metered.told += 1;
                }
                Some(not_told) => {
                    leave(ctx, &used, &not_told).await?;
                    metered.left += 1;
                }
            }
        }
        if is_full {
            // Each of them was told or left, so the next run finds others.
            ctx.transaction("go_on", async |tx| {
                tx.enqueue(MeterUsage {}.job()).await?;
                Ok(())
            })
            .await?;
        }
        Ok(metered)
    }
}

async fn stamp(ctx: &Context<'_, Trunkline>, used: Untold) -> Result<Option<Untold>, Failure> {
    ctx.transaction("stamp", async |tx| {
        scope::platform(tx).await.map_err(of_domain)?;
        telling::begin(tx, &used).await.map_err(of_domain)
    })
    .await
}

async fn mark(ctx: &Context<'_, Trunkline>, used: &Untold) -> Result<(), Failure> {
    ctx.transaction("mark", async |tx| {
        scope::platform(tx).await.map_err(of_domain)?;
        telling::mark_told(tx, used).await.map_err(of_domain)
    })
    .await
}

/// One tenant's hour is no reason to tell nothing of the others'.
async fn leave(
    ctx: &Context<'_, Trunkline>,
    used: &Untold,
    not_told: &NotTold,
) -> Result<(), Failure> {
    let run = ctx.job_id().as_uuid();
    ctx.transaction("leave", async |tx| {
        scope::platform(tx).await.map_err(of_domain)?;
        let why = (not_told.why, not_told.says.as_deref());
        telling::leave(tx, used, why, run).await.map_err(of_domain)?;
        tracing::error!(
            event = events::USAGE_NOT_TOLD,
            tenant_id = %used.tenant,
            hour = %used.hour,
            kind = used.kind,
            why = not_told.why.as_str(),
            "Stripe is not told what a tenant has used: a person has to look"
        );
        Ok(())
    })
    .await
}

/// Why Stripe is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotTold {
    why: Left,
    /// What it was answered, where it was asked.
    says: Option<String>,
}

/// Stripe is told. It counts an identifier once, so whatever is in doubt is told again.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellUsage {
    used: Untold,
}

impl TellUsage {
    /// The same for the same total of the hour, whichever run tells it.
    fn identifier(&self) -> String {
        let Untold { tenant, hour, kind, quantity, .. } = &self.used;
        format!("{tenant}:{}:{kind}:{quantity}", hour.timestamp())
    }
}

impl Effect<Trunkline> for TellUsage {
    const NAME: &'static str = "tell_usage";
    const KEY_IS_HONOURED: bool = true;
    /// None: it was told.
    type Output = Option<NotTold>;

    async fn apply(
        &self,
        clients: &Clients,
        call: &EffectCall,
    ) -> Result<Option<NotTold>, Failure> {
        if self.used.since.is_some_and(|since| call.begun_at - since >= REPEATS_KNOWN) {
            return Ok(Some(NotTold { why: Left::Doubtful, says: None }));
        }
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
        let Err(error) = told else { return Ok(None) };
        let failure = of_stripe(&error);
        if failure.is_permanent() {
            return Ok(Some(NotTold { why: Left::Refused, says: Some(error.to_string()) }));
        }
        Err(failure)
    }

    /// Usage is not taken back: it was used.
    async fn probe(&self, _: &Clients, _: &EffectCall) -> Result<Probe<Option<NotTold>>, Failure> {
        Ok(Probe::Happened(None))
    }
}
