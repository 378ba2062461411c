//! What providers post. Each is verified before anything of it is read, kept in the inbox in one transaction with the job that
//! handles it, and answered after the commit; a repeat gets the same answer.

mod call_status; // where a call or a recording is
mod door; // the transaction around what comes in
mod incoming; // somebody rings
mod route; // whose it is, and whether it may be served
mod sms_inbound; // what somebody wrote
mod sms_status; // what became of a text message
mod stripe; // what has happened at Stripe
mod token; // the word that our addresses at Twilio carry
mod twilio; // a form that Twilio has signed
mod voice; // where a live call's audio goes

pub(crate) use self::{
    call_status::call_status,
    incoming::{dialed, incoming},
    sms_inbound::sms_inbound,
    sms_status::sms_status,
    stripe::stripe,
    voice::{route as voice_route, stream_ended, stream_status},
};
