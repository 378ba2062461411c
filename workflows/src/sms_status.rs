//! What the provider says became of a message. Reports come repeated and out of order, and sometimes before our own row is
//! committed; only a step forward counts.
//!
//! | step | effect | undo |
//! | --- | --- | --- |
//! | `apply` | the message moves on; a code that did not arrive wakes its sign-up; what the network did not deliver is said again later; whom the provider says to have opted out has | – (facts) |

use std::time::Duration;

use clients::twilio::RejectedClass;
use domain::{
    MessageId,
    messages::{self, Applied, Message, MessageStatus, Named},
    opt_outs::{self, Between, OptOutSource},
    scope, signups,
};
use engine::{Context, Failure, JobId, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    demo_signup::{NOT_DELIVERED, NotDelivered},
    error::of_domain,
    events, metrics, resend,
};

/// How often a report about a message that we do not know is looked at again, and how long after: our own row is committed
/// before the provider hears of the message, but its id there only with the answer.
const LOOKS: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_mins(1)];

/// Applies one report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SmsStatus {
    /// Our message, from the callback's address.
    pub message: Option<MessageId>,
    /// The provider's id for it.
    pub sid: String,
    /// The provider's word.
    pub status: String,
    /// Why it was not delivered, if it was not.
    pub error_code: Option<i32>,
}

/// What the report did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The message moved on.
    Applied,
    /// It was there already, or further.
    Late,
    /// It is of a second handing-over of the same message.
    Double,
    /// It is of no message of ours.
    Stray,
}

impl Workflow<Trunkline> for SmsStatus {
    const KIND: &'static str = "sms_status";
    const QUEUE: &'static str = "sms";
    const RETENTION: Retention = Retention::Brief;
    type Output = Report;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Report, Failure> {
        let status: MessageStatus = self
            .status
            .parse()
            .map_err(|_| Failure::permanent("the provider used a word that we do not know"))?;
        for pause in LOOKS {
            if let Some(report) = self.applied(ctx, status).await? {
                return Ok(report);
            }
            ctx.sleep(pause).await?;
        }
        Ok(self.applied(ctx, status).await?.unwrap_or(Report::Stray))
    }
}

impl SmsStatus {
    /// What the report did; none if there is no such message (yet).
    async fn applied(
        &self,
        ctx: &Context<'_, Trunkline>,
        status: MessageStatus,
    ) -> Result<Option<Report>, Failure> {
        let report = ctx
            .transaction("apply", async |tx| {
                self.apply(tx, status, ctx.settings().sms_every_ms).await
            })
            .await?;
        if report == Some(Report::Double) {
            tracing::error!(job.id = %ctx.job_id(), "a message may have been sent twice");
        }
        Ok(report)
    }

    async fn apply(
        &self,
        tx: &mut Tx,
        status: MessageStatus,
        every_ms: u32,
    ) -> Result<Option<Report>, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let named = match self.message {
            Some(message) => Named::Ours(message, &self.sid),
            None => Named::Provider(&self.sid),
        };
        let applied =
            messages::apply_status(tx, named, status, self.error_code).await.map_err(of_domain)?;
        Ok(match applied {
            Applied::Yes => {
                if let Some(message) = messages::which(tx, named).await.map_err(of_domain)? {
                    follow_up(tx, message, (status, self.error_code), every_ms).await?;
                }
                Some(Report::Applied)
            }
            Applied::Late => Some(Report::Late),
            Applied::OtherSid => Some(Report::Double),
            Applied::Unknown => None,
        })
    }
}

/// What follows from a message's end. In the transaction that moves the message, so that it follows once.
pub(crate) async fn follow_up(
    tx: &mut Tx,
    message: MessageId,
    (status, error_code): (MessageStatus, Option<i32>),
    every_ms: u32,
) -> Result<(), Failure> {
    if !matches!(status, MessageStatus::Undelivered | MessageStatus::Failed) {
        return Ok(());
    }
    let Some(found) = messages::get(tx, message).await.map_err(of_domain)? else { return Ok(()) };
    tracing::warn!(
        target: "twilio.messaging",
        event = events::SMS_DELIVERY_ERROR,
        message.id = %message,
        status = status.as_str(),
        error_code = error_code.unwrap_or_default(),
        purpose = found.purpose,
        "a message was not delivered"
    );
    let class = error_code.and_then(|code| u32::try_from(code).ok()).map(RejectedClass::of);
    if class == Some(RejectedClass::OptedOut) {
        note_opt_out(tx, &found).await?;
    }
    if resend::plan(tx, &found, error_code, every_ms).await? {
        metrics::resent("undelivered");
    }
    if found.purpose == "verification_code"
        && let Some(tenant) = found.tenant
        && let Some(signup) = signups::get(tx, tenant).await.map_err(of_domain)?
    {
        let key = message.to_string();
        let news = NotDelivered { message };
        tx.signal(JobId::from(signup.job), NOT_DELIVERED, &news, Some(&key)).await?;
    }
    Ok(())
}

async fn note_opt_out(tx: &mut Tx, message: &Message) -> Result<(), Failure> {
    let is_of_a_tenant = message.purpose != "verification_code";
    let tenant = message.tenant.filter(|_| is_of_a_tenant);
    if tenant.is_none() && message.from.is_none() {
        return Ok(());
    }
    let between = Between { tenant, sender: message.from.as_ref(), phone: &message.to };
    opt_outs::begin(tx, between, OptOutSource::Provider).await.map_err(of_domain)?;
    Ok(())
}
