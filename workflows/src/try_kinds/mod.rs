//! Kinds for trying and measuring. Registered only where `TRUNKLINE_TRY_KINDS=1`.

mod fail;
mod ledger;
mod limited;
mod noop;
mod sleep;
mod steps;
mod timer;

pub use self::{
    fail::Fail,
    ledger::{Append, Ledger},
    limited::Limited,
    noop::Noop,
    sleep::Sleep,
    steps::Steps,
    timer::Timer,
};

/// Where they wait.
const QUEUE: &str = "try";
