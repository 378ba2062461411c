//! OpenAI's speech model on a WebSocket: an assistant that hears, answers and calls tools, by simple rules.
//!
//! It hears words that are said as [`crate::speech`] says them, with the pauses that `turn_detection` asks for, and answers the
//! same way, faster than it can be heard. Asked for a transfer, a call back, a link or a message it calls the tool with such a
//! name, if it was given one; anything else it repeats.

mod answer; // what it says to what was said
mod control; // the `/_sandbox/realtime` endpoints
mod conversation; // what was said, and what is being said
mod door; // who comes in
mod ear; // when somebody speaks
mod events; // what it tells, in OpenAI's shape
mod mood; // what it is like at the moment
mod obey; // what it is told to do
mod record; // what tests and people want to know afterwards
mod settings; // what `session.update` has set
mod socket; // one connection

pub(super) use self::{control::routes, conversation::Pace, door::open, record::Records};
pub use self::{
    mood::{RealtimeMood, RealtimeSpell},
    record::{RealtimeSession, Said},
};
