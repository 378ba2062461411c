//! Local stand-ins for the providers: real HTTP servers with memory and moods.
//!
//! `trunkline dev` and the tests use the same ones. They keep the providers' wire formats and their
//! vices (lost replies, callbacks out of order), and sign with the same code that we verify with.

mod clock; // what time it is at a provider's
mod connection; // connections that can be cut
pub mod speech; // speech whose words a program can hear
mod spell; // a mood, for how many requests
mod stamp; // when a frame was sent
mod traffic; // requests and effects, counted by path

pub mod openai;
pub mod stripe;
pub mod twilio;

pub use self::{openai::OpenAi, stripe::Stripe, twilio::Twilio};
