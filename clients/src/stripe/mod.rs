//! Stripe's billing API: customers, subscriptions, invoices, events.
//!
//! Amounts are not read here: what a plan costs is Stripe's business. Instants are Unix seconds on the wire.

mod client; // requests, with their keys and their version
mod customer; // who pays
mod error; // what a failed request is known to mean
mod event; // what Stripe says has happened
mod invoice; // what was billed, and giving it back
mod meter; // what was used, for plans that bill by use
mod page; // lists, a bounded page at a time
mod price; // what a plan costs, by its id
pub mod signature; // sign and verify webhooks
mod subscription; // who pays for what, and until when

pub use self::{
    client::{API_VERSION, BadApiBase, Config, Stripe, is_live},
    customer::{Customer, NewCustomer},
    error::{Error, RejectedClass},
    event::Event,
    invoice::{Invoice, InvoiceStatus, Payment},
    meter::MeterEvent,
    page::{PAGE_MAX, Page, Since},
    price::Price,
    subscription::{
        Collection, Item, NewSubscription, PlanChange, Proration, Subscription, SubscriptionStatus,
        UnknownStatus,
    },
};
