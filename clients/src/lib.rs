//! How other companies' APIs behave: signatures, requests, error facts.
//!
//! What lives here changes when the other company changes. What we do about an answer (repeat, give
//! up, undo) is decided by `workflows`; nothing here retries, stores or schedules.

pub mod audio; // speech on the telephone, as it is passed on
mod borrowed; // text of JSON, not copied
mod exchange; // a request and its answer
pub mod http; // the one HTTP client, with its timeouts and limits
pub mod metrics; // how long providers take
pub mod openai; // a text model that answers, and one that speaks
pub mod otlp; // who takes our spans
mod secrets; // what providers know us by, exchanged while we run
pub mod stripe; // customers, subscriptions, invoices, events, and the signature on every webhook
mod trace; // a call as a span
pub mod transport; // did the request leave before it failed?
pub mod twilio; // messages, their receipts, and the signature on every webhook

pub use self::secrets::Secrets;
