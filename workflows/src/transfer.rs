//! Whom a caller is put through to: the tenant's own person, in business hours. Nothing is rung up here; whoever holds the call
//! does that with the number.

use domain::{CallId, PhoneNumber, TenantId, messaging, scope, voice_settings};
use engine::{Context, Failure, Retention, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain};

/// Finds the person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transfer {
    /// Which call.
    pub call: CallId,
    /// Whose.
    pub tenant: TenantId,
}

/// Who picks up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "transferred", rename_all = "snake_case")]
pub enum Transferred {
    /// Somebody at this number.
    To {
        /// Which.
        phone: Sealed<PhoneNumber>,
    },
    /// Nobody at this hour.
    Closed,
    /// Nobody ever.
    NoNumber,
}

impl Workflow<Trunkline> for Transfer {
    const KIND: &'static str = "transfer";
    const QUEUE: &'static str = "calls";
    const RETENTION: Retention = Retention::Brief;
    type Output = Transferred;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Transferred, Failure> {
        ctx.transaction("find", async |tx| self.find(tx).await).await
    }
}

impl Transfer {
    async fn find(&self, tx: &mut Tx) -> Result<Transferred, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let wishes = voice_settings::get(tx, self.tenant).await.map_err(of_domain)?;
        let Some(phone) = &wishes.transfer_phone else { return Ok(Transferred::NoNumber) };
        let zone = messaging::get(tx, self.tenant).await.map_err(of_domain)?.zone;
        if !wishes.hours.are_open(zone, tx.now().await?) {
            return Ok(Transferred::Closed);
        }
        Ok(Transferred::To { phone: tx.seal(phone)? })
    }
}
