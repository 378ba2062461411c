//! Calls whose end was never told: asked for at the provider, and brought in through the door by which the webhook would have
//! come.

use std::time::Duration;

use chrono::TimeDelta;
use clients::twilio::{CallRecord, Error, RejectedClass};
use domain::{
    PhoneNumber,
    calls::{self, CallStatus as Status, Direction},
    scope,
};
use engine::{Context, Delivery, Failure, Retention, RetryPolicy, StepPolicy, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    call_status::CallStatus,
    door::{self, Event},
    error::{of_domain, of_twilio_read},
    metrics,
};

/// After so long without news somebody is asked. A call that is being spoken is asked about again and again.
const SILENT: TimeDelta = TimeDelta::minutes(15);

/// Calls that are asked about in one step.
const PAGE: i64 = 50;

/// The next run comes in a few minutes; what is left until then is its.
const PAGES_MAX: usize = 40;

/// Fifty questions, one after the other.
const ASKED_WITHIN: Duration = Duration::from_mins(2);

/// Sweeps. Runs every ten minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallSweep {}

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Calls of which nothing was heard.
    pub silent: u64,
    /// Those that are over, which nobody had told.
    pub ended: u64,
}

impl Workflow<Trunkline> for CallSweep {
    const KIND: &'static str = "call_sweep";
    const QUEUE: &'static str = "calls";
    /// The next tick comes in ten minutes.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = Swept;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Swept, Failure> {
        let since = ctx.now().await? - SILENT;
        let (mut after, mut swept) = (String::new(), Swept::default());
        for _ in 0..PAGES_MAX {
            let silent = ctx.transaction("silent", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                calls::silent_since(tx, since, &after, PAGE).await.map_err(of_domain)
            });
            let silent: Vec<String> = silent.await?;
            let Some(last) = silent.last() else { break };
            after.clone_from(last);
            let policy = StepPolicy::from(RetryPolicy::STEP).timeout(ASKED_WITHIN);
            let ended = ctx
                .step_with("ask", policy, async |clients, _| ask(ctx, clients, &silent).await)
                .await?;
            swept.silent += silent.len() as u64;
            swept.ended += ended.len() as u64;
            ctx.transaction("enter", async |tx| enter_all(tx, &ended).await).await?;
        }
        Ok(swept)
    }
}

/// Those that are over.
async fn ask(
    ctx: &Context<'_, Trunkline>,
    clients: &Clients,
    silent: &[String],
) -> Result<Vec<CallStatus>, Failure> {
    let Some(sender) = &clients.sms else { return Ok(Vec::new()) };
    let mut ended = Vec::new();
    for sid in silent {
        match sender.twilio.call_record(sid).await {
            Ok(record) => ended.extend(report_of(ctx, &record)?),
            // They do not know it (any more): there will never be any news.
            Err(Error::Rejected { status: 404, .. }) => ended.push(lost(sid)),
            Err(error @ Error::Rejected { class: RejectedClass::Account, .. }) => {
                return Err(of_twilio_read(&error));
            }
            Err(error) => return Err(of_twilio_read(&error)),
        }
    }
    Ok(ended)
}

fn lost(sid: &str) -> CallStatus {
    CallStatus {
        sid: sid.to_owned(),
        status: Status::Failed.as_str().to_owned(),
        tenant: None,
        direction: None,
        from: None,
        to: None,
        at: None,
        duration_secs: None,
        sip_response_code: None,
    }
}

/// A call of the provider's list as the report that its webhook would have been. None: it is not over.
pub(crate) fn report_of(
    ctx: &Context<'_, Trunkline>,
    record: &CallRecord,
) -> Result<Option<CallStatus>, Failure> {
    let status: Option<Status> = record.status.parse().ok();
    let Some(status) = status.filter(|status| status.is_final()) else { return Ok(None) };
    let phone = |text: &Option<String>| {
        let phone = text.as_deref().and_then(|text| PhoneNumber::from_e164(text).ok());
        phone.map(|phone| ctx.seal(&phone)).transpose()
    };
    let direction = if record.is_inbound { Direction::Inbound } else { Direction::Outbound };
    Ok(Some(CallStatus {
        sid: record.sid.clone(),
        status: status.as_str().to_owned(),
        tenant: None, // by its number, when it is applied
        direction: Some(direction),
        from: phone(&record.from)?,
        to: phone(&record.to)?,
        at: record.ended_at,
        duration_secs: record.duration_secs,
        sip_response_code: None,
    }))
}

/// Brings ends in. One that came as a webhook, and was not applied, is applied: its job may have failed.
async fn enter_all(tx: &mut Tx, ended: &[CallStatus]) -> Result<(), Failure> {
    for report in ended {
        let event = Event::CallStatus(report.clone());
        match door::enter(tx, &event, None).await? {
            Delivery::First => metrics::gap(event.provider(), "call"),
            Delivery::Repeat(_) => {
                tx.enqueue(event.job()).await?;
            }
        }
    }
    Ok(())
}
