//! Calls whose end was never told: asked for at the provider, and brought in through the door by which the webhook would have
//! come. And sessions that outlived their call because nobody spoke in them: they end, and what follows a call follows.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clients::twilio::{CallRecord, Error, RejectedClass};
use domain::{
    PhoneNumber, VoiceSessionId,
    calls::{self, CallStatus as Status, Direction},
    scope,
    voice::{Outcome, Spoken, sessions},
};
use engine::{Context, Delivery, Failure, JobId, Retention, RetryPolicy, StepPolicy, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    after_call::AfterCall,
    app::{Clients, Trunkline},
    call_status::CallStatus,
    door::{self, Event},
    error::{of_domain, of_twilio_read},
    metrics,
};

/// After so long without news somebody is asked. A call that is being spoken is asked about again and again.
const SILENT: TimeDelta = TimeDelta::minutes(15);

/// So long after its call a session in which nobody speaks is given up: longer than it takes to be handed on.
const OUTLIVED: TimeDelta = TimeDelta::minutes(5);

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
    /// Sessions that had outlived their call.
    #[serde(default)]
    pub sessions: u64,
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
        let since = ctx.now().await? - OUTLIVED;
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let page = ctx.transaction("outlived", async |tx| give_up(tx, since, after).await);
            let Page { ended, last } = page.await?;
            swept.sessions += ended;
            let Some(last) = last else { break };
            after = Some(last);
        }
        Ok(swept)
    }
}

/// A page of sessions that were looked at.
#[derive(Serialize, Deserialize)]
struct Page {
    ended: u64,
    last: Option<VoiceSessionId>,
}

/// Ends sessions that have outlived their call, but for those that a worker holds: it notices by itself.
async fn give_up(
    tx: &mut Tx,
    since: DateTime<Utc>,
    after: Option<VoiceSessionId>,
) -> Result<Page, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let found = sessions::outlived(tx, since, after, PAGE).await.map_err(of_domain)?;
    let mut page = Page { ended: 0, last: found.last().map(|session| session.session) };
    for session in found {
        if tx.claimant_of(JobId::from(session.job)).await?.is_some() {
            continue;
        }
        let closed = sessions::close(tx, session.session, Outcome::Abandoned, None).await;
        if !closed.map_err(of_domain)? {
            continue;
        }
        page.ended += 1;
        let follow = AfterCall {
            call: session.call,
            session: session.session,
            tenant: session.tenant,
            turns: tx.seal(&Vec::<Spoken>::new())?,
            outcome: Outcome::Abandoned,
        };
        tx.enqueue(follow.job().tenant(session.tenant.as_uuid())).await?;
    }
    Ok(page)
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
