//! One text message, never twice.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `record` | the message, `pending` | – (a record) | nothing |
//! | `submit_sms` | Twilio has it | – (cannot be taken back) | the text |
//! | `settle` | the message with Twilio's id, `skipped`, or `failed` with the code | – | – |
//!
//! Twilio knows no idempotency key for messages. So an attempt whose outcome is unknown is looked up in Twilio's own list
//! before it is repeated: at once, and a second time when Twilio has had time to show it.

use std::time::Duration;

use clients::twilio::{Error, Message, NewMessage};
use domain::{MessageId, PhoneNumber, TenantId, messages, scope};
use engine::{
    Context, Effect, EffectCall, Failure, Jitter, Probe, Registrar, RetryPolicy, Sealed, Tx,
    Workflow,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, SmsSender, Trunkline},
    error::{of_domain, of_twilio, of_twilio_read},
};

/// Never earlier than 1 s, 2 s and 4 s after a failed attempt; then patiently, and for no longer than a code lives.
const RETRY: RetryPolicy = RetryPolicy::delays(
    &[
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(4),
        Duration::from_secs(30),
        Duration::from_mins(1),
        Duration::from_mins(2),
    ],
    8,
)
.jitter(Jitter::Up(20));

/// Twilio's clock and ours may differ by this much.
const CLOCKS_DIFFER: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// Messages between two numbers that are looked through. More within the minutes of a look-up are a flood.
const LOOK_AT: u16 = 50;

/// Sends a message.
#[derive(Debug, Serialize, Deserialize)]
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
}

/// What became of it, as far as we could see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Twilio has it.
    Submitted,
    /// There is no provider to send it.
    Skipped,
}

impl Workflow<Trunkline> for SendSms {
    const KIND: &'static str = "send_sms";
    const QUEUE: &'static str = "sms";
    type Output = Sent;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<SubmitSms>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Sent, Failure> {
        let to = ctx.open(&self.to)?;
        let from = ctx.settings().sms_from.as_ref();
        let is_configured =
            ctx.transaction("record", async |tx| self.record(tx, &to, from).await).await?;
        if !is_configured {
            tracing::warn!(message.id = %self.message, "no SMS provider is configured: a message was skipped");
            return Ok(Sent::Skipped);
        }
        let submit = SubmitSms {
            message: self.message,
            to: self.to.clone(),
            body: self.body.clone(),
            validity_secs: self.validity_secs,
        };
        let outcome = ctx.effect(submit).await;
        ctx.transaction("settle", async |tx| settle(tx, self.message, &outcome).await).await?;
        match outcome? {
            Submitted::Taken { .. } => Ok(Sent::Submitted),
            Submitted::Refused { code } => Err(Failure::permanent(format!(
                "Twilio refused the message with code {}",
                code.unwrap_or_default()
            ))),
        }
    }
}

impl SendSms {
    /// Writes the message down before anything is sent. Says whether there is anybody to send it.
    async fn record(
        &self,
        tx: &mut Tx,
        to: &PhoneNumber,
        from: Option<&PhoneNumber>,
    ) -> Result<bool, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let new = messages::NewMessage {
            message: self.message,
            tenant: self.for_tenant,
            purpose: &self.purpose,
            to,
            from,
            body_sealed: None, // this job has it
        };
        messages::create(tx, new).await.map_err(of_domain)?;
        if from.is_none() {
            messages::mark_skipped(tx, self.message).await.map_err(of_domain)?;
        }
        Ok(from.is_some())
    }
}

/// Writes down what became of it. A failure is written too: the run goes on to end with it.
async fn settle(
    tx: &mut Tx,
    message: MessageId,
    outcome: &Result<Submitted, Failure>,
) -> Result<(), Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    match outcome {
        Ok(Submitted::Taken { sid }) => {
            messages::mark_submitted(tx, message, sid, messages::MessageStatus::Queued)
                .await
                .map_err(of_domain)
        }
        Ok(Submitted::Refused { code }) => {
            let code = code.and_then(|code| i32::try_from(code).ok());
            messages::mark_failed(tx, message, code).await.map_err(of_domain).map(drop)
        }
        Err(_) => messages::mark_failed(tx, message, None).await.map_err(of_domain).map(drop),
    }
}

