//! HTTP in, rows out: a request is checked, written down and answered. Whatever is slow or can fail outside is a job that the
//! same transaction enqueues; nothing here ever speaks to a provider.

mod config; // what the process is told
mod edge; // whether a request gets to its route at all
mod routes; // every route, with who may use it
mod serve;
mod state; // what every handler has in its hands // the layers around them, and the listener

mod admin; // what operators ask and do
mod calls; // a tenant's calls, and how they are taken
mod console; // pages for operators
mod cron; // what an outside clock asks for
mod demo; // a sign-up, from the form to the access data
mod health; // is it well?
mod messages; // texts, both ways
mod openapi; // the document of all routes
mod people; // logging in and out
mod webhooks; // what providers post

mod bearer; // the token of an Authorization header
mod body; // as many bytes as are allowed, and no more
mod caller; // who asks: request id, trace, address
mod client_ip; // behind which proxies the address is believed
mod clock_words; // when schedules tick, for people
mod idempotency; // what is sent again is not done again
mod json; // bodies and queries, read strictly
mod key_terms; // what is said of a new key
mod observe; // what is noted of every request
mod problem; // every error, and its HTTP status
mod rate; // how often somebody may ask
mod trace; // a request as a span

mod findings;
pub mod metrics;

pub use self::{
    admin::{TAGGED, Tagged},
    config::Config,
    routes::{Guard, ROUTES, Route},
    serve::serve,
    state::ApiState,
};
