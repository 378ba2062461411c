//! Numbers that nobody is responsible for: those of tenants that are gone, those that we pay for and do not know, and those
//! that we know and do not have.
//!
//! Nothing here is undone: whoever is wronged by it has no claim to the number. What Twilio is told may be repeated.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{numbers, pool, recovery, scope};
use engine::{Context, Failure, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::call_next,
    app::{Settings, Trunkline},
    buy_number::{desk, give_back},
    error::of_domain,
    sync_number_webhooks::{PAGES_MAX, Seen, read},
};

/// Tenants whose numbers are put right in one transaction.
const STRAYS_MAX: i64 = 100;

/// A purchase that is younger may still be on its way into the pool.
const ORPHAN_AGE: TimeDelta = TimeDelta::days(1);

/// Cleans up. Runs daily.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseOrphanNumbers {}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphans {
    /// Numbers of tenants that should have none; they were taken back.
    pub strays: u64,
    /// Numbers that should be at Twilio and are not; the free ones were taken out of the pool.
    pub missing: u64,
    /// Numbers that we bought, and that no pool and no run knows; they were given back.
    pub released: u32,
    /// Other numbers of the account that are not in the pool; somebody will know.
    pub unknown: u32,
}

impl Workflow<Trunkline> for ReleaseOrphanNumbers {
    const KIND: &'static str = "release_orphan_numbers";
    const QUEUE: &'static str = "numbers";
    type Output = Orphans;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Orphans, Failure> {
        let mut orphans = Orphans::default();
        loop {
            let strays =
                ctx.transaction("strays", async |tx| take_strays(tx, ctx.settings()).await).await?;
            orphans.strays += strays;
            if strays < STRAYS_MAX.unsigned_abs() {
                break;
            }
        }
        let has_desk = ctx
            .step("is there an account", async |clients, _| Ok(clients.numbers.is_some()))
            .await?;
        if !has_desk {
            return Ok(orphans);
        }
        let started_at = ctx.now().await?;
        let mut seen = Vec::new();
        let mut next: Option<String> = None;
        let mut pages = 0;
        loop {
            let page = ctx.step("page", async |clients, _| read(clients, next.as_deref()).await);
            let page = page.await?;
            seen.extend(page.numbers);
            next = page.next;
            pages += 1;
            if next.is_none() {
                break;
            }
            if pages == PAGES_MAX {
                // Half a list would make the other half look lost.
                return Err(Failure::permanent(
                    "the account has more numbers than are gone through",
                ));
            }
        }
        let found =
            ctx.transaction("compare", async |tx| compare(tx, seen, started_at).await).await?;
        orphans.missing = found.missing;
        orphans.unknown = found.unknown;
        for sid in found.ours {
            ctx.step("give back", async |clients, _| give_back(desk(clients)?, &sid).await).await?;
            orphans.released += 1;
        }
        if orphans != Orphans::default() {
            tracing::warn!(job.id = %ctx.job_id(), "numbers stood where they should not: {orphans:?}");
        }
        Ok(orphans)
    }
}

async fn take_strays(tx: &mut Tx, settings: &Settings) -> Result<u64, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let strays = recovery::strays(tx, STRAYS_MAX).await.map_err(of_domain)?;
    for tenant in &strays {
        numbers::release(tx, *tenant, settings.numbers.quarantine).await.map_err(of_domain)?;
    }
    call_next(tx).await?;
    Ok(u64::try_from(strays.len()).unwrap_or(u64::MAX))
}

/// What the pool and Twilio's list say of each other.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    missing: u64,
    ours: Vec<String>,
    unknown: u32,
}

async fn compare(
    tx: &mut Tx,
    seen: Vec<Seen>,
    started_at: chrono::DateTime<chrono::Utc>,
) -> Result<Found, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let sids: Vec<String> = seen.iter().map(|number| number.sid.clone()).collect();
    let missing = pool::mark_missing(tx, &sids, started_at).await.map_err(of_domain)?;
    let known: BTreeSet<String> =
        pool::known(tx, &sids).await.map_err(of_domain)?.into_iter().collect();
    let mut found = Found { missing, ours: Vec::new(), unknown: 0 };
    for number in seen.into_iter().filter(|number| !known.contains(&number.sid)) {
        let is_old = number.since.is_some_and(|since| since < started_at - ORPHAN_AGE);
        // A run that has not ended may still want it, also one that waits for a person.
        let is_ours = match number.buyer {
            Some(buyer) if is_old => tx.state_of(buyer).await?.is_none_or(engine::State::is_final),
            Some(_) | None => false,
        };
        if is_ours {
            found.ours.push(number.sid);
        } else {
            found.unknown += 1;
        }
    }
    Ok(found)
}
