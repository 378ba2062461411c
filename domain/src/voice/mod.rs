//! Live calls: who speaks in one, what was said, how it ended, and the token by which a call's audio is let in.

pub mod sessions; // which job speaks in which call
pub mod spoken; // what was said
pub mod token; // who may bring a call's audio

pub use self::{
    sessions::{NewSession, Outcome, Session},
    spoken::{Speaker, Spoken},
};
