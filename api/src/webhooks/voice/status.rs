//! `POST /telephony/stream-status`: how a call's stream is, for people and metrics. Nothing follows from it: Twilio asks by
//! itself how to go on.

use axum::http::StatusCode;

use super::Place;
use crate::{
    metrics,
    problem::Problem,
    webhooks::twilio::{self, Signed},
};

/// What can be told (Twilio, "Stream", statusCallback).
const EVENTS: [&str; 3] = ["stream-started", "stream-stopped", "stream-error"];

pub(crate) async fn stream_status(signed: Signed) -> Result<StatusCode, Problem> {
    let place = Place::read(&signed)?;
    let field = |name: &str| {
        let found = signed.form.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let event = field("StreamEvent");
    let event = EVENTS.into_iter().find(|known| *known == event);
    let event = event.ok_or_else(|| twilio::malformed("StreamEvent is none"))?;
    metrics::stream(event);
    if event == "stream-error" {
        // A number of Twilio's and a sentence of Twilio's; neither names a person.
        let error: String = field("StreamError").chars().take(200).collect();
        tracing::warn!(session.id = %place.session, error, "a call's stream failed");
    }
    Ok(StatusCode::NO_CONTENT)
}
