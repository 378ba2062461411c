//! The machine of states against a small model of it: whatever is done to jobs, in whatever order, the database is where the
//! model is.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod model; // what should be
mod puppet; // a workflow that does what it is told
mod stage; // what is
mod walk; // from one to the other, by chance
