//! The engine against a real Postgres, with workers that are killed, frozen and cut off. Every test's database is looked at
//! when it ends: no job may stand in two places, hold a key too long, or be left over unannounced.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod toy; // the application under test

mod enqueueing; // unique keys, priorities, starts, bulk
