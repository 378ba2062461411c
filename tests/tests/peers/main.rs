//! Held against parts that nobody here wrote: the providers' own libraries, and a proxy that validates by a provider's own
//! description of its API; and our own API, held to its own.
//!
//! A peer is a package of others, pinned in `python/<set>.txt` or `node/package-lock.json`. It is installed below
//! `target/peers` when the first test asks for it. Where that is not possible, the test is skipped and says so: on stderr,
//! and as a line that `./test` repeats at its end.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

mod packages; // installs what is pinned, or says why not
mod partner; // a script that answers each line of JSON with one
mod prism; // a proxy that validates

mod commands; // what the command line signs
mod localstripe; // a second Stripe
mod numbers; // the same with phone numbers
mod openai; // OpenAI's client, and our stand-in for OpenAI
mod schemathesis; // the API, held to its own document
mod signatures; // what the providers' own libraries sign and accept
mod stripe; // Stripe's client and our stand-in for Stripe
mod twilio; // our client, Twilio's client, and our stand-in for Twilio
mod voice; // calls by speech
