//! `POST /telephony/incoming`, with its other names: somebody rings. Who takes the call is decided in one transaction with the
//! call's row and the job that follows, and answered at once; whoever asks again is told the same.

mod dialed; // what became of ringing a person up
mod gates; // who takes the call
mod words; // what is said first, or instead

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use clients::twilio::{
    BadWebhook, CallReport,
    twiml::{Dial, RejectReason, Twiml},
};
use domain::{
    PhoneNumber,
    calls::{
        self, About, CallStatus, Direction, News,
        answers::{self, Answer},
    },
    voice::{NewSession, sessions},
};
use engine::Tx;
use workflows::{
    door::{self, CallIncoming, Event, Next},
    events,
};

pub(crate) use self::dialed::dialed;
use self::words::voice;
use super::{
    call_status, route,
    twilio::{self, Signed},
    voice::address,
};
use crate::{
    caller::Caller,
    metrics::{self, Webhook},
    problem::Problem,
    state::ApiState,
};

/// Where Twilio asks which worker speaks.
const ROUTE: &str = "/telephony/route";

/// Asked when a person was rung up.
const DIALED: &str = "/telephony/dialed";

/// How long a person's phone rings.
const RING_SECS: u16 = 25;

pub(crate) async fn incoming(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<Response, Problem> {
    let report = CallReport::parse(&signed.form).map_err(bad)?;
    let status: CallStatus =
        report.status.parse().map_err(|_| twilio::malformed("CallStatus is none"))?;
    if report.is_inbound == Some(false) {
        return Err(twilio::malformed("Direction is not inbound"));
    }
    tracing::info!(
        target: "twilio.voice",
        event = events::TWILIO_VOICE_WEBHOOK,
        call_sid = report.call_sid,
        status = status.as_str(),
        "somebody rings"
    );
    let phone =
        |text: &Option<String>| text.as_deref().and_then(|text| PhoneNumber::from_e164(text).ok());
    let (from, to) = (phone(&report.from), phone(&report.to));
    let mut tx = state.begin().await?;
    calls::lock(&mut tx, &report.call_sid).await?;
    if let Some(given) = answers::get(&mut tx, &report.call_sid).await? {
        metrics::webhook(twilio::PROVIDER, Webhook::Repeated);
        return Ok(spoken(&state, &given));
    }
    let served = route::of(&mut tx, &signed, to.as_ref()).await?;
    let Some(tenant) = route::refuse_closed(served, route::Begins::Call)? else {
        return Ok(nobodys(&report));
    };
    let before = calls::get(&mut tx, &report.call_sid).await?;
    if status.is_final() || before.is_some_and(|call| call.progress.status.is_final()) {
        // The caller has hung up before we were asked.
        return Ok(xml(&Twiml::new().hang_up()));
    }
    let decision = gates::decide(&mut tx, tenant).await?;
    let about = About {
        tenant: Some(tenant),
        direction: Some(Direction::Inbound),
        from: from.as_ref(),
        to: to.as_ref(),
    };
    let news = News { status, at: report.at, duration_secs: None, sip_response_code: None };
    let call = calls::apply_and_get(&mut tx, &report.call_sid, about, &news).await?;
    let answer = decision.answer(call, tenant);
    if let Some(next) = next_of(&answer) {
        let sid = report.call_sid.clone();
        enter(&mut tx, &caller, CallIncoming { sid, tenant, call, next }).await?;
    } else {
        // Nothing follows yet; the news of the call is kept like any other.
        let news = call_status::call_of(&mut tx, &signed, report.clone()).await?;
        door::enter(&mut tx, &Event::CallStatus(news), caller.traceparent.as_deref()).await?;
    }
    answers::put(&mut tx, &report.call_sid, &answer).await?;
    tx.commit().await?;
    metrics::webhook(twilio::PROVIDER, Webhook::Accepted);
    metrics::call_answered(answer.outcome);
    tracing::info!(target: "twilio.voice", call_sid = report.call_sid, outcome = answer.outcome.as_str(), "a call was answered");
    if let Some(session) = answer.session {
        tracing::info!(
            target: "twilio.voice",
            event = events::CONVERSATION_START,
            call_sid = report.call_sid,
            session.id = %session,
            tenant_id = %tenant,
            channel = "voice",
            "the assistant takes a call"
        );
    }
    Ok(spoken(&state, &answer))
}

/// What follows from an answer.
fn next_of(answer: &Answer) -> Option<Next> {
    if let Some((session, talk_max)) = answer.session.zip(answer.talk_max) {
        let talk_max_secs = u32::try_from(talk_max.as_secs()).unwrap_or(u32::MAX);
        return Some(Next::Session { session, talk_max_secs });
    }
    answer.outcome.missed().map(|why| Next::TextBack { why })
}

/// Inbox row, session and job.
async fn enter(tx: &mut Tx, caller: &Caller, incoming: CallIncoming) -> Result<(), Problem> {
    let (call, tenant) = (incoming.call, incoming.tenant);
    let (sid, next) = (incoming.sid.clone(), incoming.next);
    let event = Event::CallIncoming(incoming);
    let job = event.job();
    if let Next::Session { session, .. } = next {
        let job = job.id.as_uuid();
        sessions::open(tx, &NewSession { session, call, call_sid: &sid, tenant, job }).await?;
    }
    door::enter_as(tx, &event, job, caller.traceparent.as_deref()).await?;
    Ok(())
}

/// An answer as Twilio carries it out. The same answer is always the same text.
fn spoken(state: &ApiState, answer: &Answer) -> Response {
    let twiml = Twiml::new().say(&answer.words, &voice(answer.locale));
    xml(&match (&answer.session, &answer.transfer_phone) {
        (Some(session), _) => twiml.redirect(address(state, ROUTE, &[("s", &session.to_string())])),
        (None, Some(phone)) => twiml.dial(Dial {
            number: phone.as_e164().to_owned(),
            caller_id: None,
            timeout_secs: Some(RING_SECS),
            action: Some(address(state, DIALED, &[])),
        }),
        (None, None) => twiml.hang_up(),
    })
}

/// A number that serves nobody: the line is not picked up, which costs nobody anything.
fn nobodys(report: &CallReport) -> Response {
    metrics::webhook(twilio::PROVIDER, Webhook::NobodysNumber);
    tracing::warn!(target: "twilio.voice", call_sid = report.call_sid, "a call to a number that serves nobody");
    xml(&Twiml::new().reject(RejectReason::Rejected))
}

fn xml(twiml: &Twiml) -> Response {
    ([(CONTENT_TYPE, "text/xml; charset=utf-8")], twiml.to_xml()).into_response()
}

fn bad(why: BadWebhook) -> Problem {
    twilio::malformed(why.to_string())
}
