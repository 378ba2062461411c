//! A caller gets one of the tenant's links by text, while they talk.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `draft` | – (to whom, and what; sealed) | – | nothing |
//! | `send_sms` (child) | the link | as there: a text cannot be taken back | the text |

use std::time::Duration;

use domain::{
    CallId, MessageId, PhoneNumber, TenantId, calls, scope,
    sending::{Occasion, Refusal},
    tenants, voice_settings,
};
use engine::{Context, Failure, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    error::of_domain,
    send_sms::{SendSms, Sender, Sent},
    sms_inbound::secs,
    text,
};

/// Later the call is over, and nobody knows what the link is for.
const PATIENCE: Duration = Duration::from_mins(10);

/// Sends a link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TextLink {
    /// In which call.
    pub call: CallId,
    /// Whose link.
    pub tenant: TenantId,
    /// Its name in the tenant's settings.
    pub link: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texted {
    /// It is with the provider.
    Sent,
    /// It may not be sent.
    Refused(Refusal),
    /// The tenant has no link of this name.
    NoSuchLink,
    /// The caller's number is withheld, or is none that can be written to.
    NoPhone,
    /// There is nobody to send it, or nobody can tell whether it left.
    NotSent,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "draft", rename_all = "snake_case")]
enum Draft {
    Text { message: MessageId, to: Sealed<PhoneNumber>, body: Sealed<String> },
    NoSuchLink,
    NoPhone,
}

impl Workflow<Trunkline> for TextLink {
    const KIND: &'static str = "text_link";
    const QUEUE: &'static str = "calls";
    const DEADLINE: Option<Duration> = Some(PATIENCE);
    type Output = Texted;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Texted, Failure> {
        let draft = ctx.transaction("draft", async |tx| self.draft(tx).await).await?;
        let (message, to, body) = match draft {
            Draft::Text { message, to, body } => (message, to, body),
            Draft::NoSuchLink => return Ok(Texted::NoSuchLink),
            Draft::NoPhone => return Ok(Texted::NoPhone),
        };
        let sent = ctx
            .child(SendSms {
                message,
                for_tenant: Some(self.tenant),
                purpose: "call_link".to_owned(),
                to,
                body,
                validity_secs: secs(PATIENCE),
                // They have asked for it, so it comes at any hour.
                occasion: Occasion::Answer,
                sender: Sender::Tenant,
                every_ms: ctx.settings().sms_every_ms,
                patience_secs: Some(secs(PATIENCE)),
            })
            .await?;
        Ok(match sent {
            Sent::Submitted => Texted::Sent,
            Sent::Refused(why) => Texted::Refused(why),
            Sent::Skipped | Sent::Bypassed | Sent::Unproven => Texted::NotSent,
        })
    }
}

impl TextLink {
    async fn draft(&self, tx: &mut Tx) -> Result<Draft, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let wishes = voice_settings::get(tx, self.tenant).await.map_err(of_domain)?;
        let Some(link) = wishes.links.get(&self.link) else { return Ok(Draft::NoSuchLink) };
        let phones = calls::phones(tx, self.call).await.map_err(of_domain)?;
        let Some(caller) = phones.and_then(|phones| phones.from) else { return Ok(Draft::NoPhone) };
        let tenant = tenants::get(tx, self.tenant).await.map_err(of_domain)?;
        let company = tenant.map(|tenant| tenant.company_name).unwrap_or_default();
        let body = text::a_link(text::locale_of(&caller), &company, link);
        let (to, body) = (tx.seal(&caller)?, tx.seal(&body)?);
        Ok(Draft::Text { message: MessageId::mint(), to, body })
    }
}
