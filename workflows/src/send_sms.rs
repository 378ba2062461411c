//! One text message, never twice.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `record_sms` | leave is asked for and the message is written down: `pending`, or `skipped` with the reason; or it is to wait, and it is asked for again | a message that nobody has handed over is `failed` | nothing |
//! | sleep | until quiet hours are over | – | nothing |
//! | `submit_sms` | Twilio has it | – (cannot be taken back) | the text |
//! | `settle` | the message with Twilio's id, or `failed` with the code; whom Twilio says to have opted out has | – | – |
//!
//! Messages of one sender start a second apart, in the whole fleet, and all of them stop when Twilio fails again and again.

mod record; // whether it may be sent, written down
mod submit; // Twilio has it

use std::time::Duration;

use domain::{
    MessageId, PhoneNumber, TenantId, messages,
    opt_outs::{self, Between, OptOutSource},
    scope,
    sending::{Occasion, Refusal},
};
use engine::{Context, Failure, Gates, NewJob, Registrar, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};

pub(crate) use self::submit::sender;
pub use self::{
    record::{RecordSms, Recorded},
    submit::{SubmitSms, Submitted},
};
use crate::{app::Trunkline, error::of_domain, events};

/// The breaker of everything that is asked of Twilio.
pub const TWILIO: &str = "twilio";

/// The scope of the rate of one sender.
const SENDER: &str = "sms-sender";

/// Between two messages of one sender, where nothing else is configured: what a long number can send (Twilio, "Understanding
/// Twilio Rate Limits and Message Queues").
const EVERY_MS: u32 = 1000;

/// How often a message that was told to wait asks again. Quiet hours end once a day; somebody may move them meanwhile.
const ASKS_MAX: usize = 8;

/// Twilio's code for somebody who has opted out.
const OPTED_OUT: u32 = 21_610;

/// Sends a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendSms {
    /// Its id; comes back in Twilio's callbacks.
    pub message: MessageId,
    /// For which tenant; none for those of the platform itself.
    pub for_tenant: Option<TenantId>,
    /// What it is for: `verification_code`.
    pub purpose: String,
    /// To whom.
    pub to: Sealed<PhoneNumber>,
    /// The text.
    pub body: Sealed<String>,
    /// After this many seconds in Twilio's queue it is of no use any more.
    pub validity_secs: u32,
    /// On what occasion: which conditions it has to meet.
    #[serde(default = "before_there_were_occasions")]
    pub occasion: Occasion,
    /// From whose number.
    #[serde(default)]
    pub sender: Sender,
    /// How far apart messages of this sender start.
    #[serde(default = "every_ms")]
    pub every_ms: u32,
    /// After so many seconds it is too late to begin; none for as long as it takes.
    #[serde(default)]
    pub patience_secs: Option<u32>,
}

/// From whose number a message comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The platform's own.
    #[default]
    Platform,
    /// The tenant's.
    Tenant,
}

/// What became of it, as far as we could see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Twilio has it.
    Submitted,
    /// There is no provider to send it.
    Skipped,
    /// Operators have switched texts off for everybody.
    Bypassed,
    /// It may not be sent.
    Refused(Refusal),
    /// Nobody can tell whether it left, and it is not to be sent a second time: a code is replaced, not repeated.
    Unproven,
}

