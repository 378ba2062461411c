//! `POST /telephony/stream-ended`: a call's audio has come to its end, and the caller is still there. Either the session is
//! over, or whoever spoke is gone: then the session is taken away from them at once, without waiting for the end of their
//! lease, and the next worker goes on.

use axum::{extract::State, response::Response};
use clients::twilio::twiml::Twiml;
use domain::voice::{Outcome, sessions};
use engine::JobId;
use workflows::voice_session::CLAIMS_MAX;

use super::{Place, after, answer};
use crate::{
    problem::Problem,
    state::ApiState,
    webhooks::twilio::{self, Signed},
};

pub(crate) async fn stream_ended(
    State(state): State<ApiState>,
    signed: Signed,
) -> Result<Response, Problem> {
    let place = Place::read(&signed)?;
    let epoch = place.epoch.ok_or_else(|| twilio::malformed("e is missing"))?;
    let mut tx = state.begin().await?;
    let Some(session) = place.session(&mut tx).await? else {
        return Ok(answer(&Twiml::new().hang_up()));
    };
    if let Some(outcome) = session.outcome {
        return Ok(answer(&after(&state, &place, &session, outcome)));
    }
    if place.is_over {
        return Ok(answer(&Twiml::new()));
    }
    // Each has cost a worker; it ends with an apology.
    if epoch >= CLAIMS_MAX {
        sessions::close(&mut tx, place.session, Outcome::AiFailed, None).await?;
        tx.commit().await?;
        return Ok(answer(&after(&state, &place, &session, Outcome::AiFailed)));
    }
    let is_taken = tx.recall(JobId::from(session.job), epoch).await?;
    tx.commit().await?;
    tracing::info!(session.id = %place.session, epoch, is_taken, "a call's audio has ended before the call");
    Ok(answer(&Twiml::new().redirect(place.route(&state, 0))))
}
