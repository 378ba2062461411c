//! A call from end to end: the sandbox's Twilio, a bridge of a hundred lines, the sandbox's speech model.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod bridge; // what stands between the two
mod calling; // what a caller hears
mod house; // all of it
mod moods; // a bad day of the speech model
