//! A caller leaves a message for the owner.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `leave_request` | it is in the owner's list | it is gone from it | the message in the list |
//! | `send_sms` (child) | the owner is told | – | the alert |

use domain::{CallId, TenantId, calls::requests::RequestKind};
use engine::{Context, Failure, Registrar, Sealed, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    call_request::{self, LeaveRequest, Taken},
};

/// Takes a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakeMessage {
    /// In which call.
    pub call: CallId,
    /// For whom.
    pub tenant: TenantId,
    /// Who called, as far as they said.
    pub caller_name: Option<Sealed<String>>,
    /// What they want the owner to know.
    pub body: Sealed<String>,
    /// Whether the assistant thinks that it cannot wait. A keyword in the message makes it urgent, too.
    pub urgent: bool,
}

impl Workflow<Trunkline> for TakeMessage {
    const KIND: &'static str = "take_message";
    const QUEUE: &'static str = "calls";
    type Output = Taken;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<LeaveRequest>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Taken, Failure> {
        let request = LeaveRequest {
            call: self.call,
            tenant: self.tenant,
            kind: RequestKind::Message,
            phone: None,
            name: self.caller_name.clone(),
            text: Some(self.body.clone()),
            wanted: None,
            urgent: self.urgent,
        };
        call_request::leave(ctx, request).await
    }
}
