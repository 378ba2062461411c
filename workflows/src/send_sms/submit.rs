//! Handing a message to Twilio, and finding out whether it was.
//!
//! Twilio knows no idempotency key for messages. So an attempt whose outcome is unknown is looked up in Twilio's own list
//! before it is repeated: at once, and a second time when Twilio has had time to show it.

use std::time::Duration;

use clients::twilio::{Error, Message, NewMessage, RejectedClass};
use domain::{MessageId, PhoneNumber};
use engine::{Effect, EffectCall, Failure, Jitter, Probe, RetryPolicy, Sealed};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, SmsSender, Trunkline},
    error::{of_twilio, of_twilio_read},
    metrics,
};

/// Never earlier than 1 s, 2 s and 4 s after a failed attempt; then patiently, for most of a day. (A code's job has a deadline
/// of its own.)
const RETRY: RetryPolicy = RetryPolicy::delays(
    &[
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(4),
        Duration::from_secs(30),
        Duration::from_mins(1),
        Duration::from_mins(2),
        Duration::from_mins(10),
        Duration::from_mins(30),
    ],
    40,
)
.jitter(Jitter::Up(20));

/// Twilio's clock and ours may differ by this much.
const CLOCKS_DIFFER: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// Messages between two numbers that are looked through. More within the minutes of a look-up are a flood.
const LOOK_AT: u16 = 50;

/// A code that may or may not have left is replaced sooner than another message is sent again: if both arrive, the newer one
/// counts and the older one does nothing.
const REPLACED_AFTER: Duration = Duration::from_secs(15);

/// Hands a message to Twilio.
#[derive(Debug, Serialize, Deserialize)]
pub struct SubmitSms {
    pub(super) message: MessageId,
    pub(super) to: Sealed<PhoneNumber>,
    pub(super) body: Sealed<String>,
    pub(super) validity_secs: u32,
    /// From this number; none for the platform's.
    #[serde(default)]
    pub(super) from: Option<Sealed<PhoneNumber>>,
    /// Whether whoever asked for it would rather make a new one than have this one twice.
    #[serde(default)]
    pub(super) is_replaceable: bool,
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
    /// Nobody can tell, and it is not sent again.
    Unproven,
}

impl Effect<Trunkline> for SubmitSms {
    const NAME: &'static str = "submit_sms";
    const RETRY: RetryPolicy = RETRY;
    type Output = Submitted;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Submitted, Failure> {
        let sender = sender(clients)?;
        let new = NewMessage {
            to: call.open(&self.to)?.as_e164().to_owned(),
            from: self.from(sender, call)?.as_e164().to_owned(),
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
                if class == RejectedClass::Account {
                    metrics::account_refused(code);
                }
                let failure = of_twilio(&Error::Rejected { status, code, class });
                if failure.is_permanent() { Ok(Submitted::Refused { code }) } else { Err(failure) }
            }
            Err(error) => {
                if matches!(error, Error::Unknown(_)) {
                    metrics::ambiguous();
                }
                Err(of_twilio(&error))
            }
        }
    }

    async fn probe(
        &self,
        clients: &Clients,
        call: &EffectCall,
    ) -> Result<Probe<Submitted>, Failure> {
        let sender = sender(clients)?;
        if let Some(found) = self.look(sender, call).await? {
            metrics::adopted();
            return Ok(Probe::Happened(found));
        }
        // A message may show up late in the list.
        let patience = if self.is_replaceable {
            sender.second_look.min(REPLACED_AFTER)
        } else {
            sender.second_look
        };
        match patience.checked_sub(call.age) {
            Some(early) if !early.is_zero() => Ok(Probe::NotYet(early)),
            Some(_) | None if self.is_replaceable => {
                metrics::resent("replaced");
                Ok(Probe::Happened(Submitted::Unproven))
            }
            Some(_) | None => {
                metrics::resent("unknown");
                Ok(Probe::DidNotHappen)
            }
        }
    }
}

impl SubmitSms {
    fn from(&self, sender: &SmsSender, call: &EffectCall) -> Result<PhoneNumber, Failure> {
        match &self.from {
            Some(from) => call.open(from),
            None => Ok(sender.from.clone()),
        }
    }

    /// Looks for the message in Twilio's list: same numbers, same text, not older than the attempt.
    async fn look(
        &self,
        sender: &SmsSender,
        call: &EffectCall,
    ) -> Result<Option<Submitted>, Failure> {
        let (to, body) = (call.open(&self.to)?, call.open(&self.body)?);
        let from = self.from(sender, call)?;
        let listed = sender.twilio.list_messages(to.as_e164(), from.as_e164(), LOOK_AT).await;
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
pub(crate) fn sender(clients: &Clients) -> Result<&SmsSender, Failure> {
    clients.sms.as_ref().ok_or_else(|| Failure::retry("no SMS provider is configured any more"))
}
