//! What is paid for: the workflows of queue `billing` against the sandbox's Stripe.

mod shop; // tenants, plans, Stripe and workers

mod changing; // cancel, and another plan
mod converting; // a demo that buys a plan
mod faults; // whatever goes wrong where
mod gaps; // what Stripe never told
mod hearing; // what Stripe says has happened
mod large; // a hundred thousand subscriptions
mod metering; // what was used
mod reconciling; // our books against Stripe's
mod subscribing; // from a tenant to one who pays, or to nothing at all
mod telling; // what Stripe is told of it
