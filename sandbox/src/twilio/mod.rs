//! Twilio's messages and numbers, as far as a phone that receives texts and an account that buys numbers need them.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/` | the phones' messages, for people |
//! | `/2010-04-01/Accounts/{account}/Messages.json` | send, list |
//! | `/2010-04-01/Accounts/{account}/Messages/{sid}.json` | one message |
//! | `/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}/{kind}.json` | numbers on offer |
//! | `/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json` | buy, list |
//! | `/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json` | one number: read, configure, give back |
//! | `/2010-04-01/Accounts/{account}/Calls.json`, `Calls/{sid}.json` | place a call, list, one call |
//! | `/2010-04-01/Accounts/{account}/Recordings/{sid}.json` | delete a recording |
//! | `/_sandbox/numbers` | what the account has (GET); how many of the next are taken by others (POST) |
//! | `/_sandbox/messages`, `calls`, `requests` | what arrived (GET) |
//! | `/_sandbox/calls` | a person calls one of the account's numbers (POST) |
//! | `/_sandbox/calls/{sid}` | such a call's story (GET); what the caller does next (POST) |
//! | `/_sandbox/inbound` | a person writes a text (POST): posted to `url`, signed |
//! | `/_sandbox/mood`, `callbacks`, `callee`, `opt_outs`, `undeliverable`, `clock`, `reset` | how it behaves (POST) |
//!
//! A message goes from `queued` to `sent` to `delivered` by itself, and each step after the first
//! is reported to its `StatusCallback`. Delivery fails only to phones that were made undeliverable;
//! refusals come from Twilio's magic numbers and from opt-outs. A call rings and ends at once, as the
//! callee was told to.

mod auth; // who may call
mod call; // calls that the account places
mod callbacks; // each message's way to the phone, and the webhooks about it
mod control; // the `/_sandbox` endpoints
mod gate; // every API request passes here: counted, then treated as the mood says
mod handle; // the same control, typed, for the same process
mod inbound; // a person writes a text
mod ledger; // accepted messages on disk
mod list; // reading messages
mod live; // calls that people place
mod market; // which numbers the account has
mod mood; // what it is like at the moment
mod number; // one phone number
mod numbers; // offering, selling, configuring and taking back numbers
mod options; // whose account, how fast
mod page; // the page for people
mod recordings; // deleting them
mod refusal; // Twilio's error bodies
mod segments; // how many texts a text is
mod send; // taking a message
mod server; // all of it behind one socket
mod state; // the memory
mod store; // messages, newest first
mod text; // one message
mod validate; // which messages Twilio takes

use crate::{clock, connection, traffic};

pub use self::{
    call::{Call, Callee},
    callbacks::CallbackOrder,
    handle::Handle,
    inbound::{Inbound, InboundAnswer},
    live::{Deed, Delays, LiveCall, Moment, Oddity, Placement, Recording, Story, What},
    mood::{Mood, Spell},
    number::Number,
    options::Options,
    server::Twilio,
    text::Text,
    traffic::Traffic,
};
