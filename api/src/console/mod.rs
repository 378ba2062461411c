//! The console: pages for operators. It can do nothing that the operators' API cannot, because it asks that API, in this
//! process, with the key of whoever is logged in ([`door`]): the same checks, the same records, the same words. No SQL and no
//! decision about a job lives here.
//!
//! Every page is whole without a script. The one script refreshes the part that changes ([`live`]) and adds keys.

mod actions; // forms of what can be done
mod assets; // the stylesheet and the script
mod command; // the same, typed
mod door; // the way to the API
mod form; // what a form says, and that it is ours
mod live; // pages that follow what happens
mod login; // with the key, and out again
mod mask; // what nobody needs to see
mod orders; // what can be done from here
mod page; // what all pages have around them
mod session; // who is logged in
mod tree; // payloads
mod waterfall; // what a run did when
mod when; // times, for people

mod audit;
mod errors;
mod job;
mod jobs;
mod numbers;
mod operation;
mod operations;
mod overview;
mod queues;
mod schedules;
mod switches;
mod tenants;
mod webhooks;
mod workers;

pub(crate) use self::{
    assets::{script, style},
    audit::audit,
    door::Door,
    errors::errors,
    job::job,
    jobs::jobs,
    live::live,
    login::{login, login_page, logout},
    numbers::numbers,
    operation::operation,
    operations::operations,
    orders::order,
    overview::overview,
    queues::queues,
    schedules::schedules,
    switches::switches,
    tenants::tenants,
    webhooks::{webhook, webhooks},
    workers::workers,
};
