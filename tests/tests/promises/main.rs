//! The engine's promises, against real processes that are killed, frozen and drained. Each experiment says how much really
//! went wrong, and what it found, in `target/promises.json`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod ledger; // effects, counted from outside
mod people; // sign-ups from outside
mod recovery; // how quickly a dead worker's jobs go on

mod credentials; // what providers know us by, in a process
mod depth; // what a claim costs among millions
mod dev; // `trunkline dev` leaves nothing behind
mod limits; // how many at once, and in which turns
mod postgres; // its crash, and the end of every session
mod sleeping; // costs rows
mod stopping; // SIGTERM loses and repeats nothing
mod storm; // kill -9 at random
mod zombies; // SIGSTOP, and SIGCONT when it is too late
