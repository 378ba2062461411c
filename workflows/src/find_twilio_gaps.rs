//! What Twilio did and never told us: its own lists of calls and messages are read since a watermark, and what is over and
//! unknown comes in through the door by which the webhook would have come. A webhook that comes late is a repeat.

use chrono::{DateTime, TimeDelta, Utc};
use clients::twilio::{HistoryPage, MessageRecord};
use domain::{messages::MessageStatus, scope, watermarks};
use engine::{Context, Failure, Retention, RetryPolicy, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    call_sweep::report_of,
    door::Event,
    error::{of_domain, of_twilio_read},
    gap::{Found, LATE, enter},
    sms_status::SmsStatus,
};

/// What began before the watermark may have ended after it. Twilio holds a message for ten hours, a call for four.
const LASTS: TimeDelta = TimeDelta::days(1);

/// Further back is not looked, however long we were away: by then nobody waits for it.
const BACK: TimeDelta = TimeDelta::days(7);

/// Pages of 200. More in one run are more than an hour brings; the watermark stays then.
const PAGES_MAX: usize = 500;

/// Reads Twilio's lists. Runs hourly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindTwilioGaps {}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Calls,
    Messages,
}

impl List {
    /// Its watermark's name.
    const fn source(self) -> &'static str {
        match self {
            List::Calls => "twilio_calls",
            List::Messages => "twilio_messages",
        }
    }
}

/// A page, as far as it matters: what is over, and where the older ones are.
#[derive(Debug, Serialize, Deserialize)]
struct Read {
    ended: Vec<Event>,
    next: Option<String>,
}

impl Workflow<Trunkline> for FindTwilioGaps {
    const KIND: &'static str = "find_twilio_gaps";
    const QUEUE: &'static str = "maintenance";
    /// The next tick comes in an hour.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = Found;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Found, Failure> {
        let until = ctx.now().await? - LATE;
        let mut found = Found::NOTHING;
        for list in [List::Calls, List::Messages] {
            self.read(ctx, list, until, &mut found).await?;
        }
        Ok(found)
    }
}

impl FindTwilioGaps {
    /// One list, from its newest item back to the watermark.
    async fn read(
        &self,
        ctx: &Context<'_, Trunkline>,
        list: List,
        until: DateTime<Utc>,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let mark = ctx.transaction("watermark", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            watermarks::get(tx, list.source()).await.map_err(of_domain)
        });
        let since = since(mark.await?, until);
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let read = ctx
                .step("page", async |clients, _| {
                    page(ctx, clients, list, since, until, next.as_deref()).await
                })
                .await?;
            let gaps =
                ctx.transaction("enter", async |tx| enter(tx, &read.ended, object).await).await?;
            found.looked_at += read.ended.len() as u64;
            found.gaps += gaps;
            next = read.next;
            if next.is_none() {
                break;
            }
        }
        if next.is_some() {
            found.complete = false;
            tracing::warn!(
                list = list.source(),
                "a provider's list was too long to be read in one run"
            );
            return Ok(());
        }
        ctx.transaction("seen", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            watermarks::advance(tx, list.source(), until).await.map_err(of_domain)
        })
        .await
    }
}

/// From where a list is read.
fn since(mark: Option<DateTime<Utc>>, until: DateTime<Utc>) -> DateTime<Utc> {
    mark.unwrap_or(until).max(until - BACK) - LASTS
}

async fn page(
    ctx: &Context<'_, Trunkline>,
    clients: &Clients,
    list: List,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    next: Option<&str>,
) -> Result<Read, Failure> {
    let Some(sender) = &clients.sms else { return Ok(Read { ended: Vec::new(), next: None }) };
    let failed = |error| of_twilio_read(&error);
    let twilio = &sender.twilio;
    match list {
        List::Calls => {
            let HistoryPage { items, next } =
                twilio.calls_since(since, next).await.map_err(failed)?;
            let mut ended = Vec::new();
            for record in items.iter().filter(|it| it.ended_at.is_none_or(|at| at <= until)) {
                ended.extend(report_of(ctx, record)?.map(Event::CallStatus));
            }
            Ok(Read { ended, next })
        }
        List::Messages => {
            let HistoryPage { items, next } =
                twilio.messages_since(since, next).await.map_err(failed)?;
            let ended = items.iter().filter_map(|record| message_of(record, until));
            Ok(Read { ended: ended.collect(), next })
        }
    }
}

/// A message that is over, as the report that its webhook would have been. What came in has no reports.
fn message_of(record: &MessageRecord, until: DateTime<Utc>) -> Option<Event> {
    let status: MessageStatus = record.status.parse().ok()?;
    let is_old = record.updated_at.is_none_or(|at| at <= until);
    let counts = status.is_final() && is_old && !record.is_inbound;
    counts.then(|| {
        Event::MessageStatus(SmsStatus {
            message: None, // by the provider's name alone
            sid: record.sid.clone(),
            status: status.as_str().to_owned(),
            error_code: record.error_code,
        })
    })
}

/// A metric's word for what it is about.
fn object(event: &Event) -> &'static str {
    if matches!(event, Event::CallStatus(_)) { "call" } else { "message" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_is_read_from_a_day_before_its_watermark_and_never_for_ever() {
        let until = at("2026-11-21T12:00:00Z");
        assert_eq!(since(None, until), at("2026-11-20T12:00:00Z"));
        assert_eq!(since(Some(at("2026-11-21T11:00:00Z")), until), at("2026-11-20T11:00:00Z"));
        assert_eq!(since(Some(at("2025-01-01T00:00:00Z")), until), at("2026-11-13T12:00:00Z"));
    }

    #[test]
    fn only_what_is_over_for_a_while_and_was_to_be_told_is_a_gap() {
        let until = at("2026-11-21T12:00:00Z");
        let record = |status: &str, is_inbound, updated_at: &str| MessageRecord {
            sid: "SM1".to_owned(),
            status: status.to_owned(),
            is_inbound,
            error_code: None,
            updated_at: Some(at(updated_at)),
        };
        let old = "2026-11-21T11:00:00Z";
        assert!(message_of(&record("delivered", false, old), until).is_some());
        assert!(message_of(&record("undelivered", false, old), until).is_some());
        assert!(message_of(&record("sent", false, old), until).is_none());
        assert!(message_of(&record("received", true, old), until).is_none());
        assert!(message_of(&record("delivered", false, "2026-11-21T12:00:01Z"), until).is_none());
        assert!(message_of(&record("teleported", false, old), until).is_none());
    }
}
