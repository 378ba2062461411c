//! What operators ask and do. Every handler takes [`key::Operator`], so that none can forget the key; whatever changes
//! something writes its audit entry in the same transaction.

mod cursor; // where the next page begins
mod enqueue; // a job by the name of its kind
mod jobs; // jobs, read
mod key; // who is an operator
mod maintenance; // switches for the whole product
mod steer; // retry, cancel, redrive
mod vouch; // a phone, verified by an operator's word
pub(crate) mod webhooks; // what providers posted

pub(crate) use self::{
    enqueue::enqueue,
    jobs::{get, list},
    maintenance::{maintenance, set_maintenance},
    steer::{cancel, redrive, retry},
    vouch::vouch,
};
