//! The one text after a call that nobody took, if the caller may be written to.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `hold_text_back` | the text is held for this call; nobody else sends one | another may | nothing |
//! | `send_sms` (child) | the text, if it is given leave: subscription, quota, opt-out, switches, quiet hours | as there: a text cannot be taken back | the text |
//!
//! Several things can notice that a call was missed: the answer at the door, the provider's report, a session that found no slot. The
//! row that is held makes one text of them.

use std::time::Duration;

use chrono::TimeDelta;
use domain::{
    CallId, MessageId, PhoneNumber, TenantId,
    calls::{
        self,
        text_backs::{self, Missed},
    },
    scope,
    sending::{Occasion, Refusal},
    tenants,
};
use engine::{Change, Context, Failure, Registrar, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
    send_sms::{SendSms, Sender, Sent},
    sms_inbound::secs,
    text,
};

/// A call that was missed longer ago than this is not brought up again.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// The longest night is shorter: quiet hours hold a text back, and in the morning it still helps.
const PATIENCE: Duration = Duration::from_hours(14);

/// Longer in Twilio's queue it surprises.
const VALIDITY: Duration = Duration::from_hours(1);

/// Writes to whoever called in vain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MissedCallTextback {
    /// Which call.
    pub call: CallId,
    /// Why nobody took it.
    pub why: Missed,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextedBack {
    /// The text is with the provider.
    Sent,
    /// Nobody can be written to, they were just written to, or it is too long ago.
    NotNeeded,
    /// It may not be sent.
    Refused(Refusal),
    /// There is nobody to send it.
    Skipped,
}

impl Workflow<Trunkline> for MissedCallTextback {
    const KIND: &'static str = "missed_call_textback";
    const QUEUE: &'static str = "calls";
    type Output = TextedBack;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<HoldTextBack>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<TextedBack, Failure> {
        let held = ctx.change(HoldTextBack { call: self.call, why: self.why }).await?;
        let Held::Yes { tenant, message, to, body } = held else {
            return Ok(TextedBack::NotNeeded);
        };
        let sent = ctx
            .child(SendSms {
                message,
                for_tenant: Some(tenant),
                purpose: "missed_call".to_owned(),
                to,
                body,
                validity_secs: secs(VALIDITY),
                occasion: Occasion::MissedCall,
                sender: Sender::Tenant,
                every_ms: ctx.settings().sms_every_ms,
                patience_secs: Some(secs(PATIENCE)),
            })
            .await?;
        Ok(match sent {
            Sent::Submitted => TextedBack::Sent,
            Sent::Refused(why) => TextedBack::Refused(why),
            Sent::Skipped | Sent::Bypassed | Sent::Unproven => TextedBack::Skipped,
        })
    }
}

/// No other run writes to the caller from now on.
#[derive(Debug, Serialize, Deserialize)]
pub struct HoldTextBack {
    call: CallId,
    why: Missed,
}

/// Whether there is somebody to write to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "held", rename_all = "snake_case")]
pub enum Held {
    /// There is.
    Yes {
        /// For whom.
        tenant: TenantId,
        /// The text's id.
        message: MessageId,
        /// To whom.
        to: Sealed<PhoneNumber>,
        /// What it says.
        body: Sealed<String>,
    },
    /// There is not.
    No,
}

impl Change<Trunkline> for HoldTextBack {
    const NAME: &'static str = "hold_text_back";
    type Output = Held;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<Held, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let since = tx.now().await? - FRESH;
        let began = calls::began_at(tx, self.call).await.map_err(of_domain)?;
        if began.is_none_or(|began| began < since) {
            return Ok(Held::No);
        }
        let message = MessageId::mint();
        let held = text_backs::hold(tx, self.call, message, self.why).await.map_err(of_domain)?;
        let Some(missed) = held else { return Ok(Held::No) };
        let tenant = tenants::get(tx, missed.tenant).await.map_err(of_domain)?;
        let Some(tenant) = tenant else { return Ok(Held::No) };
        let body = text::missed_call(text::locale_of(&missed.from), &tenant.company_name);
        let (to, body) = (tx.seal(&missed.from)?, tx.seal(&body)?);
        Ok(Held::Yes { tenant: missed.tenant, message, to, body })
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, held: &Held) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        match held {
            Held::Yes { message, .. } => {
                text_backs::give_up(tx, self.call, *message).await.map_err(of_domain)
            }
            Held::No => Ok(()),
        }
    }
}
