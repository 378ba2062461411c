//! `POST /telephony/dialed`: a person was rung up for a caller. They have talked, or nobody picked up; then the caller is told so
//! and gets a text.

use axum::{extract::State, response::Response};
use clients::twilio::{CallReport, twiml::Twiml};
use domain::calls::{self, answers};
use engine::Delivery;
use workflows::door::{self, CallDialed, Event};

use super::{bad, voice, words, xml};
use crate::{
    caller::Caller,
    metrics::{self, Webhook},
    problem::Problem,
    state::ApiState,
    webhooks::twilio::{self, Signed},
};

/// How a dial ends (Twilio, "Dial", `DialCallStatus`), and whether somebody has talked.
const ENDS: [(&str, bool); 6] = [
    ("completed", true),
    ("answered", true),
    ("busy", false),
    ("no-answer", false),
    ("failed", false),
    ("canceled", false),
];

pub(crate) async fn dialed(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<Response, Problem> {
    let report = CallReport::parse(&signed.form).map_err(bad)?;
    let told = signed.form.iter().find(|(name, _)| name == "DialCallStatus");
    let told = told.map(|(_, word)| word.as_str()).unwrap_or_default();
    let end = ENDS.into_iter().find(|(word, _)| *word == told);
    let (word, talked) = end.ok_or_else(|| twilio::malformed("DialCallStatus is none"))?;
    let mut tx = state.begin().await?;
    calls::lock(&mut tx, &report.call_sid).await?;
    answers::note_dialled(&mut tx, &report.call_sid, word).await?;
    let given = answers::get(&mut tx, &report.call_sid).await?;
    let mut result = Webhook::Accepted;
    if let Some(answer) = given.as_ref().filter(|_| !talked) {
        let (sid, call, tenant) = (report.call_sid.clone(), answer.call, answer.tenant);
        let event = Event::CallDialed(CallDialed { sid, call, tenant });
        let delivery = door::enter(&mut tx, &event, caller.traceparent.as_deref()).await?;
        if delivery != Delivery::First {
            result = Webhook::Repeated;
        }
    }
    tx.commit().await?;
    metrics::webhook(twilio::PROVIDER, result);
    let twiml = match given.filter(|_| !talked) {
        Some(answer) => {
            Twiml::new().say(words::nobody_picks_up(answer.locale), &voice(answer.locale))
        }
        None => Twiml::new(),
    };
    Ok(xml(&twiml.hang_up()))
}
