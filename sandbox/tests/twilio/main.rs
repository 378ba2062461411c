//! The sandbox's Twilio, through the client that the product uses.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its server has failed")]

mod callbacks; // signed webhooks, in every order
mod control; // the `/_sandbox` endpoints, the page, the ledger
mod harness; // a sandbox, a client, a receiver of webhooks
mod moods; // what each mood does, and what the client makes of it
mod sending; // taking, refusing and listing messages
