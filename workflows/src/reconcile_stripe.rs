//! Our books against Stripe's, all of them, every night. What may simply be set right is; the rest is reported.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `begin` | a run | – | a run without an end |
//! | `reconcile_pages` (children) | pages compared, and set right | – (each fix is written down with what stood before) | what was compared so far |
//! | `finish` | the report | – | – |
//!
//! The pages go in children, so that no run remembers more than a stretch of them: neither its memory nor its replay grows
//! with the number of subscriptions.

use domain::{
    billing::reconciliation::{self, Report, Tally},
    scope,
};
use engine::{Context, Failure, Gates, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    error::of_domain,
    metrics,
    reconcile_pages::{Part, ReconcilePages},
};

/// With a stretch of 25 pages of 100 each, fifty million objects. Beyond it something goes in circles.
const STRETCHES_MAX: usize = 20_000;

/// Compares everything. Runs at midnight.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileStripe {}

impl Workflow<Trunkline> for ReconcileStripe {
    const KIND: &'static str = "reconcile_stripe";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Long;
    /// None: there is no account to compare with.
    type Output = Option<Report>;

    /// A run that an operator starts waits for the one that is under way.
    fn gates(&self) -> Gates {
        Gates::none().at_once("reconcile_stripe", "", 1)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Option<Report>, Failure> {
        if ctx.settings().stripe_is_live.is_none() {
            return Ok(None);
        }
        let run = ctx.job_id();
        ctx.transaction("begin", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            reconciliation::begin(tx, run.as_uuid()).await.map_err(of_domain)
        })
        .await?;
        let (mut tally, mut suspicious) = (Tally::default(), false);
        for part in Part::ALL {
            let (mut so_far, mut after) = (Tally::default(), None);
            for _ in 0..STRETCHES_MAX {
                let stretch =
                    ctx.child(ReconcilePages { run, part, after, so_far, suspicious }).await?;
                (so_far, suspicious) = (stretch.so_far, stretch.suspicious);
                after = stretch.after;
                // How many there are, only Stripe knows.
                ctx.progress(tally.plus(so_far).checked, None, part.note());
                if after.is_none() {
                    break;
                }
            }
            tally = tally.plus(so_far);
        }
        let report = ctx
            .transaction("finish", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                let doubles =
                    reconciliation::duplicates(tx, run.as_uuid()).await.map_err(of_domain)?;
                reconciliation::finish(tx, run.as_uuid(), tally.plus(doubles), suspicious)
                    .await
                    .map_err(of_domain)
            })
            .await?;
        ctx.step("tell", async |_, _| {
            metrics::reconciled(&report);
            if report.reported > 0 {
                let found = report.reported;
                tracing::error!(job.id = %run, found, "our books differ from Stripe's where a person has to look");
            }
            Ok(())
        })
        .await?;
        Ok(Some(report))
    }
}
