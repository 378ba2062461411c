//! Five planted bugs, each of which the suite must notice. This program is built with `--features planted-bugs`; it holds
//! tests of other suites, and runs them again as programs of their own, with a bug and without.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

#[expect(dead_code, unused_imports, reason = "the tests of other modules use the rest of it")]
#[path = "../engine/toy/mod.rs"]
mod toy; // the application of the engine's suite

#[path = "../engine/enqueueing.rs"]
mod enqueueing;
#[path = "../engine/leases.rs"]
mod leases;
#[path = "../../../crash-matrix/tests/order.rs"]
mod order;
#[path = "../engine/waiting.rs"]
mod waiting;

mod catching; // which test notices which bug
