//! What has happened to a tenant that is shown: written as workers write it, from news that a provider would have told.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CallId, MessageId, PhoneNumber, TenantId,
    calls::{
        self, About, CallStatus, Direction, News,
        kept::Kept,
        transcripts::{self, NewTranscript},
    },
    conversations,
    messages::{self, MessageStatus, NewInbound, NewMessage},
    numbers, scope,
    sending::Occasion,
    shows::{Line, PastCall, Show},
};
use engine::{Failure, Tx};
use serde_json::json;

use crate::error::of_domain;

/// "Unreachable destination handset" (Twilio, "Error 30003").
const UNREACHABLE: i32 = 30003;

/// A minute of a conversation, for what was said when.
const TURN_MS: usize = 6000;

/// Writes all of it. Gives the latest call that somebody took.
pub(super) async fn tell(tx: &mut Tx, tenant: TenantId, show: Show) -> Result<CallId, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let story = show.story();
    let ours = numbers::of_tenant(tx, tenant).await.map_err(of_domain)?;
    let ours = ours.ok_or_else(|| Failure::permanent("it has no number"))?;
    for (phone, lines) in story.chats {
        let theirs = phone_of(phone)?;
        let chat = conversations::with(tx, tenant, &theirs).await.map_err(of_domain)?;
        for line in *lines {
            let (message, sid) = named("SM");
            let body = match line {
                Line::Theirs(body) => {
                    let new = NewInbound {
                        sid: &sid,
                        from: &theirs,
                        to: &ours,
                        tenant: Some(tenant),
                        body,
                        keyword: None,
                    };
                    let message = messages::receive(tx, new).await.map_err(of_domain)?;
                    messages::file(tx, message, tenant, chat.conversation)
                        .await
                        .map_err(of_domain)?;
                    continue;
                }
                Line::Ours(body) | Line::Lost(body) => body,
            };
            let new = NewMessage {
                message,
                tenant: Some(tenant),
                purpose: "reply",
                occasion: Occasion::AiAnswer,
                to: &theirs,
                from: Some(&ours),
                body_sealed: None,
                said: Some((chat.conversation, body)),
            };
            messages::create(tx, new).await.map_err(of_domain)?;
            if matches!(line, Line::Lost(_)) {
                messages::mark_failed(tx, message, Some(UNREACHABLE)).await.map_err(of_domain)?;
            } else {
                let status = MessageStatus::Delivered;
                messages::mark_submitted(tx, message, &sid, status).await.map_err(of_domain)?;
            }
        }
    }
    let now = tx.now().await?;
    let mut taken = None;
    for (phone, past) in story.calls {
        let about = About {
            tenant: Some(tenant),
            direction: Some(Direction::Inbound),
            from: Some(&phone_of(phone)?),
            to: Some(&ours),
        };
        let call = ring(tx, about, past, now).await?;
        if past.secs.is_some() {
            let new = NewTranscript {
                call,
                tenant,
                locale: story.locale,
                ended: "hung_up",
                turns: past.said.len(),
                said: Kept::Open(said(past)),
                is_urgent: past.is_urgent,
                kept_days: 90,
            };
            transcripts::put(tx, &new).await.map_err(of_domain)?;
            let summary = Kept::Open(past.summary.into());
            transcripts::summarise(tx, call, &summary).await.map_err(of_domain)?;
            taken = Some(call);
        }
    }
    taken.ok_or_else(|| Failure::permanent("a story without a call that was taken"))
}

/// One call, as its news would have come.
async fn ring(
    tx: &mut Tx,
    about: About<'_>,
    past: &PastCall,
    now: DateTime<Utc>,
) -> Result<CallId, Failure> {
    let (_, sid) = named("CA");
    let began = now - TimeDelta::minutes(past.minutes_ago);
    let news = |status, secs: i64, duration_secs| News {
        status,
        at: Some(began + TimeDelta::seconds(secs)),
        duration_secs,
        sip_response_code: None,
    };
    let told = match past.secs {
        Some(secs) => vec![
            news(CallStatus::Ringing, 0, None),
            news(CallStatus::InProgress, 2, None),
            news(CallStatus::Completed, 2 + i64::from(secs), Some(secs)),
        ],
        None => vec![news(CallStatus::Ringing, 0, None), news(CallStatus::NoAnswer, 25, None)],
    };
    for news in &told {
        calls::apply(tx, &sid, about, news).await.map_err(of_domain)?;
    }
    let call = calls::get(tx, &sid).await.map_err(of_domain)?;
    call.map(|call| call.call).ok_or_else(|| Failure::permanent("a call that is not there"))
}

fn said(past: &PastCall) -> serde_json::Value {
    past.said
        .iter()
        .enumerate()
        .map(|(turn, (who, text))| json!({ "who": who, "text": text, "atMs": turn * TURN_MS }))
        .collect()
}

fn phone_of(text: &str) -> Result<PhoneNumber, Failure> {
    PhoneNumber::from_e164(text).map_err(|_| Failure::permanent("a story without a phone"))
}

/// An id, and a name in the form that the provider would have given.
fn named(form: &str) -> (MessageId, String) {
    let id = MessageId::mint();
    (id, format!("{form}{}", id.as_uuid().simple()))
}
