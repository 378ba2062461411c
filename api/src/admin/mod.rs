//! What operators ask and do. Every handler takes [`key::Operator`], so that none can forget the key
//! and its scope; whatever changes
//! something writes its audit entry in the same transaction.

pub(crate) mod audit; // who did what, and why
pub(crate) mod background; // what runs by the clock, and how it went
mod billing; // what tenants pay for
pub(crate) mod businesses; // tenants, found and made
mod by_hand; // who may make which kind by its name
mod csv; // tables for spreadsheets
mod cursor; // where the next page begins
pub(crate) mod dead; // letters
mod deed; // an order, carried out once and written down
mod enqueue; // a job by the name of its kind
pub(crate) mod erasures; // of people and tenants
mod filter; // which jobs
mod jobs; // jobs, read
mod key; // who is an operator
pub(crate) mod keys; // made, rotated, revoked
mod lifecycle; // demos and tenants, after the sign-up
mod maintenance; // switches for the whole product
mod numbers; // the pool
pub(crate) mod operations; // on many jobs
mod order; // what orders have in common
mod page; // so many at a time
pub(crate) mod parked; // runs that wait for a person
pub(crate) mod provider_credentials; // what providers know us by
pub(crate) mod queues; // how they stand, and what is set on them
pub(crate) mod schedules; // which jobs are made when
mod showing; // three demos to show
mod steer; // jobs
mod tags; // what of a thing somebody has read
pub(crate) mod tenant_keys; // of tenants' programs
pub(crate) mod usage; // what tenants used, as files
pub(crate) mod usage_left; // what Stripe was not told of, and a person has to look at
pub(crate) mod verify; // whether the records are what they were
mod vouch; // a phone, verified by an operator's word
pub(crate) mod webhooks; // what providers posted
pub(crate) mod workers; // the fleet
pub(crate) mod wrong_keys; // who tries them

pub use self::tags::{TAGGED, Tagged};
pub(crate) use self::{
    billing::{
        billing, cancel_subscription, change_plan, create_subscription, last_reconciliation,
        put_plan,
    },
    deed::Order,
    enqueue::{enqueue, instant},
    jobs::{explain, get, list, timeline, undo_plan},
    key::{Identity, Operator, Vouched},
    lifecycle::{convert, expire, new_code, patch_business, restore},
    maintenance::{maintenance, set_maintenance},
    numbers::{add_number, list_numbers, recover_numbers, release_number, set_number_maintenance},
    showing::seed,
    steer::{cancel, edit_args, fork, redrive, retry, run_now},
    tags::{Asked, IfMatch},
    vouch::vouch,
};
