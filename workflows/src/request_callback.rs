//! A caller wants to be called back.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `leave_request` | it is in the owner's list | it is gone from it | the wish in the list |
//! | `send_sms` (child) | the owner is told | – | the alert |

use domain::{CallId, PhoneNumber, TenantId, calls::requests::RequestKind};
use engine::{Context, Failure, Registrar, Sealed, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    call_request::{self, LeaveRequest, Taken},
};

/// Asks for a call back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestCallback {
    /// In which call.
    pub call: CallId,
    /// For whom.
    pub tenant: TenantId,
    /// What it is about.
    pub reason: Option<Sealed<String>>,
    /// Where they can be reached; none for the number that they call from.
    pub phone: Option<Sealed<PhoneNumber>>,
    /// When they would like it, in their own words.
    pub wanted: Option<Sealed<String>>,
}

impl Workflow<Trunkline> for RequestCallback {
    const KIND: &'static str = "request_callback";
    const QUEUE: &'static str = "calls";
    type Output = Taken;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<LeaveRequest>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Taken, Failure> {
        let request = LeaveRequest {
            call: self.call,
            tenant: self.tenant,
            kind: RequestKind::Callback,
            phone: self.phone.clone(),
            name: None,
            text: self.reason.clone(),
            wanted: self.wanted.clone(),
            urgent: false,
        };
        call_request::leave(ctx, request).await
    }
}
