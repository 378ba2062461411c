//! Where a live call's audio goes: which worker has the call, what happens when that worker is gone, and what the caller
//! hears when the call is over or nobody is free.

mod ended; // the audio has come to its end: what is next
mod left; // what a caller has said after the tone
mod place; // of which session an address speaks
mod route; // which worker it is taken to
mod status; // how the audio's stream is
mod words; // what the caller is told when nobody speaks

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use clients::twilio::twiml::{Dial, Record, Twiml};
use domain::{
    PhoneNumber,
    voice::{Outcome, Session},
};

pub(super) use self::place::address;
pub(crate) use self::{ended::stream_ended, route::route, status::stream_status};
use self::{place::Place, words::Words};
use crate::state::ApiState;

/// How long somebody's phone rings to whom a caller is put through.
const RING_SECS: u16 = 25;

/// Two minutes say what there is to say.
const MESSAGE_SECS_MAX: u16 = 120;

/// So long a silence ends a message.
const SILENCE_SECS: u16 = 5;

/// Told where a message is.
const RECORDING: &str = "/telephony/recording";

/// Asked when that is over.
const DIALED: &str = "/telephony/dialed";

fn answer(twiml: &Twiml) -> Response {
    ([(CONTENT_TYPE, "text/xml; charset=utf-8")], twiml.to_xml()).into_response()
}

/// What a call does whose session has ended like this.
fn after(state: &ApiState, place: &Place, session: &Session, outcome: Outcome) -> Twiml {
    let words = Words::of(place.caller());
    match (outcome, &session.transfer_to) {
        (Outcome::Transferred, Some(phone)) => put_through(state, phone),
        (Outcome::Overflow, _) => Twiml::new().say(words.overflow(), &words.voice()).hang_up(),
        (Outcome::AiFailed, _) if place.recording.is_some() => {
            Twiml::new().say(words.good_bye(), &words.voice()).hang_up()
        }
        // If nothing is said, the provider goes on here without asking.
        (Outcome::AiFailed, _) => Twiml::new()
            .say(words.failed(), &words.voice())
            .record(message(state, place))
            .say(words.good_bye(), &words.voice())
            .hang_up(),
        (
            Outcome::Transferred
            | Outcome::Completed
            | Outcome::HungUp
            | Outcome::TimeUp
            | Outcome::Silent
            | Outcome::Abandoned,
            _,
        ) => Twiml::new().hang_up(),
    }
}

/// The caller says after the tone what the assistant could not take down.
fn message(state: &ApiState, place: &Place) -> Record {
    Record {
        action: Some(place.route(state, 0)),
        max_secs: Some(MESSAGE_SECS_MAX),
        silence_secs: Some(SILENCE_SECS),
        finish_on: None,
        status_callback: Some(place::address(state, RECORDING, &[])),
        beep: true,
    }
}

fn put_through(state: &ApiState, phone: &PhoneNumber) -> Twiml {
    let dial = Dial {
        number: phone.as_e164().to_owned(),
        caller_id: None,
        timeout_secs: Some(RING_SECS),
        action: Some(place::address(state, DIALED, &[])),
    };
    Twiml::new().dial(dial)
}
