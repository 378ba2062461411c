//! Stripe's billing API, as far as selling subscriptions needs it.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/v1/customers`, `subscriptions`, `products`, `prices` | make, read, list, change, end |
//! | `/v1/invoices`, `charges`, `refunds`, `events` | what came of it |
//! | `/v1/billing/meter_events` | what was used |
//! | `/_sandbox/subscriptions`, `charges`, `usage`, `requests` | what arrived (GET) |
//! | `/_sandbox/mood`, `webhooks`, `shape`, `seed`, `drift`, `clock`, `reset` | how it behaves (POST) |
//!
//! A request that changes something is done once per idempotency key, and its answer is kept for a day. Payments succeed,
//! except with Stripe's test methods that do not. No time passes by itself: nothing renews.

mod answer; // what a request is answered with
mod control; // the `/_sandbox` endpoints
mod customers; // who pays
mod drift; // what happens at Stripe without our hearing of it
mod events; // what has happened, and who is told
mod form; // fields with brackets
mod gate; // every API request passes here: mood, account, key
mod handle; // the same control, typed, for the same process
mod keys; // what was answered under which key
mod memory; // all objects
mod money; // invoices, charges, refunds, usage
mod mood; // what it is like at the moment
mod options; // whose account, who is told
mod prices; // products and prices
mod render; // objects as Stripe writes them, today and before
mod route; // which request is which
mod server; // all of it behind one socket
mod shelf; // objects of one kind, newest first
mod state; // the memory behind its lock
mod subscriptions; // who pays for what
mod webhooks; // events on their way to us

pub use self::{
    drift::Drift,
    events::Event,
    handle::Handle,
    memory::{Charge, Subscription},
    mood::Mood,
    options::Options,
    render::Shape,
    server::Stripe,
    webhooks::Order,
};
pub use crate::spell::Spell;
