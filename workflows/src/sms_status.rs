//! What the provider says became of a message. Reports come repeated and out of order; only a step forward counts.

use domain::{
    MessageId,
    messages::{self, Applied, MessageStatus, Named},
    scope,
};
use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain};

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
        let applied = ctx
            .transaction("apply", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                let named = match self.message {
                    Some(message) => Named::Ours(message, &self.sid),
                    None => Named::Provider(&self.sid),
                };
                match messages::apply_status(tx, named, status, self.error_code)
                    .await
                    .map_err(of_domain)?
                {
                    Applied::Yes => Ok(Some(Report::Applied)),
                    Applied::Late => Ok(Some(Report::Late)),
                    Applied::OtherSid => Ok(Some(Report::Double)),
                    Applied::Unknown => Ok(None),
                }
            })
            .await?;
        match applied {
            Some(Report::Double) => {
                tracing::error!(job.id = %ctx.job_id(), "a message may have been sent twice");
                Ok(Report::Double)
            }
            Some(report) => Ok(report),
            None => Ok(Report::Stray),
        }
    }
}
