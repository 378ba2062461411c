//! Whether a message may be sent, and the message, in one transaction.

use chrono::{DateTime, Utc};
use domain::{
    MessageId, PhoneNumber, TenantId, messages, numbers, scope,
    sending::{self, Draft, Leave, Occasion, Refusal},
    switches::{self, Switch},
};
use engine::{Change, Failure, Sealed, Tx};
use serde::{Deserialize, Serialize};

use super::Sender;
use crate::{
    app::{Settings, Trunkline},
    error::of_domain,
};

/// Asks for leave, and writes the message down before anything is sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordSms {
    pub(super) message: MessageId,
    pub(super) for_tenant: Option<TenantId>,
    pub(super) purpose: String,
    pub(super) to: Sealed<PhoneNumber>,
    pub(super) body: Sealed<String>,
    pub(super) occasion: Occasion,
    pub(super) sender: Sender,
}

/// What the answer was.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "recorded", rename_all = "snake_case")]
pub enum Recorded {
    /// It is written down and may go.
    Ready {
        /// From this number of the tenant's, or from the platform's if none.
        from: Option<Sealed<PhoneNumber>>,
    },
    /// Not before then. Nothing is written yet.
    Later {
        /// When to ask again.
        until: DateTime<Utc>,
    },
    /// There is nobody to send it.
    Skipped,
    /// Operators have switched texts off for everybody.
    Bypassed,
    /// It may not be sent.
    Refused {
        /// Which.
        why: Refusal,
    },
}

impl Change<Trunkline> for RecordSms {
    const NAME: &'static str = "record_sms";
    type Output = Recorded;

    async fn apply(&self, tx: &mut Tx, settings: &Settings) -> Result<Recorded, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let to = tx.open(&self.to)?;
        let Some(platform) = &settings.sms_from else {
            self.write(tx, &to, None, None).await?;
            messages::mark_skipped(tx, self.message).await.map_err(of_domain)?;
            return Ok(Recorded::Skipped);
        };
        if switches::is_on(tx, Switch::SmsBypass).await.map_err(of_domain)?.is_some() {
            self.write(tx, &to, None, None).await?;
            messages::mark_skipped(tx, self.message).await.map_err(of_domain)?;
            return Ok(Recorded::Bypassed);
        }
        let theirs = match (self.sender, self.for_tenant) {
            (Sender::Tenant, Some(tenant)) => {
                let number = numbers::of_tenant(tx, tenant).await.map_err(of_domain)?;
                let Some(number) = number else {
                    return self.refuse(tx, &to, None, Refusal::NoNumber).await;
                };
                Some(number)
            }
            (Sender::Tenant, None) | (Sender::Platform, _) => None,
        };
        let sender = theirs.as_ref().unwrap_or(platform);
        let draft = Draft {
            occasion: self.occasion,
            tenant: self.for_tenant,
            sender: Some(sender),
            to: &to,
            planned_at: self.message.minted_at().unwrap_or_default(),
            pepper: &settings.pepper,
        };
        match sending::ask(tx, draft).await.map_err(of_domain)? {
            Leave::Later(until) => Ok(Recorded::Later { until }),
            // Not even written down: there is nobody any more whom it was for.
            Leave::Refused(why @ Refusal::Erased) => Ok(Recorded::Refused { why }),
            Leave::Refused(why) => self.refuse(tx, &to, Some(sender), why).await,
            Leave::Given(conversation) => {
                self.write(tx, &to, Some(sender), conversation).await?;
                let from = theirs.map(|number| tx.seal(&number)).transpose()?;
                Ok(Recorded::Ready { from })
            }
        }
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, recorded: &Recorded) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        match recorded {
            // One that was handed over has a fate of its own.
            Recorded::Ready { .. } => {
                messages::abandon(tx, self.message).await.map_err(of_domain).map(drop)
            }
            Recorded::Later { .. }
            | Recorded::Skipped
            | Recorded::Bypassed
            | Recorded::Refused { .. } => Ok(()),
        }
    }
}

impl RecordSms {
    async fn refuse(
        &self,
        tx: &mut Tx,
        to: &PhoneNumber,
        from: Option<&PhoneNumber>,
        why: Refusal,
    ) -> Result<Recorded, Failure> {
        self.write(tx, to, from, None).await?;
        messages::mark_refused(tx, self.message, why).await.map_err(of_domain)?;
        Ok(Recorded::Refused { why })
    }

    async fn write(
        &self,
        tx: &mut Tx,
        to: &PhoneNumber,
        from: Option<&PhoneNumber>,
        conversation: Option<domain::ConversationId>,
    ) -> Result<(), Failure> {
        let body = conversation.map(|_| tx.open(&self.body)).transpose()?;
        let new = messages::NewMessage {
            message: self.message,
            tenant: self.for_tenant,
            purpose: &self.purpose,
            occasion: self.occasion,
            to,
            from,
            body_sealed: None, // this job has it
            said: conversation.zip(body.as_deref()),
        };
        messages::create(tx, new).await.map_err(of_domain)
    }
}
