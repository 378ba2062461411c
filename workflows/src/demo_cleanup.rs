//! A demo that is over for good goes: its number to the pool, its usage to the archive, then everything that hangs on it.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `decide` | – (expired, a week without activity, no call, nothing to pay) | – | nothing: the demo is over |
//! | `release_number` (child) | the number rests in the pool | the demo has it again, or another | the same |
//! | `archive_demo` | what it was and was used for is kept | the archive goes | the same |
//! | `remove` | mappings, users, assistants, subscription, tenant | – (the last step; `demo_restore` brings it back) | the same |

use std::time::Duration;

use domain::{TenantId, demos, demos::Kept, scope};
use engine::{Change, Context, Failure, JobId, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    demo_expire::note,
    error::of_domain,
    events,
    release_number::ReleaseNumber,
};

/// A demo that was used in this time is left alone.
const IDLE: Duration = Duration::from_hours(7 * 24);

/// Demos looked for at once, and removed at a time.
const PAGE: i64 = 200;
const AT_ONCE: usize = 4;

/// Twenty thousand demos in a night; the rest follow in the next.
const PAGES_MAX: usize = 100;

/// Removes demos. Runs nightly for all that may go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DemoCleanup {
    /// Which; none: all that may go.
    #[serde(default)]
    pub tenant: Option<TenantId>,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanedUp {
    /// Demos that were removed.
    pub removed: u64,
    /// Demos that stayed, for a reason or because their removal failed and was undone.
    pub kept: u64,
    /// Why this one stayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Kept>,
}

impl Workflow<Trunkline> for DemoCleanup {
    const KIND: &'static str = "demo_cleanup";
    const QUEUE: &'static str = "demo";
    const RETENTION: Retention = Retention::Long;
    type Output = CleanedUp;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<ArchiveDemo>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<CleanedUp, Failure> {
        match self.tenant {
            Some(tenant) => one(ctx, tenant).await,
            None => all(ctx).await,
        }
    }
}

/// Each in a run of its own: one that cannot be removed holds up no other.
async fn all(ctx: &Context<'_, Trunkline>) -> Result<CleanedUp, Failure> {
    let mut done = CleanedUp::default();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = ctx
            .transaction("stale", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                demos::stale(tx, IDLE, after, PAGE).await.map_err(of_domain)
            })
            .await?;
        let len = i64::try_from(page.len()).unwrap_or(PAGE);
        after = page.last().copied().or(after);
        let remove = |tenant| DemoCleanup { tenant: Some(tenant) };
        for end in ctx.fan_out("demos", page, AT_ONCE, remove).each().await? {
            match end {
                Ok(one) if one.removed > 0 => done.removed += 1,
                Ok(_) | Err(_) => done.kept += 1,
            }
        }
        if len < PAGE {
            break;
        }
    }
    tracing::info!(
        event = events::CLEANUP_COMPLETED,
        job.id = %ctx.job_id(),
        job.kind = DemoCleanup::KIND,
        deletedCount = done.removed,
        kept = done.kept,
        "demos that were over are gone"
    );
    Ok(done)
}

async fn one(ctx: &Context<'_, Trunkline>, tenant: TenantId) -> Result<CleanedUp, Failure> {
    let kept = ctx.transaction("decide", async |tx| decide(tx, tenant).await).await?;
    match kept {
        Decision::Keep(why) => return Ok(CleanedUp { kept: 1, why: Some(why), removed: 0 }),
        Decision::IsGone => return Ok(CleanedUp::default()),
        Decision::Remove => {}
    }
    ctx.child(ReleaseNumber { tenant }).await?;
    let job = ctx.job_id();
    ctx.change(ArchiveDemo { tenant, job }).await?;
    ctx.transaction("remove", async |tx| remove(tx, tenant, job).await).await?;
    Ok(CleanedUp { removed: 1, ..CleanedUp::default() })
}

/// Whether a demo may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Remove,
    Keep(Kept),
    IsGone,
}

async fn decide(tx: &mut Tx, tenant: TenantId) -> Result<Decision, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    if domain::tenants::get(tx, tenant).await.map_err(of_domain)?.is_none() {
        return Ok(Decision::IsGone);
    }
    let kept = demos::kept(tx, tenant, IDLE).await.map_err(of_domain)?;
    Ok(kept.map_or(Decision::Remove, Decision::Keep))
}

/// Asked once more under the lock: a customer may have come back, or paid, in between.
async fn remove(tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<(), Failure> {
    if let Decision::Keep(why) = decide(tx, tenant).await? {
        return Err(Failure::undo(format!("the demo has to stay: {why}")));
    }
    demos::remove(tx, tenant, job.as_uuid()).await.map_err(of_domain)?;
    note(tx, tenant, "demo.removed", "expired and idle").await
}

/// What is kept of a demo.
#[derive(Debug, Serialize, Deserialize)]
pub struct ArchiveDemo {
    tenant: TenantId,
    job: JobId,
}

impl Change<Trunkline> for ArchiveDemo {
    const NAME: &'static str = "archive_demo";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        demos::archive(tx, self.tenant, self.job.as_uuid()).await.map_err(of_domain)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        demos::unarchive(tx, self.tenant, self.job.as_uuid()).await.map_err(of_domain)
    }
}
