//! Calls that people place to numbers of the account: what Twilio does when the phone rings.
//!
//! A call posts the number's webhook, signed, and does what the TwiML says: it speaks and pauses as long as that takes, follows
//! redirects, hands its audio to a WebSocket in frames of 20 ms, plays what comes back at its own clock, echoes marks when they are
//! reached, and goes on with the next verb when the server closes the stream. The caller follows a script. A call is one task; a
//! hundred of them are cheap.

mod call; // from verb to verb
mod control; // the endpoints
mod deed; // what a caller does
mod forms; // what webhooks say
mod hand; // a call in somebody's hand
mod moment; // what happened, and when
mod person; // a caller, tick by tick
mod placement; // a call to be placed
mod player; // what Twilio plays
mod post; // signed webhooks
mod stream; // the audio, both ways
mod twiml; // markup, read

pub(super) use self::{call::place, control::routes, hand::Live};
pub use self::{
    deed::Deed,
    hand::LiveCall,
    moment::{Delays, Moment, Story, What},
    placement::{Oddity, Placement, Recording},
};
