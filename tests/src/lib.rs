//! The harness: the product with its clock, its database's name and its providers' addresses replaced. The suites are this
//! package's test binaries (`tests/<suite>/main.rs`).

mod api; // the API on a port of its own, and its client
mod db; // a database for each test, with a clock that tests move
mod leftovers; // what a test must not leave behind
mod proxy;
mod server; // one Postgres for all processes of a run
mod wait; // until something holds
mod worker; // a worker that can be killed, frozen and drained // a network that loses what it is told to lose

pub mod fleet; // real processes

pub mod seed; // what is left to chance

pub mod laws; // whatever goes wrong where, all or nothing

pub use self::{
    api::{
        ADMIN_KEY, Answer, Ask, PEPPER, PUBLIC_BASE_URL, TWILIO_ACCOUNT, TWILIO_TOKEN,
        TWILIO_TOKEN_BEFORE, TestApi, variables,
    },
    db::TestDb,
    proxy::Proxy,
    server::{idle, superuser},
    wait::{holds, wait_until},
    worker::{TestWorker, WorkerOptions},
};
