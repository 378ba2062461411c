//! A tenant's calls, as its people see them: who rang and what came of it, what callers left, and how calls are to be taken.
//!
//! But for the operators' view of the settings, everything here needs a session with a password of one's own, or a key of the
//! tenant, and works in its scope.

mod cursor; // where the next page begins
mod kept; // what is kept in a box, opened
mod list; // calls, and one with what was said
mod requests; // what callers left for the owner
mod settings; // how calls are taken
mod wishes; // the settings as JSON

pub(crate) use self::{
    list::{call, calls},
    requests::{call_requests, set_call_request},
    settings::{admin_put_voice, admin_voice, put_voice, voice},
};
