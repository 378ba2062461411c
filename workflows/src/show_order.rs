//! Something that has gone wrong at a tenant that is shown, for operators to try their hands at: what a caller wants is noted
//! for the owner and ordered at a wholesaler who is not there.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `leave_request` | it is in the owner's list | it is gone from it | the wish in the list |
//! | `order_part` | it is ordered: refused for good, or nobody can tell | it is cancelled | the same |
//!
//! `sold_out` fails and is undone: a dead letter. `cut_off` is parked with an unknown outcome; whoever says that it did not
//! happen has it tried again, and then the line holds.

use domain::{CallId, TenantId, calls::requests::RequestKind};
use engine::{Context, Effect, EffectCall, Failure, Probe, Registrar, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    call_request::{LeaveRequest, Taken},
};

/// Notes it, and orders.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShowOrder {
    /// Whose.
    pub tenant: TenantId,
    /// In which call it was wanted.
    pub call: CallId,
    /// How the wholesaler behaves.
    pub wholesaler: Wholesaler,
}

/// How the wholesaler behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wholesaler {
    /// It has none left.
    SoldOut,
    /// The line goes dead in the middle of the order.
    CutOff,
}

impl Workflow<Trunkline> for ShowOrder {
    const KIND: &'static str = "show_order";
    const QUEUE: &'static str = "demo";
    type Output = Taken;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<LeaveRequest>().effect::<OrderPart>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Taken, Failure> {
        let wish = LeaveRequest {
            call: self.call,
            tenant: self.tenant,
            kind: RequestKind::Callback,
            phone: None,
            name: None,
            text: None,
            wanted: None,
            urgent: true,
        };
        let taken = ctx.change(wish).await?.taken();
        ctx.effect(OrderPart { wholesaler: self.wholesaler }).await?;
        Ok(taken)
    }
}

/// The order. Nobody is asked: what comes of it stands in the arguments.
#[derive(Debug, Serialize, Deserialize)]
pub struct OrderPart {
    wholesaler: Wholesaler,
}

impl Effect<Trunkline> for OrderPart {
    const NAME: &'static str = "order_part";
    type Output = String;

    async fn apply(&self, _: &Clients, call: &EffectCall) -> Result<String, Failure> {
        match self.wholesaler {
            Wholesaler::SoldOut => Err(Failure::permanent("the wholesaler has none left")),
            Wholesaler::CutOff if call.attempt > 1 => Ok(format!("ordered as {}", call.key)),
            Wholesaler::CutOff => Err(Failure::unknown("the line went dead during the order")),
        }
    }

    async fn probe(&self, _: &Clients, _: &EffectCall) -> Result<Probe<String>, Failure> {
        Ok(Probe::CannotTell)
    }

    async fn undo(&self, _: &Clients, _: &EffectCall, _: &String) -> Result<(), Failure> {
        Ok(())
    }
}
