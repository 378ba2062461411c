//! OpenAI's text API and its speech model, as far as an assistant that answers messages and calls needs them.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/v1/chat/completions` | a question, answered by repeating it |
//! | `/v1/realtime` | a conversation by speech, on a WebSocket |
//! | `/_sandbox/completions`, `requests` | what was asked (GET) |
//! | `/_sandbox/mood`, `answer`, `reset` | how it behaves (POST) |
//! | `/_sandbox/realtime` | conversations by speech (GET); `/mood`, `/end` how they go on (POST) |
//!
//! Moods are those of the Twilio sandbox; conversations by speech have their own ([`RealtimeMood`]). A lost reply has no effect to be in doubt about, but costs its tokens.

mod chat; // a question and its answer
mod control; // the `/_sandbox` endpoints
mod gate; // every request passes here: counted, checked, then treated as the mood says
mod handle; // the same control, typed, for the same process
mod realtime; // the speech model
mod server; // all of it behind one socket
mod state; // the memory

pub use self::{
    chat::Completion,
    handle::Handle,
    realtime::{RealtimeMood, RealtimeSession, RealtimeSpell, Said},
    server::OpenAi,
    state::Options,
};
