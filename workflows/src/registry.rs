//! The table of contents: every kind that this version knows, and what runs by the clock.

use engine::{Missed, Registry, Schedule, Workflow};
use serde_json::json;

use crate::{
    after_call::AfterCall,
    ai_reply::AiReply,
    allocate_number::AllocateNumber,
    app::Trunkline,
    apply_stripe_event::ApplyStripeEvent,
    audit_number_webhooks::AuditNumberWebhooks,
    buy_number::BuyNumber,
    call_status::CallStatus,
    call_sweep::CallSweep,
    cancel_subscription::CancelSubscription,
    cancel_tenant_jobs::CancelTenantJobs,
    chain_audit::ChainAudit,
    change_plan::ChangePlan,
    clean_expired::CleanExpired,
    create_subscription::CreateSubscription,
    demo_cleanup::DemoCleanup,
    demo_code::DemoCode,
    demo_convert::DemoConvert,
    demo_expire::DemoExpire,
    demo_restore::DemoRestore,
    demo_signup::DemoSignup,
    erase::Erase,
    find_stripe_gaps::FindStripeGaps,
    find_twilio_gaps::FindTwilioGaps,
    meter_usage::MeterUsage,
    missed_call_textback::MissedCallTextback,
    operate_jobs::OperateJobs,
    operate_stretch::OperateStretch,
    otp_by_voice::OtpByVoice,
    reconcile_pages::ReconcilePages,
    reconcile_stripe::ReconcileStripe,
    recording::Recording,
    recover_numbers::RecoverNumbers,
    refill_pool::RefillPool,
    release_number::ReleaseNumber,
    release_orphan_numbers::ReleaseOrphanNumbers,
    request_callback::RequestCallback,
    return_number::ReturnNumber,
    send_sms::SendSms,
    serve_waitlist::ServeWaitlist,
    show_demo::ShowDemo,
    show_order::ShowOrder,
    sms_inbound::SmsInbound,
    sms_reconcile::SmsReconcile,
    sms_status::SmsStatus,
    sync_number_webhooks::SyncNumberWebhooks,
    take_message::TakeMessage,
    take_vitals::TakeVitals,
    text_link::TextLink,
    transfer::Transfer,
    try_kinds::{Fail, Ledger, Limited, Noop, Sleep, Steps, Timer},
    undo_operation::UndoOperation,
    voice_session::VoiceSession,
};

/// The scopes of all breakers: providers that are left alone while they fail again and again.
pub const BREAKERS: [&str; 2] = [crate::send_sms::TWILIO, crate::ai_reply::OPENAI];

/// All workflows; with `try_kinds` also those for trying and measuring.
pub fn registry(try_kinds: bool) -> Registry<Trunkline> {
    let registry = Registry::default()
        .with::<DemoSignup>()
        .with::<DemoCode>()
        .with::<DemoExpire>()
        .with::<DemoCleanup>()
        .with::<DemoConvert>()
        .with::<DemoRestore>()
        .with::<CancelTenantJobs>()
        .with::<Erase>()
        .with::<ShowDemo>()
        .with::<ShowOrder>()
        .with::<AllocateNumber>()
        .with::<TakeVitals>()
        .with::<ReleaseNumber>()
        .with::<BuyNumber>()
        .with::<ReturnNumber>()
        .with::<RefillPool>()
        .with::<RecoverNumbers>()
        .with::<SyncNumberWebhooks>()
        .with::<AuditNumberWebhooks>()
        .with::<ReleaseOrphanNumbers>()
        .with::<ServeWaitlist>()
        .with::<SendSms>()
        .with::<OtpByVoice>()
        .with::<SmsStatus>()
        .with::<CallStatus>()
        .with::<Recording>()
        .with::<VoiceSession>()
        .with::<SmsInbound>()
        .with::<AiReply>()
        .with::<SmsReconcile>()
        .with::<CleanExpired>()
        .with::<CreateSubscription>()
        .with::<CancelSubscription>()
        .with::<ChangePlan>()
        .with::<ApplyStripeEvent>()
        .with::<ReconcileStripe>()
        .with::<ReconcilePages>()
        .with::<MeterUsage>()
        .with::<CallSweep>()
        .with::<AfterCall>()
        .with::<MissedCallTextback>()
        .with::<TakeMessage>()
        .with::<RequestCallback>()
        .with::<TextLink>()
        .with::<Transfer>()
        .with::<FindTwilioGaps>()
        .with::<FindStripeGaps>()
        .with::<OperateJobs>()
        .with::<OperateStretch>()
        .with::<UndoOperation>()
        .with::<ChainAudit>()
        .scheduled(every::<CallSweep>("sweep-calls", "*/10 * * * *"))
        .scheduled(every::<FindTwilioGaps>("find-twilio-gaps", "7 * * * *"))
        .scheduled(every::<FindStripeGaps>("find-stripe-gaps", "37 * * * *"))
        .scheduled(every::<ServeWaitlist>("serve-waitlist", "* * * * *"))
        .scheduled(every::<SmsReconcile>("reconcile-messages", "*/10 * * * *"))
        .scheduled(every::<CleanExpired>("cleanup-verification-codes", "0 * * * *"))
        .scheduled(every::<DemoExpire>("expire-demos", "* * * * *"))
        .scheduled(every::<DemoCleanup>("cleanup-stale-demo-tenants", "0 2 * * *"))
        .scheduled(every::<ReleaseOrphanNumbers>("cleanup-orphaned-phone-mappings", "0 3 * * *"))
        .scheduled(every::<ChainAudit>("chain-audit", "* * * * *"))
        .scheduled(every::<TakeVitals>("take-vitals", "* * * * *"))
        .scheduled(every::<RefillPool>("refill-pool", "*/10 * * * *"))
        .scheduled(every::<AuditNumberWebhooks>("audit-number-webhooks", "0 4 * * 1"))
        .scheduled(every::<ReconcileStripe>("stripe-reconciliation", "0 0 * * *"))
        .scheduled(every::<MeterUsage>("usage-tracking", "5 * * * *"));
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
        assert!(registry.schedules().len() >= 7);
        for schedule in registry.schedules() {
            let Schedule { name, cron, timezone, kind, args, .. } = schedule;
            engine::cron::Cron::parse(cron, timezone)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(registry.accepts(kind, args), Some(Ok(())), "{name}");
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
