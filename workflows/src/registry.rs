//! The table of contents: every kind that this version knows, and what runs by the clock.

use engine::{Missed, Registry, Schedule, Workflow};
use serde_json::json;

use crate::{
    allocate_number::AllocateNumber,
    app::Trunkline,
    call_status::CallStatus,
    clean_expired::CleanExpired,
    demo_signup::DemoSignup,
    recording::Recording,
    send_sms::SendSms,
    serve_waitlist::ServeWaitlist,
    sms_status::SmsStatus,
    try_kinds::{Fail, Ledger, Limited, Noop, Sleep, Steps, Timer},
};

/// All workflows; with `try_kinds` also those for trying and measuring.
pub fn registry(try_kinds: bool) -> Registry<Trunkline> {
    let registry = Registry::default()
        .with::<DemoSignup>()
        .with::<AllocateNumber>()
        .with::<ServeWaitlist>()
        .with::<SendSms>()
        .with::<SmsStatus>()
        .with::<CallStatus>()
        .with::<Recording>()
        .with::<CleanExpired>()
        .scheduled(every::<ServeWaitlist>("serve-waitlist", "* * * * *"))
        .scheduled(every::<CleanExpired>("cleanup-verification-codes", "0 * * * *"));
    if !try_kinds {
        return registry;
    }
    registry
        .with::<Noop>()
        .with::<Sleep>()
        .with::<Timer>()
        .with::<Steps>()
        .with::<Fail>()
        .with::<Ledger>()
        .with::<Limited>()
}

/// A workflow without arguments, by the clock of UTC.
fn every<W: Workflow<Trunkline>>(name: &str, cron: &str) -> Schedule {
    Schedule {
        name: name.to_owned(),
        cron: cron.to_owned(),
        timezone: "UTC".to_owned(),
        kind: W::KIND.to_owned(),
        queue: W::QUEUE.to_owned(),
        args: json!({}),
        missed: Missed::RunOnce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_can_be_read_and_its_kind_accepts_its_arguments() {
        let registry = registry(false);
        for (name, cron) in
            [("serve-waitlist", "* * * * *"), ("cleanup-verification-codes", "0 * * * *")]
        {
            engine::cron::Cron::parse(cron, "UTC")
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for kind in ["serve_waitlist", "clean_expired"] {
            assert_eq!(registry.accepts(kind, &json!({})), Some(Ok(())));
        }
    }

    #[test]
    fn every_kind_is_in_the_table_of_contents() {
        let contents = include_str!("lib.rs");
        for kind in registry(true).kinds() {
            assert!(
                contents.contains(&format!("`{kind}`")),
                "{kind} is missing from the table in lib.rs"
            );
        }
    }
}
