//! What happened at Stripe and was never told: its own list of events is read since a watermark, and what is unknown comes in
//! through the door by which the webhook would have come. A webhook that comes late is a repeat.
//!
//! The list goes from the newest to the oldest, so it is read in spans, the oldest span first: what a span brought is kept and
//! its end becomes the watermark before the next one is begun. After a long silence one run does not have to manage all.

use chrono::{DateTime, TimeDelta, Utc};
use clients::stripe::{self, Since};
use domain::{scope, watermarks};
use engine::{Context, Failure, Retention, RetryPolicy, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    door::{Event, StripeHint},
    error::{of_domain, of_stripe_read},
    gap::{Found, LATE, enter},
    stripe::account,
};

/// Its name among the watermarks.
const SOURCE: &str = "stripe_events";

/// An event may show in the list a while after its instant: each run begins so much before the watermark.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// The first run looks back so far.
const AT_FIRST: TimeDelta = TimeDelta::days(1);

/// Stripe keeps events for 30 days ("Events" in its API reference); what is older is the reconciliation's.
const BACK: TimeDelta = TimeDelta::days(29);

/// What is read at once.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// Pages of 100 in one run: what a run remembers while it lasts stays within a few megabytes.
const PAGES_MAX: usize = 300;

/// Reads Stripe's events. Runs hourly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindStripeGaps {}

/// A page, as far as it matters: what should have been told, and after which one the older ones are.
#[derive(Debug, Serialize, Deserialize)]
struct Read {
    told: Vec<Event>,
    next: Option<String>,
}

impl Workflow<Trunkline> for FindStripeGaps {
    const KIND: &'static str = "find_stripe_gaps";
    const QUEUE: &'static str = "maintenance";
    /// The next tick comes in an hour.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = Found;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Found, Failure> {
        let mut found = Found::NOTHING;
        if ctx.settings().stripe_is_live.is_none() {
            return Ok(found);
        }
        let until = ctx.now().await? - LATE;
        let mark = ctx.transaction("watermark", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            watermarks::get(tx, SOURCE).await.map_err(of_domain)
        });
        let mut from = since(mark.await?, until);
        let mut pages_left = PAGES_MAX;
        while from < until {
            let to = (from + SPAN).min(until);
            if !read_span(ctx, (from, to), &mut pages_left, &mut found).await? {
                found.complete = false;
                tracing::warn!("more has happened at Stripe than can be looked through in one run");
                break;
            }
            ctx.transaction("seen", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                watermarks::advance(tx, SOURCE, to).await.map_err(of_domain)
            })
            .await?;
            from = to;
        }
        Ok(found)
    }
}

/// One span, from its newest event to its oldest. False: there were too many.
async fn read_span(
    ctx: &Context<'_, Trunkline>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    pages_left: &mut usize,
    found: &mut Found,
) -> Result<bool, Failure> {
    let span = Since { from: from.timestamp(), to: Some(to.timestamp()) };
    let mut next: Option<String> = None;
    while *pages_left > 0 {
        *pages_left -= 1;
        let read =
            ctx.step("page", async |clients, _| page(clients, span, next.as_deref()).await).await?;
        found.gaps +=
            ctx.transaction("enter", async |tx| enter(tx, &read.told, object).await).await?;
        found.looked_at += read.told.len() as u64;
        next = read.next;
        if next.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// From where the list is read.
fn since(mark: Option<DateTime<Utc>>, until: DateTime<Utc>) -> DateTime<Utc> {
    mark.map_or(until - AT_FIRST, |mark| mark - OVERLAP).max(until - BACK)
}

async fn page(clients: &Clients, span: Since, after: Option<&str>) -> Result<Read, Failure> {
    let account = account(clients)?;
    account.turn().await;
    let page = account.stripe.list_events(after, Some(span)).await;
    let page = page.map_err(|error| of_stripe_read(&error))?;
    let next = page.items.last().filter(|_| page.has_more).map(|it| it.id.clone());
    Ok(Read { told: page.items.into_iter().filter_map(event_of).collect(), next })
}

/// The event that its webhook would have been. None: it is about nothing that our books are concerned with, and which of
/// those Stripe was asked to tell is for whoever configured it.
fn event_of(event: stripe::Event) -> Option<Event> {
    let object = event.object?;
    let counts = object.starts_with("sub_") || object.starts_with("in_");
    counts.then_some(Event::Stripe(StripeHint { event: event.id, object, kind: event.kind }))
}

/// A metric's word for what it is about.
fn object(event: &Event) -> &'static str {
    if event.object().starts_with("sub_") { "subscription" } else { "invoice" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn events_are_read_from_just_before_the_watermark_and_never_from_before_stripe_keeps_them() {
        let until = at("2026-11-21T12:00:00Z");
        assert_eq!(since(None, until), at("2026-11-20T12:00:00Z"));
        assert_eq!(since(Some(at("2026-11-21T11:00:00Z")), until), at("2026-11-21T10:55:00Z"));
        assert_eq!(since(Some(at("2025-01-01T00:00:00Z")), until), at("2026-10-23T12:00:00Z"));
    }

    #[test]
    fn only_news_of_subscriptions_and_invoices_should_have_been_told() {
        let event = |object: Option<&str>| stripe::Event {
            id: "evt_1".to_owned(),
            kind: "any.thing".to_owned(),
            created: 0,
            livemode: false,
            object: object.map(ToOwned::to_owned),
        };
        assert_eq!(object(&event_of(event(Some("sub_1"))).unwrap()), "subscription");
        assert_eq!(object(&event_of(event(Some("in_1"))).unwrap()), "invoice");
        assert!(event_of(event(Some("cus_1"))).is_none());
        assert!(event_of(event(None)).is_none());
    }
}
