//! Local stand-ins for the providers: real HTTP servers with memory and moods.
//!
//! `trunkline dev` and the tests use the same ones. They keep the providers' wire formats and their
//! vices (lost replies, callbacks out of order), and sign with the same code that we verify with.

pub mod twilio;

pub use self::twilio::Twilio;
