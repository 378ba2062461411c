//! All demos' numbers back into the pool at once, when it is in disorder or exhausted. Who had which is kept.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `take_numbers_back` (again and again) | the mappings of up to a hundred demos are copied, their numbers rest | each has its number again, or another | calls to the number are not answered |
//! | `count` | – (how the pool stands now) | – | – |

use std::time::Duration;

use domain::{
    MappingId, TenantId, numbers,
    recovery::{self, Whose},
    scope,
};
use engine::{Change, Context, Failure, JobId, Registrar, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::call_next,
    app::{Settings, Trunkline},
    error::of_domain,
    release_number::have_again,
};

/// Demos in one transaction: their rows are locked together.
const BATCH: i64 = 100;

/// As many demos as numbers were ever in one pool.
const BATCHES_MAX: usize = 1_000;

/// Takes numbers back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoverNumbers {
    /// Which demos'.
    pub whose: Whose,
    /// Whether they rest before others get them. Without it the pool is of use at once, and callers may reach a stranger.
    #[serde(default = "yes")]
    pub rest: bool,
}

fn yes() -> bool {
    true
}

/// What was done, and how the pool stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Numbers that were taken back.
    pub taken: u64,
    /// Free now.
    pub available: i64,
    /// With tenants now.
    pub allocated: i64,
    /// Resting now.
    pub quarantined: i64,
    /// Taken out now.
    pub maintenance: i64,
}

impl Workflow<Trunkline> for RecoverNumbers {
    const KIND: &'static str = "recover_numbers";
    const QUEUE: &'static str = "numbers";
    const RETENTION: Retention = Retention::Long;
    type Output = Recovered;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<TakeNumbersBack>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Recovered, Failure> {
        let mut taken = 0;
        for _ in 0..BATCHES_MAX {
            let job = ctx.job_id();
            let batch =
                ctx.change(TakeNumbersBack { whose: self.whose, rest: self.rest, job }).await?;
            taken += u64::try_from(batch.len()).unwrap_or_default();
            if batch.is_empty() {
                break;
            }
        }
        ctx.transaction("count", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            let level = numbers::pool_count(tx).await.map_err(of_domain)?;
            call_next(tx).await?;
            Ok(Recovered {
                taken,
                available: level.available,
                allocated: level.allocated,
                quarantined: level.quarantined,
                maintenance: level.maintenance,
            })
        })
        .await
    }
}

/// The numbers of some demos.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeNumbersBack {
    whose: Whose,
    rest: bool,
    job: JobId,
}

impl Change<Trunkline> for TakeNumbersBack {
    const NAME: &'static str = "take_numbers_back";
    /// Whose they were, and the times with them that ended.
    type Output = Vec<(TenantId, MappingId)>;

    async fn apply(
        &self,
        tx: &mut Tx,
        settings: &Settings,
    ) -> Result<Vec<(TenantId, MappingId)>, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let quarantine = if self.rest { settings.numbers.quarantine } else { Duration::ZERO };
        let taken =
            recovery::take_back(tx, self.whose, self.job.as_uuid(), quarantine, BATCH).await;
        Ok(taken.map_err(of_domain)?.into_iter().map(|it| (it.tenant, it.mapping)).collect())
    }

    async fn undo(
        &self,
        tx: &mut Tx,
        _: &Settings,
        taken: &Vec<(TenantId, MappingId)>,
    ) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        for (tenant, mapping) in taken {
            have_again(tx, *tenant, *mapping).await?;
        }
        Ok(())
    }
}
