#![doc = include_str!("../README.md")]

mod db; // a database for each test, with a clock that tests move
mod leftovers; // what no history of any test may lead to
mod own; // a Postgres that may crash
mod server; // one Postgres for all processes of a run
mod wait; // until something holds
mod worker; // a worker that can be killed, frozen and drained

mod cutter; // a network that can be cut
mod gate; // the seam in the database

mod calls; // what the outside was asked for
mod case; // a workflow of ordinary needs, played
mod fault; // what goes wrong
mod matrix; // one line for a workflow of ordinary needs
mod play; // how a workflow is played
mod stand; // a play with everything it needs
mod strike; // how each fault is delivered
mod tally; // what came of it

pub mod report; // target/promises.json
pub mod rest; // when nothing moves by itself any more
pub mod seed; // what is left to chance

mod lines; // the one line

pub use self::{
    calls::Calls,
    case::{Case, RunOf},
    db::TestDb,
    fault::Fault,
    gate::Gate,
    matrix::{CrashMatrix, Done},
    own::OwnServer,
    play::Play,
    server::{main as hold_postgres, superuser},
    stand::at_every_boundary,
    tally::Tally,
    wait::{holds, wait_until, within},
    worker::{TestWorker, WorkerOptions},
};
