//! The product's workflows, from the front door to the last row: the real API, the real workers and the sandbox's Twilio, in
//! this process, on a database of their own with a clock that moves.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod census; // what there is of a sign-up
mod model; // the text model that answers
mod post; // what Twilio posts
mod shop; // a tenant that people write to
mod stage; // everything a sign-up needs

mod after_calls; // whatever goes wrong where, after a call
mod asked; // what a caller may not have
mod billing; // what is paid for
mod buying; // numbers from Twilio, and back
mod calls; // what is told of calls
mod chaining; // records that show a change
mod demos; // a demo after its time
mod demos_matrix; // whatever goes wrong where, after a demo's time
mod numbers_matrix; // whatever goes wrong where, with numbers
mod standing; // how much a demo may be used, and how all of them stand
mod taking; // many at once who take numbers, and are cut off

mod conversations; // texts in both directions
mod covered; // every kind has its crash matrix
mod credentials; // what providers know us by, exchanged
mod erasing; // people and tenants who are not to be known any more
mod erasing_matrix; // whatever goes wrong where, in that
mod events; // names that the log is searched for
mod followed; // what follows a call
mod gaps; // what was never told
mod inbox; // each event once
mod laws; // whatever goes wrong where, in a sign-up
mod leave; // what keeps a message back
mod matrix; // whatever goes wrong where, in everything else
mod missed_calls; // one text to whoever called in vain
mod numbers; // the pool and the line before it
mod operations; // orders about many jobs
mod operations_alike; // about those that failed alike
mod operations_matrix; // whatever goes wrong where, in these
mod proof; // how a phone is proven when a text does not get there
mod replaced; // a code that fails after it was replaced
mod secrets; // what is never stored in the clear
mod shown; // three tenants to look at
mod sms; // what Twilio may do
mod success; // when nothing goes wrong
mod traces; // a sign-up as spans
mod undoing; // when something does
mod voice; // live calls, without their sound
