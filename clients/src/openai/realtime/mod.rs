//! OpenAI's speech model on a WebSocket: audio in, audio out ("Realtime API with WebSocket", with the names of its general
//! availability).
//!
//! A conversation has fifty frames a second in one direction and bursts in the other. Reading an event borrows from the text that
//! came, audio stays base64, and writing one fills a buffer that is used again.

mod client_event; // what we tell the model
mod connection; // a WebSocket to it
mod line; // TCP, with TLS where the address asks for it
mod server_event; // what the model tells us
mod session; // how a conversation is set up
mod wire; // how events stand in JSON

pub use self::{
    client_event::{ClientEvent, Item, Role},
    connection::{Broken, Config, DialError, Realtime, Receiver, Sender, Text},
    server_event::{
        ApiError, AudioDelta, FunctionCall, RateLimit, ResponseDone, ResponseStatus, ServerEvent,
        TranscriptDelta, Usage, Words,
    },
    session::{Session, Tool, TurnDetection},
    wire::BadEvent,
};

/// The longest event that is read, in bytes. A second of audio has 11 kB.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// How long a conversation may be, in minutes, by OpenAI's rule.
pub const SESSION_MINUTES_MAX: u64 = 60;
