//! `POST /telephony/route`: which worker a call's audio is taken to. The greeting has been heard meanwhile, so that the claim
//! and the dial to the speech service cost the caller nothing.

use std::time::Duration;

use axum::{extract::State, response::Response};
use clients::twilio::twiml::{Connect, Stream, Twiml};
use domain::{
    calls::text_backs::Missed,
    voice::{
        Outcome, Session, sessions,
        token::{self, Grant},
    },
};
use engine::{Claimant, JobId, Tx, Workflow};
use workflows::missed_call_textback::MissedCallTextback;

use super::{Place, after, answer, left, words::Words};
use crate::{
    problem::{Code, Problem},
    state::ApiState,
    webhooks::twilio::Signed,
};

/// How often Twilio is asked to come again, a second each. Longer than a lease of the voice pool, so that a call whose
/// worker has died is not told that nobody is free.
const TRIES_MAX: u32 = 5;

/// How often a claim is looked for before Twilio is asked to come again: its shortest pause is a second, a claim takes
/// milliseconds.
const LOOKS: u32 = 6;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// What a token must have left for the way to the worker.
const WAY_SECS: i64 = 15;

/// Under which the token stands among the stream's parameters.
const TOKEN: &str = "token";

pub(crate) async fn route(
    State(state): State<ApiState>,
    signed: Signed,
) -> Result<Response, Problem> {
    let place = Place::read(&signed)?;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    for _ in 0..LOOKS {
        looks.tick().await;
        if let Some(twiml) = look(&state, &place).await? {
            return Ok(answer(&twiml));
        }
    }
    if place.tries < TRIES_MAX {
        let again = place.route(&state, place.tries + 1);
        return Ok(answer(&Twiml::new().pause(1).redirect(again)));
    }
    Ok(answer(&nobody_is_free(&state, &place).await?))
}

/// What is known of the session now. `None`: nobody has claimed it yet.
async fn look(state: &ApiState, place: &Place) -> Result<Option<Twiml>, Problem> {
    let mut tx = state.begin().await?;
    let Some(session) = place.session(&mut tx).await? else {
        return Ok(Some(Twiml::new().hang_up()));
    };
    if let Some(outcome) = session.outcome {
        if let (Outcome::AiFailed, Some(recording)) = (outcome, &place.recording) {
            left::tell_owner(&mut tx, &session, recording, Words::of(place.caller())).await?;
            tx.commit().await?;
        }
        return Ok(Some(after(state, place, &session, outcome)));
    }
    let job = JobId::from(session.job);
    let Some(claim) = tx.claimant_of(job).await? else { return Ok(None) };
    let Some(address) = claim.address.as_deref().filter(|_| !claim.is_leaving) else {
        return Ok(None);
    };
    let until = claim.claimed_at.timestamp() + token::LIFETIME_SECS;
    if until - tx.now().await?.timestamp() < WAY_SECS {
        // The caller has listened for so long that the token would be too old on the way: begun anew, it is fresh.
        tx.recall(job, claim.epoch).await?;
        tx.commit().await?;
        return Ok(None);
    }
    connect(state, place, &session, &claim, address, until).map(Some)
}

/// Takes the audio to the worker. The same claim leads to the same answer, however often it is asked for.
fn connect(
    state: &ApiState,
    place: &Place,
    session: &Session,
    claim: &Claimant,
    address: &str,
    until: i64,
) -> Result<Twiml, Problem> {
    let (call_sid, epoch) = (session.call_sid.as_str(), claim.epoch);
    let grant = Grant { session: session.session, epoch, call_sid, until };
    let token = token::mint(&state.config().pepper, &grant);
    let stream = Stream::to(format!("{address}/stream"))
        .reported_to(place.status(state, epoch))
        .parameter(TOKEN, token)
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let ended = place.ended(state, epoch);
    Ok(Twiml::new().connect(Connect { action: None, stream }).redirect(ended))
}

/// The caller is told so and gets a text, and the session ends with it: whoever claims it later finds it over. If it was claimed in just
/// this moment, the caller is told all the same, and the worker waits in vain for its audio.
async fn nobody_is_free(state: &ApiState, place: &Place) -> Result<Twiml, Problem> {
    let mut tx: Tx = state.begin().await?;
    let Some(session) = place.session(&mut tx).await? else { return Ok(Twiml::new().hang_up()) };
    if !sessions::close(&mut tx, place.session, Outcome::Overflow, None).await? {
        let outcome = session.outcome.unwrap_or(Outcome::Overflow);
        return Ok(after(state, place, &session, outcome));
    }
    let text = MissedCallTextback { call: session.call, why: Missed::Overflow };
    tx.enqueue(text.job().tenant(session.tenant.as_uuid())).await?;
    tx.commit().await?;
    tracing::warn!(session.id = %place.session, "nobody was free for a call");
    let words = Words::of(place.caller());
    Ok(Twiml::new().say(words.overflow(), &words.voice()).hang_up())
}
