//! OpenAI's text model: one question, one answer. Through `async-openai`, without that crate's own repetitions: how patient
//! we are is decided by `workflows`. And its speech model, on a WebSocket.

mod client; // a conversation in, a text out
mod error; // what a failed request is known to mean
pub mod realtime; // the speech model
mod transport; // how requests leave and answers are judged

pub use self::{
    client::{Config, OpenAi, Role, Turn},
    error::Error,
};
