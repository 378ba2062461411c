//! Every fault at every boundary of the workflows that are played without the front door. (A sign-up has `laws.rs`.)

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::TimeDelta;
use crash_matrix::{CrashMatrix, Done};
use domain::{MessageId, PhoneNumber};
use engine::{Sealer, State, Workflow};
use sandbox::twilio::Handle;
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::{
    Trunkline, clean_expired::CleanExpired, send_sms::SendSms, serve_waitlist::ServeWaitlist,
    sms_status::SmsStatus, try_kinds,
};

use crate::stage::{a_phone, variables, worker_config};

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
        let mut variables = variables(&database, "http://127.0.0.1:1", &phone, true);
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
        let phone = self.phone.clone();
        let registry = engine::Registry::default().with::<W>();
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
    if matches!(done.state(), State::Succeeded | State::Cancelled) {
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
