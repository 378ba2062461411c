//! The harness: the product with its clock, its database's name and its providers' addresses replaced. The suites are this
//! package's test binaries (`tests/<suite>/main.rs`).

mod api; // the API on a port of its own, and its client
mod claim; // what a claim does and costs
mod collector; // who takes spans
mod log; // what is logged
mod pooler; // sessions without memory
mod proxy; // a network that loses what it is told to lose

pub mod fleet; // real processes
pub mod shapes; // what routes take

pub use crash_matrix::{
    Fault, Play, Tally, TestDb, TestWorker, WorkerOptions, holds, rest, seed, superuser,
    wait_until, within,
};

pub use self::{
    api::{
        ADMIN_KEY, Answer, Ask, PEPPER, PUBLIC_BASE_URL, TWILIO_ACCOUNT, TWILIO_TOKEN,
        TWILIO_TOKEN_BEFORE, TestApi, variables,
    },
    claim::{Claim, between, buffers, claim_settings},
    collector::{Collector, Exporting, SpanSeen},
    log::Log,
    pooler::Forgetful,
    proxy::Proxy,
};
