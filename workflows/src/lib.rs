//! What our durable work is: one file per workflow, each with its arguments, its patience, its steps and their undos.
//!
//! | kind | file | what it does |
//! | --- | --- | --- |
//! | `demo_signup` | `demo_signup.rs` | from a sign-up to a tenant that can log in, or to nothing at all |
//! | `allocate_number` | `allocate_number.rs` | a number for one tenant; waits in line when the pool is empty |
//! | `serve_waitlist` | `serve_waitlist.rs` | wakes those in line whose turn has come |
//! | `send_sms` | `send_sms.rs` | one text message, never twice |
//! | `sms_status` | `sms_status.rs` | what the provider says became of a message |
//! | `call_status` | `call_status.rs` | what the provider says of a call |
//! | `recording` | `recording.rs` | what the provider says of a recording |
//! | `clean_expired` | `clean_expired.rs` | forgets codes, sessions and counters whose time is over |
//! | `noop`, `sleep`, `timer`, `steps`, `fail`, `ledger`, `limited` | `try_kinds/` | for trying and measuring |

mod app; // what all of them are handed
mod error; // what is worth repeating
mod text; // what we write to people

pub mod allocate_number;
pub mod call_status;
pub mod clean_expired;
pub mod demo_signup;
pub mod door; // by which everything comes in that a provider tells us
pub mod recording;
pub mod send_sms;
pub mod serve_waitlist;
pub mod sms_status;
pub mod try_kinds;

mod registry; // the table of contents

pub use self::{
    app::{Clients, DemoSettings, Settings, SmsSender, Trunkline},
    registry::registry,
};
