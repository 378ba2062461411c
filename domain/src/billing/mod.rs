//! What tenants pay for: Stripe knows what is true, these are our books about it.
//!
//! A fact about a subscription is written with the instant before Stripe was asked for it. What was asked for earlier than what
//! stands is late and changes nothing, and what is over at Stripe never comes back.

mod apply; // what Stripe says, written down
mod compare; // how a subscription differs from what Stripe says
mod events; // what was decided
mod facts; // what Stripe says
mod open; // a subscription on its way
mod record; // what a workflow has done
mod row; // a subscription as we keep it
mod state; // how a tenant stands, and whether it has to pay first

pub mod left;
pub mod reconciliation;
pub mod telling;
pub mod usage;
pub mod usage_report;

pub use self::{
    apply::{Applied, apply},
    compare::{Kind, differences},
    events::{Event, Source, events},
    facts::{Facts, StripeStatus},
    open::{Activated, Opened, Opening, activate, deactivate, discard, open},
    record::{Terms, record, restore},
    row::{Billed, Standing, by_stripe_id, current},
    state::{BillingState, Due, billing_due, state},
};
