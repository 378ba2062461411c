//! The product's own records and rules: tenants, sign-ups, codes, users, numbers, messages.
//!
//! The only crate with SQL on the tables of schema `product`. Every function takes a connection inside its caller's
//! transaction, which has said with [`scope`] for whom it works; nothing here commits, enqueues or speaks to the network.
//! Time is the database's: statements ask `trunkline.now()`, and only durations come from Rust. Randomness is an argument.

// What a thing is called, and what may be written in a field.
pub mod email;
pub mod id;
pub mod line;
pub mod locale;
pub mod phone;

// Secrets, and what is kept of them.
pub mod code;
pub mod digest;
pub mod key; // of operators and of tenants
pub mod password;
pub mod token;

// A demo, from sign-up to the last undo.
pub mod access;
pub mod codes;
pub mod demos;
pub mod guesses;
pub mod shows; // three to look at
pub mod signups;
pub mod tenants;

// What a tenant has.
pub mod billing;
pub mod bots;
pub mod businesses; // as operators look for them
pub mod numbers;
pub mod pool;
pub mod recovery;
pub mod subscriptions;
pub mod waitlist;

// Who may be written to, when, and what was said.
pub mod conversations;
pub mod keywords;
pub mod messaging;
pub mod opt_outs;
pub mod quiet;
pub mod sending;

// When calls are taken, and by whom.
pub mod hours;
pub mod urgent;
pub mod voice_settings;

// Who may come in.
pub mod api_keys; // operators, and their programs
pub mod provider_credentials; // and how providers know us
pub mod sessions;
pub mod tenant_keys; // their programs
pub mod users;

// What was sent, what is allowed, what was done.
pub mod audit;
pub mod audit_links; // so that a change of it shows
pub mod call_limits; // who may still be called
pub mod calls;
pub mod erasures; // who is not to be known any more
pub mod health; // how it stands, in one look
pub mod kept_answers; // what was answered once is answered again
pub mod limits;
pub mod messages;
pub mod switches; // what operators switch for all
pub mod vitals; // how the product stands
pub mod voice; // live calls

// What providers post: whose it is, and what never came.
pub mod routing;
pub mod watermarks;

pub mod scope;

mod error;
mod word;

pub use self::{
    digest::{Digest, Pepper},
    email::Email,
    error::Error,
    id::{
        BotId, CallId, CodeId, ConversationId, ErasureId, MappingId, MessageId, NumberId,
        RequestId, SubscriptionId, TenantId, UserId, VoiceSessionId,
    },
    locale::Locale,
    phone::PhoneNumber,
};

/// A connection inside a transaction. Callers pass it on without naming the driver.
pub use sqlx::PgConnection as Conn;
