//! `POST /telephony/status` and `/telephony/recording`, with their other names: where a call is, and where its recordings
//! are. One address may be told of both, so what is posted says what it is about.

use axum::{extract::State, http::StatusCode};
use clients::twilio::{BadWebhook, CallReport, RecordingReport};
use domain::{
    PhoneNumber,
    calls::{self, Direction, recordings::RecordingStatus},
};
use engine::{Sealed, Tx};
use workflows::{call_status::CallStatus, door::Event, recording::Recording};

use super::{
    door, route,
    twilio::{self, Signed},
};
use crate::{caller::Caller, problem::Problem, state::ApiState};

const STATUS: &str = "CallStatus";

pub(crate) async fn call_status(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<StatusCode, Problem> {
    let recording = recording_of(&signed)?;
    let mut tx = state.begin().await?;
    let mut events = Vec::new();
    if recording.is_none() || signed.has(STATUS) {
        let report = CallReport::parse(&signed.form).map_err(bad)?;
        events.push(Event::CallStatus(call_of(&mut tx, &signed, report).await?));
    }
    events.extend(recording.map(Event::Recording));
    for event in &events {
        let (call, word) = (event.object(), event.natural_key());
        tracing::debug!(target: "twilio.status", call_sid = call, event = word, "news of a call");
    }
    door::keep(tx, &events, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The report as a job. News of a call that has begun is always taken, or its end would be lost; one that begins for a
/// tenant that may not be served is refused.
pub(super) async fn call_of(
    tx: &mut Tx,
    signed: &Signed,
    report: CallReport,
) -> Result<CallStatus, Problem> {
    let status: calls::CallStatus =
        report.status.parse().map_err(|_| twilio::malformed("CallStatus is none"))?;
    let direction =
        report.is_inbound.map(|is| if is { Direction::Inbound } else { Direction::Outbound });
    let phone =
        |text: &Option<String>| text.as_deref().and_then(|text| PhoneNumber::from_e164(text).ok());
    let (from, to) = (phone(&report.from), phone(&report.to));
    let ours = if direction == Some(Direction::Outbound) { from.as_ref() } else { to.as_ref() };
    let served = route::of(tx, signed, ours).await?;
    let is_open = served.is_none_or(|served| served.admission == domain::tenants::Admission::Open);
    let tenant = if is_open || calls::get(tx, &report.call_sid).await?.is_none() {
        route::refuse_closed(served, route::Begins::Call)?
    } else {
        served.map(|served| served.tenant)
    };
    let seal = |tx: &Tx, phone: Option<PhoneNumber>| -> Result<Option<Sealed<PhoneNumber>>, _> {
        phone.map(|phone| tx.seal(&phone)).transpose()
    };
    Ok(CallStatus {
        sid: report.call_sid,
        status: status.as_str().to_owned(),
        tenant,
        direction,
        from: seal(tx, from)?,
        to: seal(tx, to)?,
        at: report.at,
        duration_secs: report.duration_secs,
        sip_response_code: report.sip_response_code.filter(|code| (100..700).contains(code)),
    })
}

fn recording_of(signed: &Signed) -> Result<Option<Recording>, Problem> {
    if !RecordingReport::is_in(&signed.form) {
        return Ok(None);
    }
    let report = RecordingReport::parse(&signed.form).map_err(bad)?;
    let status: RecordingStatus =
        report.status.parse().map_err(|_| twilio::malformed("RecordingStatus is none"))?;
    Ok(Some(Recording {
        sid: report.recording_sid,
        call_sid: report.call_sid,
        status: status.as_str().to_owned(),
        duration_secs: report.duration_secs,
        channels: report.channels.and_then(|channels| i16::try_from(channels).ok()),
        started_at: report.started_at,
        error_code: report.error_code,
    }))
}

fn bad(why: BadWebhook) -> Problem {
    twilio::malformed(why.to_string())
}
