//! Keeps the pool from running dry: says how it stands, and buys where that is wanted.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `look` | – (a look at the pool and the line) | – | nothing |
//! | `buy_number` (children, one at a time) | numbers in the pool | – (each for itself; one that fails spoils no other) | `waitlisted` until the next look |

use domain::{numbers, scope, waitlist};
use engine::{Context, Failure, Retention, RetryPolicy, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    buy_number::BuyNumber,
    error::of_domain,
};

/// Numbers bought by one run: a mistake in a limit must not empty an account in one night.
const PURCHASES_MAX: u32 = 5;

/// Refills. Runs every ten minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefillPool {}

/// How the pool stood, and what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refilled {
    /// Numbers that were free.
    pub available: u32,
    /// Below this many it is refilled.
    pub threshold: u32,
    /// Numbers that were bought.
    pub bought: u32,
}

impl Workflow<Trunkline> for RefillPool {
    const KIND: &'static str = "refill_pool";
    const QUEUE: &'static str = "numbers";
    /// The next tick comes in ten minutes.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = Refilled;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Refilled, Failure> {
        let gap = ctx.transaction("look", async |tx| look(tx, ctx.settings()).await).await?;
        let Gap { available, threshold, missing } = gap;
        if missing > 0 {
            tracing::warn!("{available} numbers are free, below the {threshold} that should be");
        }
        let wanted = if ctx.settings().numbers.buys { missing.min(PURCHASES_MAX) } else { 0 };
        let buy = |_: u32| BuyNumber { if_below: Some(threshold) };
        let ends = ctx.fan_out("purchases", 0..wanted, 1, buy).each().await?;
        let bought = ends.iter().filter(|end| matches!(end, Ok(Some(_)))).count();
        Ok(Refilled { available, threshold, bought: u32::try_from(bought).unwrap_or(u32::MAX) })
    }
}

/// How far the pool is from where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    available: u32,
    threshold: u32,
    missing: u32,
}

/// Whoever waits in line needs one number each, and then as many should be free.
async fn look(tx: &mut Tx, settings: &Settings) -> Result<Gap, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let level = numbers::pool_count(tx).await.map_err(of_domain)?;
    let in_line = waitlist::len(tx).await.map_err(of_domain)?;
    let small = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    let threshold = settings.numbers.threshold(level.total()).saturating_add(small(in_line));
    let available = small(level.available);
    Ok(Gap { available, threshold, missing: threshold.saturating_sub(available) })
}