impl Workflow<Trunkline> for SendSms {
    const KIND: &'static str = "send_sms";
    const QUEUE: &'static str = "sms";
    type Output = Sent;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<RecordSms>().effect::<SubmitSms>();
    }

    fn gates(&self) -> Gates {
        let sender = match (self.sender, self.for_tenant) {
            (Sender::Tenant, Some(tenant)) => tenant.to_string(),
            (Sender::Tenant, None) | (Sender::Platform, _) => "platform".to_owned(),
        };
        let every = Duration::from_millis(self.every_ms.max(1).into());
        Gates::none().rate(SENDER, &sender, every, 1).breaker(TWILIO)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Sent, Failure> {
        let from = match self.recorded(ctx).await? {
            Recorded::Ready { from } => from,
            Recorded::Skipped => {
                tracing::warn!(message.id = %self.message, "no SMS provider is configured: a message was skipped");
                return Ok(Sent::Skipped);
            }
            Recorded::Bypassed => return Ok(Sent::Bypassed),
            Recorded::Refused { why } => return Ok(Sent::Refused(why)),
            Recorded::Later { .. } => {
                return Err(Failure::permanent("it was told to wait again and again"));
            }
        };
        let submit = SubmitSms {
            message: self.message,
            to: self.to.clone(),
            body: self.body.clone(),
            validity_secs: self.validity_secs,
            from: from.clone(),
            is_replaceable: self.occasion == Occasion::Code,
        };
        let outcome = ctx.effect(submit).await;
        let platform = ctx.settings().sms_from.as_ref();
        ctx.transaction("settle", async |tx| {
            self.settle(tx, from.as_ref(), platform, &outcome).await
        })
        .await?;
        if let Ok(Submitted::Refused { code }) = &outcome {
            tracing::warn!(
                target: "twilio.messaging",
                event = events::SMS_DELIVERY_ERROR,
                message.id = %self.message,
                status = "refused",
                error_code = code.unwrap_or_default(),
                purpose = self.purpose,
                "Twilio does not take a message"
            );
        }
        match outcome? {
            Submitted::Taken { .. } => Ok(Sent::Submitted),
            Submitted::Unproven => Ok(Sent::Unproven),
            Submitted::Refused { code: Some(OPTED_OUT) } => Ok(Sent::Refused(Refusal::OptedOut)),
            Submitted::Refused { code } => Err(Failure::permanent(format!(
                "Twilio refused the message with code {}",
                code.unwrap_or_default()
            ))),
        }
    }

    /// Codes go before everything else of their sender: somebody looks at their phone.
    fn job(&self) -> NewJob {
        let args = serde_json::to_value(self).expect("arguments of a workflow are JSON");
        let job = NewJob::of_kind(Self::KIND, Self::QUEUE, args);
        let job = if self.occasion == Occasion::Code { job.priority(CODES_FIRST) } else { job };
        match self.patience_secs {
            Some(secs) => job.deadline(Duration::from_secs(secs.into())),
            None => job,
        }
    }
}

/// Lower is sooner; the usual is 0.
const CODES_FIRST: i16 = -10;

fn before_there_were_occasions() -> Occasion {
    Occasion::Code
}

fn every_ms() -> u32 {
    EVERY_MS
}

impl SendSms {
    /// Asks for leave until there is a yes or a no.
    async fn recorded(&self, ctx: &Context<'_, Trunkline>) -> Result<Recorded, Failure> {
        let mut recorded = ctx.change(self.record()).await?;
        for _ in 1..ASKS_MAX {
            let Recorded::Later { until } = recorded else { break };
            ctx.sleep_until(until).await?;
            recorded = ctx.change(self.record()).await?;
        }
        Ok(recorded)
    }

    fn record(&self) -> RecordSms {
        RecordSms {
            message: self.message,
            for_tenant: self.for_tenant,
            purpose: self.purpose.clone(),
            to: self.to.clone(),
            body: self.body.clone(),
            occasion: self.occasion,
            sender: self.sender,
        }
    }

    /// Writes down what became of it. A failure is written too: the run goes on to end with it.
    async fn settle(
        &self,
        tx: &mut Tx,
        from: Option<&Sealed<PhoneNumber>>,
        platform: Option<&PhoneNumber>,
        outcome: &Result<Submitted, Failure>,
    ) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let message = self.message;
        match outcome {
            Ok(Submitted::Taken { sid }) => {
                messages::mark_submitted(tx, message, sid, messages::MessageStatus::Queued)
                    .await
                    .map_err(of_domain)?;
            }
            Ok(Submitted::Refused { code }) => {
                if *code == Some(OPTED_OUT) {
                    self.note_opt_out(tx, from, platform).await?;
                }
                let code = code.and_then(|code| i32::try_from(code).ok());
                messages::mark_failed(tx, message, code).await.map_err(of_domain)?;
            }
            // A report may still come; if none does, `sms_reconcile` ends it.
            Ok(Submitted::Unproven) => {}
            Err(_) => {
                messages::mark_failed(tx, message, None).await.map_err(of_domain)?;
            }
        }
        Ok(())
    }

    /// What Twilio knows we keep to, too: the next message is not even tried.
    async fn note_opt_out(
        &self,
        tx: &mut Tx,
        from: Option<&Sealed<PhoneNumber>>,
        platform: Option<&PhoneNumber>,
    ) -> Result<(), Failure> {
        let to = tx.open(&self.to)?;
        let theirs = from.map(|from| tx.open(from)).transpose()?;
        let sender = theirs.as_ref().or(platform);
        let tenant = self.for_tenant.filter(|_| self.sender == Sender::Tenant);
        let between = Between { tenant, sender, phone: &to };
        opt_outs::begin(tx, between, OptOutSource::Provider).await.map_err(of_domain)?;
        Ok(())
    }
}
