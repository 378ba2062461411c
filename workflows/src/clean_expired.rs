//! Forgets what has served its time: verification codes, sessions, tenants' keys, secrets of providers that were exchanged,
//! counters of rate limits, what was said in calls.

use std::time::Duration;

use domain::{
    calls::transcripts, codes, demos, guesses, limits, provider_credentials, scope, sessions,
    tenant_keys,
};
use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain, events};

/// Used and expired codes are kept this long, without their hash, so that the rate of success can be told.
const CODES_KEPT: Duration = Duration::from_hours(168);

/// What is kept of removed demos, and the people of their sign-ups: so long a demo can be brought back.
const ARCHIVES_KEPT: Duration = Duration::from_hours(90 * 24);

/// A tenant's key that is over: so long it can be told whose an id in the record was. A year, and the month in which somebody
/// looks back at it.
const KEYS_KEPT: Duration = Duration::from_hours(400 * 24);

/// Cleans. Runs hourly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CleanExpired {}

/// What was cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanedUp {
    /// Codes whose hash was dropped.
    pub codes_forgotten: u64,
    /// Codes that were deleted.
    pub codes_deleted: u64,
    /// Sessions that were over.
    pub sessions: u64,
    /// Counters whose window was over.
    pub limits: u64,
    /// People of demos that were removed long ago.
    #[serde(default)]
    pub people_forgotten: u64,
    /// Transcripts, and what callers left, that were kept as long as their tenant wanted.
    #[serde(default)]
    pub calls_forgotten: u64,
    /// Keys of tenants that were over long ago.
    #[serde(default)]
    pub keys_forgotten: u64,
    /// Secrets of providers' credentials whose grace was over.
    #[serde(default)]
    pub credentials_forgotten: u64,
}

impl Workflow<Trunkline> for CleanExpired {
    const KIND: &'static str = "clean_expired";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Brief;
    type Output = CleanedUp;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<CleanedUp, Failure> {
        let clean = ctx.transaction("clean", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            let cleaned = codes::clean(tx, CODES_KEPT).await.map_err(of_domain)?;
            Ok(CleanedUp {
                codes_forgotten: cleaned.forgotten,
                codes_deleted: cleaned.deleted,
                sessions: sessions::clean(tx).await.map_err(of_domain)?,
                limits: limits::clean(tx).await.map_err(of_domain)?
                    + guesses::clean(tx).await.map_err(of_domain)?,
                people_forgotten: demos::forget(tx, ARCHIVES_KEPT).await.map_err(of_domain)?,
                calls_forgotten: transcripts::clean(tx).await.map_err(of_domain)?,
                keys_forgotten: tenant_keys::clean(tx, KEYS_KEPT).await.map_err(of_domain)?,
                credentials_forgotten: provider_credentials::forget(tx).await.map_err(of_domain)?,
            })
        });
        let done = clean.await?;
        tracing::info!(
            event = events::CLEANUP_COMPLETED,
            job.id = %ctx.job_id(),
            job.kind = Self::KIND,
            deletedCount = done.count(),
            "what was over is gone"
        );
        Ok(done)
    }
}

impl CleanedUp {
    /// Rows that were deleted or emptied, of whatever.
    fn count(&self) -> u64 {
        let CleanedUp {
            codes_forgotten,
            codes_deleted,
            sessions,
            limits,
            people_forgotten,
            calls_forgotten,
            keys_forgotten,
            credentials_forgotten,
        } = self;
        codes_forgotten
            + codes_deleted
            + sessions
            + limits
            + people_forgotten
            + calls_forgotten
            + keys_forgotten
            + credentials_forgotten
    }
}
