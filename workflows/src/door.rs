//! The door by which everything comes in that a provider tells us: by its webhook, by a reconciler that found out that none
//! had come, or by an operator who has one applied again. One event has one natural key, so whoever is second is a repeat.

use domain::TenantId;
use engine::{Delivery, Error, InboxEntry, NewJob, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    apply_stripe_event::ApplyStripeEvent, call_status::CallStatus, recording::Recording,
    sms_inbound::SmsInbound, sms_status::SmsStatus,
};

/// Twilio's name in the inbox and in metrics.
pub const TWILIO: &str = "twilio";

/// Stripe's name in the inbox and in metrics.
pub const STRIPE: &str = "stripe";

/// That something has happened at Stripe. What is true now is asked for by the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StripeHint {
    /// `evt_…`.
    #[serde(rename = "stripe_event")]
    pub event: String,
    /// What it is about.
    pub object: String,
    /// What happened to it, such as `customer.subscription.updated`.
    pub kind: String,
}

/// What a provider tells. This is what the inbox keeps: ids and words; phones are sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What became of a message.
    MessageStatus(SmsStatus),
    /// Somebody has written.
    MessageReceived(SmsInbound),
    /// Where a call is.
    CallStatus(CallStatus),
    /// Where a recording is.
    Recording(Recording),
    /// That something has happened at Stripe.
    Stripe(StripeHint),
}

impl Event {
    /// Whose post it is.
    pub fn provider(&self) -> &'static str {
        match self {
            Event::MessageStatus(_)
            | Event::MessageReceived(_)
            | Event::CallStatus(_)
            | Event::Recording(_) => TWILIO,
            Event::Stripe(_) => STRIPE,
        }
    }

    /// The same for every delivery of the event, whichever way it comes. (Twilio's sequence numbers are no part of it: its
    /// lists do not know them, and no call and no message is in one status twice.)
    pub fn natural_key(&self) -> String {
        match self {
            Event::MessageStatus(it) => format!("{}:{}", it.sid, it.status),
            Event::MessageReceived(it) => it.sid.clone(),
            Event::CallStatus(it) => format!("{}:{}", it.sid, it.status),
            Event::Recording(it) => format!("{}:{}", it.sid, it.status),
            Event::Stripe(it) => it.event.clone(),
        }
    }

    /// What it is about: the provider's id of the message, or of the call, whose recordings are of it.
    pub fn object(&self) -> &str {
        match self {
            Event::MessageStatus(it) => &it.sid,
            Event::MessageReceived(it) => &it.sid,
            Event::CallStatus(it) => &it.sid,
            Event::Recording(it) => &it.call_sid,
            Event::Stripe(it) => &it.object,
        }
    }

    /// The job that applies it.
    pub fn job(&self) -> NewJob {
        match self {
            Event::MessageStatus(it) => it.job(),
            Event::MessageReceived(it) => of_tenant(it.job(), it.tenant),
            Event::CallStatus(it) => of_tenant(it.job(), it.tenant),
            Event::Recording(it) => it.job(),
            Event::Stripe(it) => {
                ApplyStripeEvent { event: it.event.clone(), object: it.object.clone() }.job()
            }
        }
    }
}

fn of_tenant(job: NewJob, tenant: Option<TenantId>) -> NewJob {
    match tenant {
        Some(tenant) => job.tenant(tenant.as_uuid()),
        None => job,
    }
}

/// Keeps an event and enqueues the job that applies it, both once, in the caller's transaction.
pub async fn enter(
    tx: &mut Tx,
    event: &Event,
    traceparent: Option<&str>,
) -> Result<Delivery, Error> {
    let entry = InboxEntry {
        provider: event.provider(),
        dedupe_key: event.natural_key(),
        object_key: event.object().to_owned(),
        payload: serde_json::to_value(event).map_err(Error::Encode)?,
    };
    let mut job = event.job();
    job.traceparent = traceparent.map(ToOwned::to_owned);
    tx.inbox(&entry, job).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_read_back_as_the_same_event() {
        let kept = json!({
            "event": "call_status", "sid": "CA1", "status": "completed", "tenant": null, "direction": "inbound",
            "from": null, "to": null, "at": "2023-08-24T05:01:45Z", "duration_secs": 42, "sip_response_code": null,
        });
        let event: Event = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!((event.natural_key(), event.object()), ("CA1:completed".to_owned(), "CA1"));
        assert_eq!(serde_json::to_value(&event).unwrap(), kept);
        assert_eq!(event.job().kind, "call_status");
    }

    #[test]
    fn news_of_a_recording_is_about_its_call() {
        let kept = json!({ "event": "recording", "sid": "RE1", "call_sid": "CA1", "status": "completed",
            "duration_secs": 1, "channels": 2, "started_at": null, "error_code": null });
        let event: Event = serde_json::from_value(kept).unwrap();
        assert_eq!((event.natural_key().as_str(), event.object()), ("RE1:completed", "CA1"));
    }
}