/// Hands a message to Twilio.
#[derive(Debug, Serialize, Deserialize)]
pub struct SubmitSms {
    message: MessageId,
    to: Sealed<PhoneNumber>,
    body: Sealed<String>,
    validity_secs: u32,
}

/// What Twilio said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Submitted {
    /// It has the message, under this id.
    Taken {
        /// `SM` or `MM` and 32 hex digits.
        sid: String,
    },
    /// It will not take it, now or later.
    Refused {
        /// Twilio's error code.
        code: Option<u32>,
    },
}

impl Effect<Trunkline> for SubmitSms {
    const NAME: &'static str = "submit_sms";
    const RETRY: RetryPolicy = RETRY;
    type Output = Submitted;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Submitted, Failure> {
        let sender = sender(clients)?;
        let new = NewMessage {
            to: call.open(&self.to)?.as_e164().to_owned(),
            from: sender.from.as_e164().to_owned(),
            body: call.open(&self.body)?,
            status_callback: Some(sender.callback(self.message)),
            validity_period_secs: Some(self.validity_secs),
        };
        match sender.twilio.send_message(&new).await {
            Ok(message) => Ok(Submitted::Taken { sid: message.sid }),
            // A failure of Twilio's own: it answered, so one look at its list tells.
            Err(Error::ServerError { status }) => match self.look(sender, call).await {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(Failure::retry(format!("Twilio failed with status {status}"))),
                Err(_) => Err(of_twilio(&Error::ServerError { status })),
            },
            Err(Error::Rejected { status, code, class }) => {
                let failure = of_twilio(&Error::Rejected { status, code, class });
                if failure.is_permanent() { Ok(Submitted::Refused { code }) } else { Err(failure) }
            }
            Err(error) => Err(of_twilio(&error)),
        }
    }

    async fn probe(
        &self,
        clients: &Clients,
        call: &EffectCall,
    ) -> Result<Probe<Submitted>, Failure> {
        let sender = sender(clients)?;
        if let Some(found) = self.look(sender, call).await? {
            return Ok(Probe::Happened(found));
        }
        // A message may show up late in the list.
        match sender.second_look.checked_sub(call.age) {
            Some(early) if !early.is_zero() => Ok(Probe::NotYet(early)),
            Some(_) | None => Ok(Probe::DidNotHappen),
        }
    }
}

impl SubmitSms {
    /// Looks for the message in Twilio's list: same numbers, same text, not older than the attempt.
    async fn look(
        &self,
        sender: &SmsSender,
        call: &EffectCall,
    ) -> Result<Option<Submitted>, Failure> {
        let (to, body) = (call.open(&self.to)?, call.open(&self.body)?);
        let listed =
            sender.twilio.list_messages(to.as_e164(), sender.from.as_e164(), LOOK_AT).await;
        let listed = listed.map_err(|error| of_twilio_read(&error))?;
        Ok(oldest_of_this_attempt(listed, &body, call.begun_at)
            .map(|message| Submitted::Taken { sid: message.sid }))
    }
}

fn oldest_of_this_attempt(
    listed: Vec<Message>,
    body: &str,
    begun_at: chrono::DateTime<chrono::Utc>,
) -> Option<Message> {
    listed
        .into_iter()
        .filter(|message| message.direction == "outbound-api" && message.body == body)
        .filter(|message| message.date_created.is_some_and(|at| at >= begun_at - CLOCKS_DIFFER))
        .min_by_key(|message| message.date_created)
}

/// The configuration may have changed since the message was recorded: it may come back.
fn sender(clients: &Clients) -> Result<&SmsSender, Failure> {
    clients.sms.as_ref().ok_or_else(|| Failure::retry("no SMS provider is configured any more"))
}
