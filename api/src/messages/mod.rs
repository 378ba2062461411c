//! A tenant's messages, as its people see them: conversations, who answers in them, and what is to be sent when.
//!
//! Everything here needs a session with a password of one's own, or a key of the tenant, and works in its scope.

mod conversations; // what was said, and who answers
mod send; // a message, written down with its job
mod settings; // what the tenant wants

pub(crate) use self::{
    conversations::{conversation, conversations, set_mode},
    send::{answer, schedule},
    settings::{put_settings, settings},
};
