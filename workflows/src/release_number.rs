//! A tenant's number goes back to the pool and rests there, so that callers for the one do not reach the next.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `give_number_back` | the number rests; it leads to nobody | the tenant has it again, or another if it is gone | calls to the number are not answered |
//! | `return_number` (child, left alone) | where that is wanted: a number that we bought goes back to Twilio after its rest | – | nothing |

use domain::{MappingId, NumberId, TenantId, numbers, recovery, scope};
use engine::{Change, Context, Failure, Registrar, Tx, WhenParentEnds, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
    return_number::ReturnNumber,
};

/// Releases a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseNumber {
    /// Whose.
    pub tenant: TenantId,
}

impl Workflow<Trunkline> for ReleaseNumber {
    const KIND: &'static str = "release_number";
    const QUEUE: &'static str = "numbers";
    /// Whether there was one.
    type Output = bool;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<GiveNumberBack>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<bool, Failure> {
        let Some(given) = ctx.change(GiveNumberBack { tenant: self.tenant }).await? else {
            return Ok(false);
        };
        if let Some(number) = given.leaves {
            let rest_secs = ctx.settings().numbers.quarantine.as_secs();
            let leave = ReturnNumber { number, rest_secs, in_any_case: false };
            ctx.spawn_with(leave, WhenParentEnds::LeaveAlone).await?;
        }
        Ok(true)
    }
}

/// The end of a tenant's time with a number.
#[derive(Debug, Serialize, Deserialize)]
pub struct GiveNumberBack {
    tenant: TenantId,
}

/// What was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenBack {
    mapping: MappingId,
    /// The number, if it is to leave the pool.
    leaves: Option<NumberId>,
}

impl Change<Trunkline> for GiveNumberBack {
    const NAME: &'static str = "give_number_back";
    type Output = Option<GivenBack>;

    async fn apply(&self, tx: &mut Tx, settings: &Settings) -> Result<Option<GivenBack>, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let mapping = recovery::mapping_of(tx, self.tenant).await.map_err(of_domain)?;
        let quarantine = settings.numbers.quarantine;
        numbers::release(tx, self.tenant, quarantine).await.map_err(of_domain)?;
        let Some(mapping) = mapping else { return Ok(None) };
        let leaves = if settings.numbers.returns {
            recovery::returnable(tx, mapping).await.map_err(of_domain)?
        } else {
            None
        };
        Ok(Some(GivenBack { mapping, leaves }))
    }

    async fn undo(
        &self,
        tx: &mut Tx,
        _: &Settings,
        given: &Option<GivenBack>,
    ) -> Result<(), Failure> {
        let Some(given) = given else { return Ok(()) };
        scope::platform(tx).await.map_err(of_domain)?;
        have_again(tx, self.tenant, given.mapping).await
    }
}

/// The tenant has the number again that it had, or else another.
pub(crate) async fn have_again(
    tx: &mut Tx,
    tenant: TenantId,
    mapping: MappingId,
) -> Result<(), Failure> {
    if recovery::give_again(tx, mapping).await.map_err(of_domain)? {
        return Ok(());
    }
    match numbers::allocate(tx, tenant, None).await {
        Ok(None) => Err(Failure::retry("its number is gone and no other is free")),
        // Or the tenant itself is gone: there is nobody to have it.
        Ok(Some(_)) | Err(domain::Error::NotFound { .. }) => Ok(()),
        Err(other) => Err(of_domain(other)),
    }
}
