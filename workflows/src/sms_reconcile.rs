//! Messages of whose end nobody has told: looked up at the provider's, and settled. A lost report is no lost fact.
//!
//! | step | effect | undo |
//! | --- | --- | --- |
//! | `abandon` | what was never handed over within a day is `failed` | – (facts) |
//! | `stale` | – (which to look at) | – |
//! | `look` | – (what the provider says) | – |
//! | `settle` | the messages move on, as by a report | – (facts) |

use std::time::Duration;

use clients::twilio::Error;
use domain::{
    MessageId,
    messages::{self, Applied, MessageStatus, Named, Stale},
    scope,
};
use engine::{Context, Failure, Gates, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_twilio_read},
    send_sms::{TWILIO, sender},
    sms_status::follow_up,
};

/// Without news for so long. Reports come within seconds, or not at all.
const STALE_AFTER: Duration = Duration::from_mins(15);

/// Older ones have no end any more: Twilio drops what it could not send after ten hours.
const GIVE_UP: Duration = Duration::from_hours(72);

/// Looked up in one step: twenty requests of at most ten seconds would be too long, of the usual 100 ms they are two seconds.
const BATCH: i64 = 20;

/// Batches in one run: a thousand messages. The rest is for the next tick.
const BATCHES_MAX: usize = 50;

/// Looks after messages without an end. Runs every ten minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SmsReconcile {}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Messages that were looked up.
    pub looked_up: u64,
    /// Messages that moved on.
    pub settled: u64,
    /// Messages that nobody will hand over any more.
    pub abandoned: u64,
}

/// What the provider says of one message.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    message: MessageId,
    sid: String,
    status: MessageStatus,
    error_code: Option<i32>,
}

impl Workflow<Trunkline> for SmsReconcile {
    const KIND: &'static str = "sms_reconcile";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Brief;
    type Output = Reconciled;

    fn gates(&self) -> Gates {
        Gates::none().at_once("sms-reconcile", "", 1).breaker(TWILIO)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Reconciled, Failure> {
        let mut sum = Reconciled {
            abandoned: ctx.transaction("abandon", async |tx| abandon(tx).await).await?,
            ..Reconciled::default()
        };
        if ctx.settings().sms_from.is_none() {
            return Ok(sum);
        }
        let mut behind = None;
        for _ in 0..BATCHES_MAX {
            let stale: Vec<(MessageId, String)> =
                ctx.transaction("stale", async |tx| page(tx, behind).await).await?;
            let Some((last, _)) = stale.last() else { break };
            behind = Some(*last);
            sum.looked_up += stale.len() as u64;
            let found = ctx.step("look", async |clients, _| look(clients, &stale).await).await?;
            sum.settled += ctx
                .transaction("settle", async |tx| {
                    settle(tx, &found, ctx.settings().sms_every_ms).await
                })
                .await?;
        }
        Ok(sum)
    }
}

async fn abandon(tx: &mut Tx) -> Result<u64, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    messages::abandon_older(tx, Duration::from_hours(24)).await.map_err(of_domain)
}

async fn page(tx: &mut Tx, behind: Option<MessageId>) -> Result<Vec<(MessageId, String)>, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let stale =
        messages::stale(tx, STALE_AFTER, GIVE_UP, behind, BATCH).await.map_err(of_domain)?;
    Ok(stale.into_iter().map(|Stale { message, sid }| (message, sid)).collect())
}

async fn look(clients: &Clients, stale: &[(MessageId, String)]) -> Result<Vec<Found>, Failure> {
    let twilio = &sender(clients)?.twilio;
    let mut found = Vec::new();
    for (message, sid) in stale {
        let there = match twilio.fetch_message(sid).await {
            Ok(there) => there,
            // Deleted there: nobody will ever know.
            Err(Error::Rejected { status: 404, .. }) => continue,
            Err(error) => return Err(of_twilio_read(&error)),
        };
        let Some(status) = there.status.and_then(|status| status.as_str().parse().ok()) else {
            continue;
        };
        let error_code = there.error_code.and_then(|code| i32::try_from(code).ok());
        found.push(Found { message: *message, sid: sid.clone(), status, error_code });
    }
    Ok(found)
}

async fn settle(tx: &mut Tx, found: &[Found], every_ms: u32) -> Result<u64, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let mut settled = 0;
    for Found { message, sid, status, error_code } in found {
        let named = Named::Ours(*message, sid);
        let applied =
            messages::apply_status(tx, named, *status, *error_code).await.map_err(of_domain)?;
        if applied == Applied::Yes {
            settled += 1;
            follow_up(tx, *message, (*status, *error_code), every_ms).await?;
        }
    }
    Ok(settled)
}
