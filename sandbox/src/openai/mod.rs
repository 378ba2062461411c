//! OpenAI's text API, as far as an assistant that answers messages needs it.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/v1/chat/completions` | a question, answered by repeating it |
//! | `/_sandbox/completions`, `requests` | what was asked (GET) |
//! | `/_sandbox/mood`, `answer`, `reset` | how it behaves (POST) |
//!
//! Moods are those of the Twilio sandbox. A lost reply has no effect to be in doubt about, but costs its tokens.

mod chat; // a question and its answer
mod control; // the `/_sandbox` endpoints
mod gate; // every request passes here: counted, checked, then treated as the mood says
mod handle; // the same control, typed, for the same process
mod server; // all of it behind one socket
mod state; // the memory

pub use self::{chat::Completion, handle::Handle, server::OpenAi, state::Options};
