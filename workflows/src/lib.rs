//! What our durable work is: one file per workflow, each with its arguments, its patience, its steps and their undos.
//!
//! | kind | file | what it does |
//! | --- | --- | --- |
//! | `demo_signup` | `demo_signup.rs` | from a sign-up to a tenant that can log in, or to nothing at all |
//! | `allocate_number` | `allocate_number.rs` | a number for one tenant; waits in line when the pool is empty |
//! | `release_number` | `release_number.rs` | a tenant's number goes back to the pool and rests there |
//! | `buy_number` | `buy_number.rs` | a number more for the pool, bought once |
//! | `return_number` | `return_number.rs` | a number that we bought goes back to Twilio |
//! | `refill_pool` | `refill_pool.rs` | says how the pool stands, and buys where that is wanted |
//! | `recover_numbers` | `recover_numbers.rs` | all demos' numbers back into the pool at once |
//! | `sync_number_webhooks` | `sync_number_webhooks.rs` | tells Twilio anew where calls and texts for all numbers go |
//! | `audit_number_webhooks` | `audit_number_webhooks.rs` | puts right what of that somebody changed |
//! | `release_orphan_numbers` | `release_orphan_numbers.rs` | numbers that nobody is responsible for |
//! | `serve_waitlist` | `serve_waitlist.rs` | wakes those in line whose turn has come |
//! | `demo_code` | `demo_code.rs` | a new code for somebody whose text did not come |
//! | `demo_expire` | `demo_expire.rs` | shuts demos whose time is over |
//! | `demo_cleanup` | `demo_cleanup.rs` | archives and removes demos that are over for good |
//! | `demo_convert` | `demo_convert.rs` | a demo becomes a customer |
//! | `demo_restore` | `demo_restore.rs` | brings a demo back that was over or removed |
//! | `show_demo` | `show_demo.rs` | a tenant to show, with a past |
//! | `show_order` | `show_order.rs` | what has gone wrong at such a tenant |
//! | `cancel_tenant_jobs` | `cancel_tenant_jobs.rs` | cancels what is planned for a tenant that was shut out |
//! | `erase` | `erase.rs` | a person or a tenant is erased |
//! | `send_sms` | `send_sms.rs` | one text message, never twice |
//! | `otp_by_voice` | `otp_by_voice.rs` | a code, spoken on the phone, for those whom no text reaches |
//! | `sms_inbound` | `sms_inbound.rs` | a text that came in: STOP and START, the conversation, who answers |
//! | `ai_reply` | `ai_reply.rs` | the assistant's answer to a text, soon or not at all |
//! | `sms_reconcile` | `sms_reconcile.rs` | looks up messages of whose end nobody has told |
//! | `sms_status` | `sms_status.rs` | what the provider says became of a message |
//! | `call_status` | `call_status.rs` | what the provider says of a call |
//! | `call_sweep` | `call_sweep.rs` | asks after calls whose end was never told |
//! | `find_twilio_gaps` | `find_twilio_gaps.rs` | brings in what Twilio did and never told |
//! | `find_stripe_gaps` | `find_stripe_gaps.rs` | brings in what happened at Stripe and was never told |
//! | `voice_session` | `voice_session.rs` | a live call |
//! | `after_call` | `after_call.rs` | what follows a call: transcript, summary, who has to know |
//! | `missed_call_textback` | `missed_call_textback.rs` | the one text after a call that nobody took |
//! | `take_message` | `take_message.rs` | a caller leaves a message for the owner |
//! | `request_callback` | `request_callback.rs` | a caller wants to be called back |
//! | `text_link` | `text_link.rs` | a caller gets a link by text, while they talk |
//! | `transfer` | `transfer.rs` | whom a caller is put through to |
//! | `recording` | `recording.rs` | what the provider says of a recording |
//! | `take_vitals` | `take_vitals.rs` | counts how the product stands |
//! | `clean_expired` | `clean_expired.rs` | forgets codes, sessions and counters whose time is over |
//! | `create_subscription` | `create_subscription.rs` | a tenant subscribes to a plan that is paid for, or nothing stands |
//! | `cancel_subscription` | `cancel_subscription.rs` | a subscription ends, with its period or now |
//! | `change_plan` | `change_plan.rs` | a tenant gets another plan |
//! | `apply_stripe_event` | `apply_stripe_event.rs` | what Stripe says has happened: a hint at what to look into |
//! | `reconcile_stripe` | `reconcile_stripe.rs` | our books against Stripe's, all of them |
//! | `reconcile_pages` | `reconcile_pages.rs` | a stretch of that |
//! | `meter_usage` | `meter_usage.rs` | what was used, hour by hour |
//! | `operate_jobs` | `operate_jobs.rs` | an operator's order about many jobs |
//! | `operate_stretch` | `operate_stretch.rs` | some batches of that |
//! | `undo_operation` | `undo_operation.rs` | takes back what such an order did |
//! | `chain_audit` | `chain_audit.rs` | chains the records of who did what, so that a change shows |
//! | `noop`, `sleep`, `timer`, `steps`, `fail`, `ledger`, `limited` | `try_kinds/` | for trying and measuring |

mod alert; // what a tenant's owner is to know at once
mod app; // what all of them are handed
mod call_request; // what a caller leaves for the owner
mod error; // what is worth repeating
mod resend; // what the network did not deliver
mod stripe; // Stripe as our workflows use it
mod text; // what we write to people

pub mod events; // names that the log is searched for
pub mod metrics; // what is counted beside jobs
pub mod promises; // how long jobs may wait

pub mod credentials; // what providers know us by, exchanged while we run
pub mod door; // by which everything comes in that a provider tells us
pub mod gap; // what a provider never told

// A demo, from sign-up to the archive.
pub mod cancel_tenant_jobs;
pub mod clean_expired;
pub mod demo_cleanup;
pub mod demo_code;
pub mod demo_convert;
pub mod demo_expire;
pub mod demo_restore;
pub mod demo_signup;
pub mod show_demo;
pub mod show_order;

// What is paid for.
pub mod apply_stripe_event;
pub mod cancel_subscription;
pub mod change_plan;
pub mod create_subscription;
pub mod find_stripe_gaps;
pub mod meter_usage;
pub mod reconcile_pages;
pub mod reconcile_stripe;

// Numbers, from the purchase to the end.
pub mod allocate_number;
pub mod audit_number_webhooks;
pub mod buy_number;
pub mod recover_numbers;
pub mod refill_pool;
pub mod release_number;
pub mod release_orphan_numbers;
pub mod return_number;
pub mod serve_waitlist;
pub mod sync_number_webhooks;

// Messages and calls.
pub mod after_call;
pub mod ai_reply;
pub mod call_status;
pub mod call_sweep;
pub mod find_twilio_gaps;
pub mod missed_call_textback;
pub mod otp_by_voice;
pub mod recording;
pub mod request_callback;
pub mod send_sms;
pub mod sms_inbound;
pub mod sms_reconcile;
pub mod sms_status;
pub mod take_message;
pub mod take_vitals;
pub mod text_link;
pub mod transfer;
pub mod try_kinds;
pub mod voice_session;

// What operators order about many jobs at once, whom they erase, and the records of what they did.
pub mod chain_audit;
pub mod erase;
pub mod operate_jobs;
pub mod operate_stretch;
pub mod undo_operation;

mod registry; // the table of contents

pub use self::{
    app::{
        Clients, DemoSettings, NumberDesk, NumberSettings, Settings, SmsSender, Trunkline, address,
    },
    call_request::Taken,
    registry::{BREAKERS, registry},
    stripe::StripeAccount,
};
