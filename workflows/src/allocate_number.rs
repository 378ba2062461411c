//! A number for one tenant. An empty pool is a wait, not an error.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `take_number` | a number of the pool, mapped to the tenant; or a place in the waiting line | the number that this run took goes back, or its place is left, and the next in line is woken | `provisioning`, or `waitlisted` |
//! | wait for `number_free` | – | – | `waitlisted` |

use std::time::Duration;

use domain::{
    TenantId, numbers, scope,
    signups::{self, SignupStatus},
    waitlist::{self, Joined},
};
use engine::{Change, Context, Failure, JobId, Registrar, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
};

/// The signal that says: a number may be free for you.
pub const NUMBER_FREE: &str = "number_free";

/// A look without having been woken: the net under a lost wake-up.
const LOOK_AGAIN: Duration = Duration::from_mins(30);

/// After this many looks (two days) nobody is waiting any more.
const LOOKS_MAX: usize = 96;

/// Allocates a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllocateNumber {
    /// For whom.
    pub tenant: TenantId,
}

impl Workflow<Trunkline> for AllocateNumber {
    const KIND: &'static str = "allocate_number";
    const QUEUE: &'static str = "numbers";
    /// Nothing: a phone number belongs into the product's records, not into a job's.
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<TakeNumber>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        for _ in 0..LOOKS_MAX {
            let job = ctx.job_id();
            match ctx.change(TakeNumber { tenant: self.tenant, job }).await? {
                Taken::Number => return Ok(()),
                Taken::Place => {
                    ctx.wait_for::<()>(NUMBER_FREE).for_up_to(LOOK_AGAIN).await?;
                }
            }
        }
        Err(Failure::undo("no number became free in two days"))
    }
}

/// What a look at the pool brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// A number.
    Number,
    /// A place in the waiting line.
    Place,
}

/// A number, or a place in the line.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeNumber {
    tenant: TenantId,
    job: JobId,
}

impl Change<Trunkline> for TakeNumber {
    const NAME: &'static str = "take_number";
    type Output = Taken;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Taken, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let job = self.job.as_uuid();
        if numbers::allocate(tx, self.tenant, Some(job)).await.map_err(of_domain)?.is_some() {
            say(tx, self.tenant, SignupStatus::Provisioning).await?;
            return Ok(Taken::Number);
        }
        match waitlist::join(tx, self.tenant, job).await.map_err(of_domain)? {
            Joined::Waiting => {
                say(tx, self.tenant, SignupStatus::Waitlisted).await?;
                Ok(Taken::Place)
            }
            Joined::NumberIsFree => {
                Err(Failure::snooze(Duration::ZERO, "a number has just come back"))
            }
        }
    }

    /// What another run has got for the tenant meanwhile stays: its number is in use, and its place is its own.
    async fn undo(&self, tx: &mut Tx, _: &Settings, taken: &Taken) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let job = self.job.as_uuid();
        match taken {
            Taken::Number => {
                numbers::give_back(tx, self.tenant, job).await.map_err(of_domain)?;
            }
            Taken::Place => waitlist::leave(tx, self.tenant, job).await.map_err(of_domain)?,
        }
        call_next(tx).await
    }
}

/// Says in the sign-up where it stands, as long as a demo is being put together. A tenant that was made without one has none, and
/// one whose demo runs or ran, or who has become a customer since, is given a number all the same.
async fn say(tx: &mut Tx, tenant: TenantId, next: SignupStatus) -> Result<(), Failure> {
    match signups::status_for_update(tx, tenant).await {
        Ok(SignupStatus::Provisioning | SignupStatus::Waitlisted) => {
            signups::set_status(tx, tenant, next).await.map_err(of_domain)
        }
        Ok(_) | Err(domain::Error::NotFound { .. }) => Ok(()),
        Err(other) => Err(of_domain(other)),
    }
}

/// Wakes those in line for whom there is a number. Harmless twice.
pub(crate) async fn call_next(tx: &mut Tx) -> Result<(), Failure> {
    for waiter in waitlist::next(tx).await.map_err(of_domain)? {
        // Without a key to tell repeats by: who was called in vain must be able to be called again.
        tx.signal(JobId::from(waiter.job), NUMBER_FREE, &(), None).await?;
    }
    Ok(())
}
