//! A new code for somebody whose text did not come: the old one stops working, and the sign-up waits as long as the new one
//! can be used.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `issue_code` | a code, of which only the hash is kept; the earlier one is dead | – (it dies by itself) | `pending_verification` |
//! | `send_sms` (child, left alone) | the code on their phone | – (cannot be taken back) | the same |

use domain::{
    TenantId, codes, scope,
    sending::Occasion,
    signups::{self, SignupStatus},
};
use engine::{Context, Failure, Tx, WhenParentEnds, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    demo_signup::{Issued, issue_code},
    error::of_domain,
    send_sms::{SendSms, Sender},
};

/// Issues a new code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoCode {
    /// For whose sign-up.
    pub tenant: TenantId,
}

impl Workflow<Trunkline> for DemoCode {
    const KIND: &'static str = "demo_code";
    const QUEUE: &'static str = "demo";
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let issued = ctx
            .transaction("issue_code", async |tx| issue(tx, ctx.settings(), self.tenant).await)
            .await?;
        let lifetime = u32::try_from(codes::LIFETIME.as_secs()).unwrap_or(600);
        let text = SendSms {
            message: issued.message,
            for_tenant: Some(self.tenant),
            purpose: "verification_code".to_owned(),
            to: issued.to,
            body: issued.body,
            validity_secs: lifetime,
            occasion: Occasion::Code,
            sender: Sender::Platform,
            every_ms: ctx.settings().sms_every_ms,
            patience_secs: Some(lifetime),
        };
        ctx.spawn_with(text, WhenParentEnds::LeaveAlone).await?;
        Ok(())
    }
}

async fn issue(tx: &mut Tx, settings: &Settings, tenant: TenantId) -> Result<Issued, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let status = signups::status_for_update(tx, tenant).await.map_err(of_domain)?;
    if status != SignupStatus::PendingVerification {
        return Err(Failure::permanent(format!(
            "the sign-up does not wait for a code: it is {status}"
        )));
    }
    issue_code(tx, settings, tenant).await
}
