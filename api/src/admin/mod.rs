//! What operators ask and do. Every handler takes [`key::Operator`], so that none can forget the key; whatever changes
//! something writes its audit entry in the same transaction.

mod billing; // what tenants pay for
mod cursor; // where the next page begins
mod enqueue; // a job by the name of its kind
mod jobs; // jobs, read
mod key; // who is an operator
mod lifecycle; // demos and tenants, after the sign-up
mod maintenance; // switches for the whole product
mod numbers; // the pool
mod order; // what orders have in common
mod steer; // retry, cancel, redrive
mod vouch; // a phone, verified by an operator's word
pub(crate) mod webhooks; // what providers posted

pub(crate) use self::{
    billing::{
        billing, cancel_subscription, change_plan, create_subscription, last_reconciliation,
        put_plan,
    },
    enqueue::{enqueue, instant},
    jobs::{get, list},
    key::Operator,
    lifecycle::{convert, expire, new_code, patch_business, restore},
    maintenance::{maintenance, set_maintenance},
    numbers::{add_number, list_numbers, recover_numbers, release_number, set_number_maintenance},
    steer::{cancel, redrive, retry},
    vouch::vouch,
};
