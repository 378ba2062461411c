//! Every fault at every boundary of what follows a call: the text after a missed one, and what callers leave.

use crash_matrix::{CrashMatrix, Done};
use domain::{
    CallId, TenantId, VoiceSessionId,
    calls::text_backs::Missed,
    voice::{Outcome, Speaker, Spoken},
};
use engine::{Sealed, Sealer, Workflow};
use sandbox::twilio::Handle;
use serde_json::json;
use workflows::{
    Trunkline, after_call::AfterCall, missed_call_textback::MissedCallTextback,
    request_callback::RequestCallback, send_sms::SendSms, take_message::TakeMessage,
    text_link::TextLink, transfer::Transfer,
};

use crate::matrix::{Outside, ensure, next};

/// A tenant with a number, a person and an owner, and calls that were missed: the nth by its own caller.
pub(crate) const SWITCHBOARD: &str = "
    select set_config('trunkline.scope', 'platform', true);
    update product.subscription_plans set conversations_monthly_max = null;
    insert into product.tenants (tenant_id, company_name, status)
        values ('00000000-0000-7000-8000-000000000001', 'Huber', 'active');
    insert into product.bots values
        ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'Bot', 'Be kind.', 'de-AT');
    insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max)
        values ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', 'demo', 1, 1);
    insert into product.phone_pool (phone, status, tenant_id, allocated_at)
        values ('+15550109999', 'allocated', '00000000-0000-7000-8000-000000000001', now());
    insert into product.phone_mappings (mapping_id, tenant_id, phone)
        values ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001', '+15550109999');
    insert into product.messaging_settings (tenant_id, owner_phone)
        values ('00000000-0000-7000-8000-000000000001', '+436649999999');
    insert into product.voice_settings (tenant_id, transfer_phone, links)
        values ('00000000-0000-7000-8000-000000000001', '+436648888888', '{\"booking\": \"https://example.com/book\"}');
    update product.messaging_settings set quiet_from_min = null, quiet_until_min = null;
    insert into product.calls (call_id, tenant_id, call_sid, direction, from_phone, to_phone, status, rank, started_at, ended_at)
        select ('00000000-0000-7000-b000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
               'CA' || lpad(to_hex(n), 32, '0'), 'inbound', '+4367' || (20000000 + n), '+15550109999', 'no-answer', 4,
               -- However far faults move the clock, they are fresh.
               now() + interval '30 days', now() + interval '30 days'
        from generate_series(1, 2000) n;";

fn tenant() -> TenantId {
    "00000000-0000-7000-8000-000000000001".parse().unwrap()
}

fn a_call() -> CallId {
    format!("00000000-0000-7000-b000-{:012}", next()).parse().unwrap()
}

fn sealer() -> Sealer {
    Sealer::parse("test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
}

fn sealed(text: &str) -> Sealed<String> {
    sealer().seal(&text.to_owned()).unwrap()
}

/// `CrashMatrix::of(…)`, with the texts that they send.
fn matrix<W: Workflow<Trunkline>>(
    outside: &Outside,
    make: impl Fn() -> W + 'static,
) -> CrashMatrix<Trunkline> {
    let registry = engine::Registry::default().with::<W>().with::<SendSms>();
    outside.matrix_of(registry, make).schema(SWITCHBOARD)
}

/// No caller is written to twice. (The owner is told of every call.)
fn no_caller_twice(phone: &Handle) -> Result<(), String> {
    let texts = phone.messages();
    let callers = texts.iter().filter(|text| text.to.starts_with("+43672"));
    let doubled =
        callers.clone().any(|one| callers.clone().filter(|it| it.to == one.to).count() > 1);
    ensure(!doubled, || format!("{texts:?}"))
}

#[tokio::test]
async fn a_missed_call_is_answered_by_one_text_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    matrix(&outside, || MissedCallTextback { call: a_call(), why: Missed::Overflow })
        .invariant("one text, which is held for the call while it stands", async move |done: &Done| {
            let held = done
                .count(
                    "select from product.call_text_backs b join trunkline.jobs j on j.args ->> 'call' = b.call_id::text
                     where j.job_id = $1",
                )
                .await;
            ensure(held == i64::from(done.succeeded()), || format!("{held} held"))?;
            let said = done.job.output.clone();
            ensure(!done.succeeded() || said == Some(json!("sent")), || format!("{said:?}"))?;
            no_caller_twice(&phone)
        })
        .run()
        .await;
}

#[tokio::test]
async fn what_follows_a_call_follows_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    let make = || {
        let turns =
            vec![Spoken { who: Speaker::Caller, text: "Ein Notfall!".to_owned(), at_ms: 7 }];
        AfterCall {
            call: a_call(),
            session: VoiceSessionId::mint(),
            tenant: tenant(),
            turns: sealer().seal(&turns).unwrap(),
            outcome: Outcome::AiFailed,
        }
    };
    let registry = engine::Registry::default()
        .with::<AfterCall>()
        .with::<MissedCallTextback>()
        .with::<SendSms>();
    outside
        .matrix_of(registry, make)
        .schema(SWITCHBOARD)
        .invariant("one transcript, one text", async move |done: &Done| {
            let kept = done
                .count(
                    "select from product.call_transcripts t join trunkline.jobs j on j.args ->> 'call' = t.call_id::text
                     where j.job_id = $1 and t.is_urgent",
                )
                .await;
            ensure(kept == i64::from(done.succeeded()), || format!("{kept} transcripts"))?;
            no_caller_twice(&phone)
        })
        .run()
        .await;
}

/// What a caller left stands once, or not at all.
async fn stands_once(done: &Done) -> Result<(), String> {
    let left = done
        .count(
            "select from product.call_requests r join trunkline.jobs j on j.args ->> 'call' = r.call_id::text
             where j.job_id = $1",
        )
        .await;
    ensure(left == i64::from(done.succeeded()), || format!("{left} requests"))
}

#[tokio::test]
async fn a_message_for_the_owner_is_left_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let make = || TakeMessage {
        call: a_call(),
        tenant: tenant(),
        caller_name: Some(sealed("Maria")),
        body: sealed("Es tropft."),
        urgent: false,
    };
    matrix(&outside, make).invariant("one message", stands_once).run().await;
}

#[tokio::test]
async fn a_call_back_is_asked_for_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let make = || RequestCallback {
        call: a_call(),
        tenant: tenant(),
        reason: None,
        phone: None,
        wanted: Some(sealed("tomorrow")),
    };
    matrix(&outside, make).invariant("one wish", stands_once).run().await;
}

#[tokio::test]
async fn a_link_is_sent_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    let make = || TextLink { call: a_call(), tenant: tenant(), link: "booking".to_owned() };
    matrix(&outside, make)
        .invariant("one text", async move |done: &Done| {
            let said = done.job.output.clone();
            ensure(!done.succeeded() || said == Some(json!("sent")), || format!("{said:?}"))?;
            no_caller_twice(&phone)
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_person_to_talk_to_is_found_whatever_goes_wrong() {
    let outside = Outside::new().await;
    matrix(&outside, || Transfer { call: a_call(), tenant: tenant() })
        .invariant("somebody is there", async |done: &Done| {
            let found = done.job.output.clone().unwrap_or_default();
            ensure(!done.succeeded() || found["transferred"] == "to", || format!("{found}"))
        })
        .run()
        .await;
}
