//! Live calls: the API in this process, voice workers as processes that are killed and drained, a phone company and a speech
//! service on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod door; // who is let in
mod house; // everything a call needs
mod measuring; // how quick
mod routing; // where a call's audio goes
mod speaking; // what a caller hears
mod surviving; // whatever dies
mod whole; // from the door to what is left of it
