//! A demo's time is over: its people are shut out. What it has stays until it is removed.

use domain::{
    TenantId,
    audit::{self, Entry},
    demos, scope,
};
use engine::{Context, Failure, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{app::Trunkline, error::of_domain};

/// Demos in one transaction: their rows are locked together.
const BATCH: i64 = 100;

/// The rest follows a minute later.
const BATCHES_MAX: usize = 100;

/// Ends demos. Runs every minute for all whose time is over.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DemoExpire {
    /// Which; none: all whose time is over.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// Also if its time is not over yet: an operator wants it so.
    #[serde(default)]
    pub early: bool,
}

impl Workflow<Trunkline> for DemoExpire {
    const KIND: &'static str = "demo_expire";
    const QUEUE: &'static str = "demo";
    const RETENTION: Retention = Retention::Brief;
    /// How many ended.
    type Output = u64;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<u64, Failure> {
        if let Some(tenant) = self.tenant {
            let reason = if self.early { "ended by an operator" } else { "time is over" };
            return ctx
                .transaction("expire", async |tx| {
                    scope::platform(tx).await.map_err(of_domain)?;
                    expire(tx, tenant, self.early, reason).await.map(u64::from)
                })
                .await;
        }
        let mut expired = 0;
        for _ in 0..BATCHES_MAX {
            let (found, ended) = ctx.transaction("expire", async |tx| batch(tx).await).await?;
            expired += ended;
            if found < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(expired)
    }
}

/// Some of those whose time is over: how many were found, and how many ended here.
async fn batch(tx: &mut Tx) -> Result<(u64, u64), Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let overdue = demos::overdue(tx, BATCH).await.map_err(of_domain)?;
    let mut ended = 0;
    for tenant in &overdue {
        ended += u64::from(expire(tx, *tenant, false, "time is over").await?);
    }
    Ok((u64::try_from(overdue.len()).unwrap_or(u64::MAX), ended))
}

async fn expire(tx: &mut Tx, tenant: TenantId, early: bool, reason: &str) -> Result<bool, Failure> {
    let expired = demos::expire(tx, tenant, early, reason).await.map_err(of_domain)?;
    if expired {
        note(tx, tenant, "demo.expired", reason).await?;
    }
    Ok(expired)
}

/// An entry in the audit about a demo, by nobody in particular.
pub(crate) async fn note(
    tx: &mut Tx,
    tenant: TenantId,
    action: &str,
    why: &str,
) -> Result<(), Failure> {
    let entry = Entry {
        action,
        tenant: Some(tenant),
        actor: "system",
        phone: None,
        ip: None,
        details: json!({ "reason": why }),
    };
    audit::record(tx, entry).await.map_err(of_domain)
}
