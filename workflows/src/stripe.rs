//! Stripe as our workflows use it: one account, at its pace, and what its answers mean in our books.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clients::stripe::{self, Error, Stripe, Subscription};
use domain::billing::{Facts, StripeStatus};
use engine::{EffectCall, Failure, Probe};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::app::Clients;

/// Between two reads of a long list: 25 a second, which is what Stripe allows each of its endpoints.
/// <https://docs.stripe.com/rate-limits>
const BETWEEN_READS: Duration = Duration::from_millis(40);

/// A request that got no answer may still be carried out for so long: Stripe ends its own after 80 s.
const SETTLED: Duration = Duration::from_secs(90);

/// Under which our ids stand in the metadata of what we make.
pub(crate) const TENANT: &str = "tenant_id";
pub(crate) const SUBSCRIPTION: &str = "subscription_id";
pub(crate) const RUN: &str = "workflow_id";

/// An account with Stripe.
pub struct StripeAccount {
    /// How it is spoken to.
    pub stripe: Stripe,
    next_read: Mutex<Option<Instant>>,
}

impl StripeAccount {
    /// Calls nobody yet.
    pub fn new(stripe: Stripe) -> StripeAccount {
        StripeAccount { stripe, next_read: Mutex::new(None) }
    }

    /// Waits until the next read of a long list may go.
    pub(crate) async fn turn(&self) {
        let mut next = self.next_read.lock().await;
        let now = Instant::now();
        let at = next.unwrap_or(now).max(now);
        sleep_until(at).await;
        *next = Some(at + BETWEEN_READS);
    }
}

/// The configuration may have changed since the job was made: it may come back.
pub(crate) fn account(clients: &Clients) -> Result<&StripeAccount, Failure> {
    clients.stripe.as_ref().ok_or_else(|| Failure::retry("Stripe is not configured"))
}

/// A subscription, and when it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// What Stripe says.
    pub facts: Facts,
    /// Before it was asked, by the database's clock.
    pub seen_at: DateTime<Utc>,
}

impl Told {
    /// Of the answer to an effect's request. One that cannot be understood is no failure of the request.
    pub(crate) fn of(subscription: &Subscription, call: &EffectCall) -> Result<Told, Failure> {
        let facts = facts(subscription).ok_or_else(|| {
            Failure::unknown("Stripe's subscription is in a state we do not know")
        })?;
        Ok(Told { facts, seen_at: call.begun_at })
    }
}

/// What a subscription says, in the terms of our books. None: its status or its numbers are not known to this version.
pub(crate) fn facts(it: &Subscription) -> Option<Facts> {
    let at = |secs: i64| DateTime::from_timestamp(secs, 0);
    let price = match it.items.as_slice() {
        [one] => Some(one.price.clone()),
        _ => None,
    };
    let ours = |name: &str| it.metadata.get(name);
    Some(Facts {
        stripe_id: it.id.clone(),
        customer: it.customer.clone(),
        status: status(it.status?),
        price,
        quantity: i32::try_from(it.items.iter().map(|item| item.quantity).sum::<i64>()).ok()?,
        livemode: it.livemode,
        cancel_at_period_end: it.cancel_at_period_end,
        period_start: it.current_period_start.and_then(at),
        period_end: it.current_period_end.and_then(at),
        trial_end: it.trial_end.and_then(at),
        created_at: at(it.created)?,
        tenant: ours(TENANT).and_then(|id| id.parse().ok()),
        subscription: ours(SUBSCRIPTION).and_then(|id| id.parse().ok()),
    })
}

fn status(status: stripe::SubscriptionStatus) -> StripeStatus {
    use stripe::SubscriptionStatus as Theirs;
    match status {
        Theirs::Active => StripeStatus::Active,
        Theirs::Canceled => StripeStatus::Canceled,
        Theirs::Incomplete => StripeStatus::Incomplete,
        Theirs::IncompleteExpired => StripeStatus::IncompleteExpired,
        Theirs::PastDue => StripeStatus::PastDue,
        Theirs::Paused => StripeStatus::Paused,
        Theirs::Trialing => StripeStatus::Trialing,
        Theirs::Unpaid => StripeStatus::Unpaid,
    }
}

/// A request under the effect's own key. Stripe keeps a failure of its own under the key, too, and would repeat it for a
/// day; when it does, that earlier request is over, and the effect's probe has found nothing of it: another key, then.
pub(crate) async fn keyed<T, F>(
    call: &EffectCall,
    request: impl Fn(String) -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    match request(call.key.clone()).await {
        Err(Error::ServerError { replayed: true, .. }) => {
            request(format!("{}-{}", call.key, call.attempt)).await
        }
        other => other,
    }
}

/// What a look has found. Not there counts only when a late request can no longer be under way.
pub(crate) fn looked<T>(found: Option<T>, call: &EffectCall) -> Probe<T> {
    match (found, SETTLED.checked_sub(call.age)) {
        (Some(found), _) => Probe::Happened(found),
        (None, Some(early)) if !early.is_zero() => Probe::NotYet(early),
        (None, Some(_) | None) => Probe::DidNotHappen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reads_of_a_long_list_go_twenty_five_a_second() {
        let http = clients::http::client(Duration::from_secs(1)).unwrap();
        let config = stripe::Config {
            api_base: "http://127.0.0.1:1".parse().unwrap(),
            secret_key: "sk_test_1".into(),
        };
        let account = StripeAccount::new(Stripe::new(http, config).unwrap());
        let before = Instant::now();
        for _ in 0..26 {
            account.turn().await;
        }
        assert_eq!(before.elapsed(), Duration::from_secs(1));
    }
}
