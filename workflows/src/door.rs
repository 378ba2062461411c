//! The door by which everything comes in that a provider tells us: by its webhook, by a reconciler that found out that none
//! had come, or by an operator who has one applied again. One event has one natural key, so whoever is second is a repeat.

use domain::{CallId, TenantId, VoiceSessionId, calls::text_backs::Missed};
use engine::{Delivery, Engine, Error, InboxEntry, NewJob, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    apply_stripe_event::ApplyStripeEvent, call_status::CallStatus,
    missed_call_textback::MissedCallTextback, recording::Recording, sms_inbound::SmsInbound,
    sms_status::SmsStatus, voice_session::VoiceSession,
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

/// That somebody has rung, and what was decided about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallIncoming {
    /// The provider's id of the call.
    pub sid: String,
    /// Who was called.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// What follows.
    pub next: Next,
}

/// What follows a call that has come in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// The assistant speaks.
    Session {
        /// In this session.
        session: VoiceSessionId,
        /// For so long at the most.
        talk_max_secs: u32,
    },
    /// Nobody does; the caller may be written to.
    TextBack {
        /// Why.
        why: Missed,
    },
}

/// That a person was rung up for a caller and did not pick up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallDialed {
    /// The provider's id of the caller's call.
    pub sid: String,
    /// That call.
    pub call: CallId,
    /// Who was called.
    pub tenant: TenantId,
}

/// What a provider tells. This is what the inbox keeps: ids and words; phones are sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What became of a message.
    MessageStatus(SmsStatus),
    /// Somebody has written.
    MessageReceived(SmsInbound),
    /// Somebody has rung.
    CallIncoming(CallIncoming),
    /// A person was rung up in vain.
    CallDialed(CallDialed),
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
            | Event::CallIncoming(_)
            | Event::CallDialed(_)
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
            Event::CallIncoming(it) => format!("{}:incoming", it.sid),
            Event::CallDialed(it) => format!("{}:dialed", it.sid),
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
            Event::CallIncoming(it) => &it.sid,
            Event::CallDialed(it) => &it.sid,
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
            Event::CallIncoming(it) => of_tenant(it.job(), Some(it.tenant)),
            Event::CallDialed(it) => {
                let text = MissedCallTextback { call: it.call, why: Missed::PersonAway };
                of_tenant(text.job(), Some(it.tenant))
            }
            Event::CallStatus(it) => of_tenant(it.job(), it.tenant),
            Event::Recording(it) => it.job(),
            Event::Stripe(it) => {
                ApplyStripeEvent { event: it.event.clone(), object: it.object.clone() }.job()
            }
        }
    }
}

impl CallIncoming {
    fn job(&self) -> NewJob {
        let call = self.call;
        match self.next {
            Next::Session { session, talk_max_secs } => {
                let (call_sid, tenant) = (self.sid.clone(), self.tenant);
                VoiceSession { session, call, call_sid, tenant, talk_max_secs }.job()
            }
            Next::TextBack { why } => MissedCallTextback { call, why }.job(),
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
    enter_as(tx, event, event.job(), traceparent).await
}

/// The same, with the job that was made of the event: for those who need its id.
pub async fn enter_as(
    tx: &mut Tx,
    event: &Event,
    job: NewJob,
    traceparent: Option<&str>,
) -> Result<Delivery, Error> {
    tx.receive(&entry_of(event)?, traced(job, traceparent)).await
}

/// The same where nothing else is to commit with it: events that come at the same time share a commit.
pub async fn enter_alone(
    engine: &Engine,
    event: &Event,
    traceparent: Option<&str>,
) -> Result<Delivery, Error> {
    engine.receive(entry_of(event)?, traced(event.job(), traceparent)).await
}

fn entry_of(event: &Event) -> Result<InboxEntry, Error> {
    Ok(InboxEntry {
        provider: event.provider(),
        dedupe_key: event.natural_key(),
        object_key: event.object().to_owned(),
        payload: serde_json::to_value(event).map_err(Error::Encode)?,
    })
}

fn traced(mut job: NewJob, traceparent: Option<&str>) -> NewJob {
    job.traceparent = traceparent.map(ToOwned::to_owned);
    job
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
