//! Twilio's Media Streams: a call's audio over a WebSocket, as text frames of JSON, both ways ("Media Streams - WebSocket
//! Messages" in Twilio's documentation).
//!
//! A call has fifty frames a second in each direction. Reading one borrows from the text that came, and writing one fills a buffer
//! that is used again; audio stays base64.

mod inbound; // what Twilio tells us
mod outbound; // what we tell Twilio
mod wire; // how both stand in JSON

pub use self::{
    inbound::{Connected, Digit, Inbound, Mark, Media, Start, Stop},
    outbound::{Outbound, Pen},
    wire::BadFrame,
};

/// The longest frame that is read, in bytes. Twilio's have about 400.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// The longest name of a mark, in bytes.
pub const MARK_BYTES_MAX: usize = 256;

/// Parameters that a stream's beginning may carry; Twilio allows 500 characters in each.
pub const PARAMETERS_MAX: usize = 32;
