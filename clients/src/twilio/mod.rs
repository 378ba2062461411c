//! Twilio's messages, calls and numbers, and the signature on its webhooks.

mod call; // a call that we place
mod call_report; // a call and its recordings, told by webhooks
mod callback; // a message's status, told by a webhook
mod client; // sending and listing messages
mod error; // what a failed request is known to mean
mod fields; // a webhook's form, field by field
mod history; // lists of calls and messages since an instant
mod inbound; // a message that somebody wrote to us
pub mod media; // a call's audio, both ways
mod message; // what is sent, what comes back
mod numbers; // phone numbers, from the offer to the end
pub mod signature; // sign and verify webhooks
mod status; // where a message is on its way
pub mod twiml; // what a call does and says

pub use self::{
    call::{Call, CallStatus, NewCall},
    call_report::{CallReport, RecordingReport},
    callback::{BadCallback, StatusCallback},
    client::{BadApiBase, Config, Twilio},
    error::{Error, RejectedClass},
    fields::BadWebhook,
    history::{CallRecord, HistoryPage, MessageRecord},
    inbound::InboundMessage,
    message::{Message, NewMessage},
    numbers::{
        FRIENDLY_NAME_CHARS_MAX, IncomingNumber, NewNumber, NumberPage, NumberSearch, NumberUrls,
        PAGE_SIZE_MAX,
    },
    status::{MessageStatus, UnknownStatus},
    twiml::say,
};
