//! The API, spoken to as the outside speaks to it, with nobody who works: it only checks, writes down and enqueues. At the
//! end of every test no provider has heard of anything.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod stage; // what every test stands on

mod access; // what a verified person is given
mod at_once; // what two people change in one moment
mod limits; // how often one may ask
mod messages; // texts, both ways
mod people; // logging in and out
mod row_security; // what the database itself refuses
mod sign_up; // a demo, asked for
mod tenant_calls; // calls, as a tenant sees them
mod tenant_keys; // programs of tenants
mod two_tenants; // what one has, asked for by the other
mod verify; // a code, tried

mod admin; // what operators ask and do
mod calls; // what Twilio posts about calls
mod console; // pages for operators
mod cron; // what an outside clock asks for
mod documents; // the requests of the customer's own pages
mod incoming; // somebody rings
mod stripe; // what Stripe posts
mod webhooks; // what providers post

mod bad_input; // what no client means
mod bodies; // what routes look for in one
mod canaries; // what must not be written anywhere
mod detailed; // what somebody on call asks
mod edge; // what is decided before a route
mod events; // names that the log is searched for
mod guards; // who may use which route
mod observing; // what machines ask
mod openapi; // what routes read
