//! Every fault at every boundary of the workflows that are played without the front door. (A sign-up has `laws.rs`.)

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::TimeDelta;
use crash_matrix::{CrashMatrix, Done};
use domain::{MessageId, PhoneNumber, locale::Locale, sending::Occasion};
use engine::{Sealer, State, Workflow};
use sandbox::twilio::Handle;
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::{
    Trunkline,
    ai_reply::AiReply,
    clean_expired::CleanExpired,
    otp_by_voice::OtpByVoice,
    send_sms::{SendSms, Sender},
    serve_waitlist::ServeWaitlist,
    sms_inbound::SmsInbound,
    sms_reconcile::SmsReconcile,
    sms_status::SmsStatus,
    try_kinds,
};

use crate::{
    model::{a_model, of_model},
    stage::{a_phone, variables, worker_config},
};

/// What is outside of all of them.
pub(crate) struct Outside {
    pub(crate) phone: Handle,
    pub(crate) config: workers::Config,
    ledger: std::path::PathBuf,
    _stop: DropGuard,
}

impl Outside {
    pub(crate) async fn new() -> Outside {
        Outside::with(&[]).await
    }

    /// With some variables set otherwise.
    pub(crate) async fn with(changes: &[(&'static str, &str)]) -> Outside {
        let stop = CancellationToken::new();
        let phone = a_phone(&stop).await;
        let ledger = std::env::temp_dir().join(format!("trunkline-ledger-{}", std::process::id()));
        std::fs::remove_file(&ledger).ok();
        // Nobody is there to hear reports, and no worker reads this address.
        let database = SecretString::from("postgres://nobody@127.0.0.1:1/nothing");
        let model = a_model(&stop).await;
        let mut variables = variables(&database, "http://127.0.0.1:1", &phone, true);
        variables.extend(of_model(&model));
        variables.insert("TRUNKLINE_LEDGER", ledger.display().to_string());
        variables.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let config = worker_config(&variables);
        Outside { phone, config, ledger, _stop: stop.drop_guard() }
    }

    /// A workflow, with all that its clients reach.
    pub(crate) fn matrix<W: Workflow<Trunkline>>(
        &self,
        make: impl Fn() -> W + 'static,
    ) -> CrashMatrix<Trunkline> {
        self.matrix_of(engine::Registry::default().with::<W>(), make)
    }

    /// The same for one with children.
    pub(crate) fn matrix_of<W: Workflow<Trunkline>>(
        &self,
        registry: engine::Registry<Trunkline>,
        make: impl Fn() -> W + 'static,
    ) -> CrashMatrix<Trunkline> {
        let phone = self.phone.clone();
        CrashMatrix::of(registry, make)
            .clients(|_| Arc::clone(&self.config.clients))
            .settings(Arc::clone(&self.config.settings))
            .clock(move |ahead| phone.set_clock_ahead(TimeDelta::from_std(ahead).unwrap()))
            .invariant("it is done or cancelled", is_over)
            // There are so many of them, and they have so few boundaries.
            .sample(1)
    }
}

pub(crate) async fn is_over(done: &Done) -> Result<(), String> {
    // What has a deadline may have missed it: crashes move the clock.
    let is_late = done.job.summary.error.as_deref() == Some("deadline exceeded");
    if matches!(done.state(), State::Succeeded | State::Cancelled) || is_late {
        return Ok(());
    }
    Err(format!("{}: {:?}", done.state(), done.job.summary.error))
}

/// Numbers what must be different in each run.
pub(crate) fn next() -> u32 {
    static RUNS: AtomicU32 = AtomicU32::new(1);
    RUNS.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

#[tokio::test]
async fn a_text_is_sent_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let sealer = Sealer::parse("test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    let phone = outside.phone.clone();
    outside
        .matrix(move || {
            let to = PhoneNumber::from_e164(&format!("+43664{}", 1_000_000 + next())).unwrap();
            SendSms {
                message: MessageId::mint(),
                for_tenant: None,
                purpose: "greeting".to_owned(),
                to: sealer.seal(&to).unwrap(),
                body: sealer.seal(&"Hello".to_owned()).unwrap(),
                validity_secs: 14_400,
                occasion: Occasion::Alert,
                sender: Sender::Platform,
                every_ms: 1,
                patience_secs: None,
            }
        })
        .invariant("one text", async move |done: &Done| {
            let known = done
                .count(
                    "select from product.messages m join trunkline.jobs j on j.args ->> 'message' = m.message_id::text
                     where j.job_id = $1 and m.provider_sid is not null",
                )
                .await;
            let texts = phone.messages();
            let doubled = texts.iter().any(|one| texts.iter().filter(|it| it.to == one.to).count() > 1);
            ensure(!doubled && (known == 1 || !done.succeeded()), || format!("{known} known of {texts:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_code_is_spoken_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let sealer = Sealer::parse("test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    let phone = outside.phone.clone();
    outside
        .matrix(move || {
            let to = PhoneNumber::from_e164(&format!("+43665{}", 1_000_000 + next())).unwrap();
            OtpByVoice {
                to: sealer.seal(&to).unwrap(),
                words: sealer.seal(&"1, 2, 3, 4, 5, 6".to_owned()).unwrap(),
                locale: Locale::De,
            }
        })
        .invariant("one call", async move |_: &Done| {
            let calls = phone.calls();
            let doubled =
                calls.iter().any(|one| calls.iter().filter(|it| it.to == one.to).count() > 1);
            ensure(!doubled, || format!("{calls:?}"))
        })
        .run()
        .await;
}

/// A tenant with a number, and texts that were written to it: the nth by its own person.
const SHOP: &str = "
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
    insert into product.conversations (conversation_id, tenant_id, phone)
        select ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
               '+4367' || (10000000 + n)
        from generate_series(1, 2000) n;
    insert into product.messages (message_id, tenant_id, direction, purpose, to_phone, from_phone, provider_sid, status,
                                  rank, conversation_id)
        select ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
               'inbound', 'inbound', '+15550109999', '+4367' || (10000000 + n), 'SM' || lpad(n::text, 32, '0'), 'received',
               5, ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid
        from generate_series(1, 2000) n;
    insert into product.message_bodies
        select ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001', 'Hello?'
        from generate_series(1, 2000) n;";

fn nth<T: std::str::FromStr>(group: &str, n: u32) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("00000000-0000-7000-{group}-{n:012}").parse().unwrap()
}

/// Nobody is written to twice.
fn nobody_twice(phone: &Handle) -> Result<(), String> {
    let texts = phone.messages();
    let doubled = texts.iter().any(|one| texts.iter().filter(|it| it.to == one.to).count() > 1);
    ensure(!doubled, || format!("{texts:?}"))
}

#[tokio::test]
async fn a_text_is_answered_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    let registry =
        engine::Registry::default().with::<SmsInbound>().with::<AiReply>().with::<SendSms>();
    let make = || SmsInbound {
        message: nth("a000", next()),
        sid: String::new(),
        tenant: None,
        keyword: None,
        provider_answered: false,
    };
    outside
        .matrix_of(registry, make)
        .schema(SHOP)
        .invariant("one answer", async move |done: &Done| {
            let said = done.job.output.clone();
            let is_answered =
                said == Some(json!("answered")) || said == Some(json!("awaits_human"));
            ensure(!done.succeeded() || is_answered, || format!("{said:?}"))?;
            nobody_twice(&phone)
        })
        .run()
        .await;
}

#[tokio::test]
async fn the_assistants_answer_is_sent_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let phone = outside.phone.clone();
    let registry = engine::Registry::default().with::<AiReply>().with::<SendSms>();
    let make = || {
        let n = next();
        AiReply { conversation: nth("9000", n), message: nth("a000", n) }
    };
    outside
        .matrix_of(registry, make)
        .schema(SHOP)
        .invariant("one answer", async move |_: &Done| nobody_twice(&phone))
        .run()
        .await;
}

#[tokio::test]
async fn messages_without_an_end_are_settled_once_whatever_goes_wrong() {
    let stale = "
        select set_config('trunkline.scope', 'platform', true);
        insert into product.messages (message_id, direction, purpose, to_phone, from_phone, provider_sid, status, rank,
                                      created_at, updated_at)
            select gen_random_uuid(), 'outbound', 'greeting', '+436641234567', '+15005550006',
                   'SM' || lpad(n::text, 32, '0'), 'queued', 2, now() - interval '1 hour', now() - interval '1 hour'
            from generate_series(1, 30) n;";
    Outside::new().await.matrix(|| SmsReconcile {}).schema(stale).run().await;
}

#[tokio::test]
async fn a_line_is_appended_once_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let path = outside.ledger.clone();
    outside
        .matrix(|| try_kinds::Ledger { key: format!("line-{}", next()) })
        .invariant("one line", async move |done: &Done| {
            let lines = std::fs::read_to_string(&path).unwrap_or_default();
            let key = done.job.args["key"].as_str().unwrap_or_default();
            let mine = lines.lines().filter(|line| line.split(' ').next() == Some(key)).count();
            ensure(mine <= 1 && (mine == 1 || !done.succeeded()), || format!("{mine} lines"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn the_line_is_served_whatever_goes_wrong() {
    Outside::new().await.matrix(|| ServeWaitlist {}).run().await;
}

#[tokio::test]
async fn how_the_product_stands_is_counted_whatever_goes_wrong() {
    Outside::new().await.matrix(|| workflows::take_vitals::TakeVitals {}).run().await;
}

#[tokio::test]
async fn the_records_are_chained_whatever_goes_wrong() {
    Outside::new()
        .await
        .matrix(|| workflows::chain_audit::ChainAudit {})
        .invariant("no row of before is left out, and no number", async |done: &Done| {
            let left = "select from trunkline.audit a join trunkline.jobs j on j.job_id = $1 and a.at < j.created_at
                        where not exists (select from trunkline.audit_links s where s.audit_id = a.audit_id)";
            let gaps = "select from trunkline.jobs j where j.job_id = $1
                        and (select coalesce(max(link), 0) <> count(*) from trunkline.audit_links)";
            let (left, gaps) = (done.count(left).await, done.count(gaps).await);
            ensure(gaps == 0 && (!done.succeeded() || left == 0), || format!("{left} left, {gaps}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn what_is_over_is_forgotten_whatever_goes_wrong() {
    Outside::new().await.matrix(|| CleanExpired {}).run().await;
}

#[tokio::test]
async fn a_report_is_applied_once_whatever_goes_wrong() {
    let stray = || SmsStatus {
        message: None,
        sid: format!("SM{:032x}", next()),
        status: "delivered".to_owned(),
        error_code: None,
    };
    Outside::new()
        .await
        .matrix(stray)
        .invariant("it is of no message of ours", async |done: &Done| {
            let said = done.job.output.clone();
            ensure(!done.succeeded() || said == Some(json!("stray")), || format!("{said:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn nothing_is_done_whatever_goes_wrong() {
    Outside::new().await.matrix(|| try_kinds::Noop {}).run().await;
}

#[tokio::test]
async fn a_slot_is_occupied_whatever_goes_wrong() {
    Outside::new().await.matrix(|| try_kinds::Sleep { ms: 1 }).run().await;
}

#[tokio::test]
async fn a_place_among_few_is_taken_whatever_goes_wrong() {
    let limited = || try_kinds::Limited { key: "alone".to_owned(), max: 1, ms: 1 };
    Outside::new()
        .await
        .matrix(limited)
        .invariant("it was alone", async |done: &Done| {
            let place = done.job.output.clone();
            ensure(!done.succeeded() || place == Some(json!(1)), || format!("{place:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_timer_wakes_its_run_whatever_goes_wrong() {
    Outside::new().await.matrix(|| try_kinds::Timer { ms: 3_600_000 }).run().await;
}

#[tokio::test]
async fn a_run_of_steps_adds_up_whatever_goes_wrong() {
    Outside::new()
        .await
        .matrix(|| try_kinds::Steps { n: 4 })
        .invariant("1 + 2 + 3 + 4", async |done: &Done| {
            let sum = done.job.output.clone();
            ensure(!done.succeeded() || sum == Some(json!(10)), || format!("{sum:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_job_that_fails_at_first_succeeds_at_last_whatever_goes_wrong() {
    Outside::new().await.matrix(|| try_kinds::Fail { times: 2 }).run().await;
}

#[tokio::test]
async fn a_place_among_so_many_is_free_again_whatever_goes_wrong() {
    let limited = || try_kinds::Limited { key: "matrix".to_owned(), max: 8, ms: 1 };
    Outside::new().await.matrix(limited).run().await;
}
