//! A Stripe that others wrote, in the shape of 2017: our reconciliation, our paging and our check of signatures work against
//! it unchanged.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use clients::stripe::signature;
use daemon::config::Env;
use domain::billing::reconciliation::Report;
use engine::{Engine, State, Workflow};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tests::{TestDb, TestWorker, WorkerOptions, holds, wait_until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
};
use workflows::{apply_stripe_event::ApplyStripeEvent, reconcile_stripe::ReconcileStripe};

use crate::packages;

const KEY: &str = "sk_test_of_the_peers";
const SECRET: &str = "whsec_of_the_peers";

/// More than a page.
const SUBSCRIPTIONS: usize = 101;

struct LocalStripe {
    base: String,
    http: reqwest::Client,
    _process: Child,
}

impl LocalStripe {
    async fn start(python: &Path) -> LocalStripe {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let process = Command::new(python)
            .args(["-m", "localstripe", "--from-scratch", "--port", &free.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let http = clients::http::client(Duration::from_secs(30)).unwrap();
        let stripe =
            LocalStripe { base: format!("http://127.0.0.1:{free}"), http, _process: process };
        wait_until("it answers", async || {
            let asked = stripe.http.get(format!("{}/v1/plans", stripe.base)).bearer_auth(KEY);
            holds(asked.send().await.is_ok_and(|answer| answer.status().is_success()))
        })
        .await;
        stripe
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(KEY).form(form);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A customer of the n-th tenant, who pays nothing: no card is needed.
    async fn subscribe(&self, n: usize) -> String {
        let tenant = tenant(n);
        let customer = self.post("/v1/customers", &[("metadata[tenant_id]", &tenant)]).await;
        let customer = customer["id"].as_str().unwrap();
        let form = [
            ("customer", customer),
            ("items[0][plan]", "price_starter"),
            ("metadata[tenant_id]", &tenant),
        ];
        let made = self.post("/v1/subscriptions", &form).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

fn tenant(n: usize) -> String {
    format!("00000000-0000-7000-8000-{n:012x}")
}

struct Office {
    engine: Engine,
    _worker: TestWorker<workflows::Trunkline>,
    db: TestDb,
}

impl Office {
    async fn open(stripe: &LocalStripe) -> Office {
        let db = TestDb::new().await;
        let rows = format!(
            "insert into product.subscription_plans (plan, daily_calls_max, talk_secs_max, stripe_price_id)
             values ('starter', 100, 36000, 'price_starter');
             insert into product.tenants (tenant_id, company_name, status)
             select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Company ' || n, 'active'
             from generate_series(1, {SUBSCRIPTIONS} + 1) n"
        );
        sqlx::raw_sql(AssertSqlSafe(rows)).execute(&db.every_row()).await.unwrap();
        let variables = [
            ("DATABASE_URL", db.app_url().expose_secret().to_owned()),
            ("DATABASE_DIRECT_URL", db.app_url().expose_secret().to_owned()),
            ("TRUNKLINE_PEPPER", "a pepper that only tests may have".to_owned()),
            ("TRUNKLINE_SEAL_KEYS", "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            ("STRIPE_API_BASE", stripe.base.clone()),
            ("STRIPE_SECRET_KEY", KEY.to_owned()),
        ];
        let env = Env::new(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        });
        let config = workers::Config::read(&env);
        let config = env.finish(config).unwrap().unwrap();
        let registry = Arc::new(workflows::registry(false));
        let engine = Engine::connect(config.engine.clone(), &registry).await.unwrap();
        let options = WorkerOptions { lease: Duration::from_secs(30), ..WorkerOptions::default() };
        let worker =
            TestWorker::start(config.engine, registry, config.clients, config.settings, options)
                .await;
        db.may_leave_jobs(); // of the schedules
        Office { engine, _worker: worker, db }
    }

    async fn done<W: Workflow<workflows::Trunkline>>(&self, workflow: &W) -> Value {
        let id = self.engine.enqueue(workflow.job()).await.unwrap().id();
        let job = wait_until("the job ends", async || {
            let job = self.engine.job(id).await.ok()??;
            job.summary.state.is_final().then_some(job)
        })
        .await;
        assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.error);
        job.output.unwrap()
    }

    async fn reconcile(&self) -> Report {
        serde_json::from_value(self.done(&ReconcileStripe {}).await).unwrap()
    }
}

/// One webhook, as it came: its signature and its body. Answered with 200.
async fn webhook(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = socket.read(&mut piece).await.unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |wanted: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(wanted));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let length: usize = header("content-length").unwrap().parse().unwrap();
        if body.len() >= length {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            return (header("stripe-signature").unwrap(), body.as_bytes().to_vec());
        }
    }
}

/// The webhook about one object, as it came. Others may come before it: this peer posts each a second late, to whoever listens
/// by then, so also what was made just before.
async fn webhook_about(object: &str, listener: &TcpListener) -> (String, Vec<u8>) {
    loop {
        let (header, body) = webhook(listener).await;
        let event: Value = serde_json::from_slice(&body).unwrap();
        if event["data"]["object"]["id"] == object {
            return (header, body);
        }
    }
}

#[tokio::test]
async fn a_second_stripe_is_reconciled_paged_and_heard_unchanged() {
    let Some(python) = packages::python("localstripe").await else { return };
    let stripe = LocalStripe::start(&python).await;
    let plan = [
        ("id", "price_starter"),
        ("amount", "0"),
        ("currency", "eur"),
        ("interval", "month"),
        ("product[name]", "Starter"),
    ];
    stripe.post("/v1/plans", &plan).await;
    for n in 1..=SUBSCRIPTIONS {
        stripe.subscribe(n).await;
    }
    let office = Office::open(&stripe).await;
    let all = u64::try_from(SUBSCRIPTIONS).unwrap();

    let first = office.reconcile().await;
    assert_eq!((first.tally.mismatches, first.tally.fixed), (all, all), "{first:?}");
    assert_eq!(
        first.tally.checked,
        2 * all,
        "subscriptions and customers, more than a page of each"
    );
    let ours = "select from product.subscriptions where status = 'active' and current_period_end is not null";
    assert_eq!(office.db.number(ours).await, i64::try_from(all).unwrap());
    let second = office.reconcile().await;
    assert_eq!((second.tally.mismatches, second.reported), (0, 0), "{second:?}");

    // What it posts is signed as Stripe signs, and leads to what is to be looked into.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let form =
        [("url", url.as_str()), ("secret", SECRET), ("events[]", "customer.subscription.created")];
    stripe.post("/_config/webhooks/ours", &form).await;
    let made = stripe.subscribe(SUBSCRIPTIONS + 1).await;
    let heard = tokio::time::timeout(Duration::from_secs(30), webhook_about(&made, &listener));
    let (header, body) = heard.await.expect("it posts within a second or two");
    let secrets = [SecretString::from(SECRET)];
    let _signed = signature::verify(&body, &header, &secrets).expect("it fits");
    let mut forged = body.clone();
    forged.push(b' ');
    assert!(signature::verify(&forged, &header, &secrets).is_err());
    let event: Value = serde_json::from_slice(&body).unwrap();
    let hint = ApplyStripeEvent {
        event: event["id"].as_str().unwrap().to_owned(),
        object: event["data"]["object"]["id"].as_str().unwrap().to_owned(),
    };
    assert_eq!(office.done(&hint).await, json!({ "applied": "made" }));
    let third = office.reconcile().await;
    assert_eq!(third.tally.mismatches, 0, "{third:?}");
}
