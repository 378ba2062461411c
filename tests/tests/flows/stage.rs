//! Everything a sign-up needs: a database, the API at its front door, Twilio's sandbox, and workers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::ApiState;
use chrono::TimeDelta;
use daemon::{config::Env, probes::Probes, telemetry::Metrics};
use domain::{Pepper, TenantId, numbers, scope};
use engine::{Engine, JobDetail, JobFilter, JobId, Registry, State};
use sandbox::{
    openai, stripe,
    twilio::{Handle, Inbound, Options},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tests::{TestDb, TestWorker, WorkerOptions, holds, rest, wait_until};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::Trunkline;

use crate::model::{a_model, of_model};

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ADMIN_KEY: &str = "an-operators-key-for-tests";
pub(crate) const STRIPE_KEY: &str = "sk_test_sandbox_of_the_tests";
pub(crate) const STRIPE_WEBHOOK_SECRET: &str = "whsec_sandbox_of_the_tests";

/// The kinds whose jobs make up a sign-up.
pub(crate) const SIGN_UP: [&str; 4] =
    ["demo_signup", "allocate_number", "send_sms", "otp_by_voice"];

/// How a stage differs from the usual one.
pub(crate) struct Props {
    /// Numbers in the pool.
    pub(crate) numbers: u16,
    /// Whether an account with Twilio is configured.
    pub(crate) twilio: bool,
    /// Variables of the environment that are set otherwise.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    /// The account with Stripe, if one is configured.
    pub(crate) stripe: Option<stripe::Handle>,
    /// Whether the kinds for trying are there.
    pub(crate) try_kinds: bool,
}

impl Default for Props {
    fn default() -> Props {
        Props { numbers: 10, twilio: true, variables: Vec::new(), stripe: None, try_kinds: false }
    }
}

/// All of it.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) phone: Handle,
    pub(crate) model: openai::Handle,
    pub(crate) registry: Arc<Registry<Trunkline>>,
    api: String,
    http: reqwest::Client,
    pub(crate) variables: BTreeMap<&'static str, String>,
    _stop: DropGuard,
    pub(crate) db: TestDb,
}

/// A sign-up that the API has taken.
#[derive(Debug, Clone)]
pub(crate) struct SignUp {
    pub(crate) tenant: TenantId,
    pub(crate) phone: String,
    pub(crate) email: String,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        Stage::with(Props::default()).await
    }

    pub(crate) async fn with(props: Props) -> Stage {
        let db = TestDb::new().await;
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        let phone = a_phone(&stop).await;
        let model = a_model(&stop).await;
        let mut variables = variables(db.app_url(), &api, &phone, props.twilio);
        variables.extend(of_model(&model));
        variables.extend(props.stripe.iter().flat_map(of_stripe));
        variables.extend(props.variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let registry = Arc::new(workflows::registry(props.try_kinds).without_schedules());
        let config = worker_config(&variables);
        let engine = Engine::connect(config.engine, &registry).await.unwrap();
        let mut tx = engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        numbers::pool_seed(&mut tx, props.numbers).await.unwrap();
        tx.commit().await.unwrap();
        let env = Env::new(|name| variables.get(name).cloned());
        let config = api::Config::read(&env);
        let config = env.finish(config).unwrap();
        let probes = Probes::new(stop.child_token());
        let state = ApiState::new(
            engine.clone(),
            Arc::clone(&registry),
            config,
            probes,
            Metrics::detached(),
        );
        tokio::spawn(api::serve(listener, state, stop.child_token()));
        let http = clients::http::client(Duration::from_secs(30)).unwrap();
        Stage { engine, phone, model, registry, api, http, variables, _stop: stop.drop_guard(), db }
    }

    /// The server's part of every keyed hash.
    pub(crate) fn pepper(&self) -> Pepper {
        Pepper::new(self.variables["TRUNKLINE_PEPPER"].as_str().into()).unwrap()
    }

    /// A worker as usual.
    pub(crate) async fn worker(&self) -> TestWorker<Trunkline> {
        self.worker_at(self.db.app_url()).await
    }

    /// A worker that reaches the database another way. Its clients are its own, as those of a process are.
    pub(crate) async fn worker_at(&self, url: &SecretString) -> TestWorker<Trunkline> {
        let workers::Config { engine, clients, settings, .. } = worker_config(&self.variables);
        let config = engine::Config { url: url.clone(), direct_url: Some(url.clone()), ..engine };
        // Long: a busy machine is slow, and tests end leases by hand.
        let options = WorkerOptions { lease: Duration::from_secs(30), ..WorkerOptions::default() };
        TestWorker::start(config, Arc::clone(&self.registry), clients, settings, options).await
    }

    /// A sign-up of somebody new.
    pub(crate) async fn sign_up(&self) -> SignUp {
        let person = rand::random_range(1_000_000..10_000_000_u32);
        self.sign_up_as(&format!("+43664{person}")).await
    }

    /// A sign-up with this phone.
    pub(crate) async fn sign_up_as(&self, phone: &str) -> SignUp {
        let email = format!("huber-{}@example.com", rand::random::<u64>());
        let (status, answer) = self.post("/api/demo/create-tenant", &form(phone, &email)).await;
        assert_eq!(status, 202, "{answer}");
        let tenant = answer["tenantId"].as_str().unwrap().parse().unwrap();
        SignUp { tenant, phone: phone.to_owned(), email }
    }

    /// The same person fills in the form again. Gives the status of the answer.
    pub(crate) async fn sign_up_again(&self, signup: &SignUp) -> u16 {
        self.post("/api/demo/create-tenant", &form(&signup.phone, &signup.email)).await.0
    }

    /// The address of a path of the API's.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The number that a sign-up got.
    pub(crate) async fn number_of(&self, signup: &SignUp) -> String {
        let mut tx = self.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        let number = numbers::of_tenant(&mut tx, signup.tenant).await.unwrap().unwrap();
        number.as_e164().to_owned()
    }

    /// Posts as an operator would; the key does not hurt where none is asked for.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.api)).bearer_auth(ADMIN_KEY);
        let response = request.json(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// Patches as an operator would.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.patch(format!("{}{path}", self.api)).bearer_auth(ADMIN_KEY);
        let response = request.json(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// Somebody writes to one of our numbers. Gives the status of our answer.
    pub(crate) async fn write(&self, from: &str, to: &str, body: &str) -> u16 {
        let inbound = Inbound {
            from: from.to_owned(),
            to: to.to_owned(),
            body: body.to_owned(),
            url: Some(format!("{}/telephony/sms", self.api)),
            sid: None,
            opt_out_type: None,
        };
        self.phone.receive(inbound).await.unwrap().status
    }

    /// Gets, with a bearer token.
    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.api)).bearer_auth(token);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// The code on their phone, if it has come.
    pub(crate) fn code_now(&self, signup: &SignUp) -> Option<String> {
        let body = self.phone.messages_to(&signup.phone).first()?.body.clone();
        body.split(|c: char| !c.is_ascii_digit())
            .find(|word| word.len() == 6)
            .map(ToOwned::to_owned)
    }

    /// The code on their phone.
    pub(crate) async fn code(&self, signup: &SignUp) -> String {
        wait_until("the code arrives", async || self.code_now(signup)).await
    }

    /// Types the code in.
    pub(crate) async fn type_in(&self, signup: &SignUp, code: &str) -> (u16, Value) {
        let body = json!({ "tenantId": signup.tenant, "code": code });
        self.post("/api/demo/verify-phone", &body).await
    }

    /// Reads the code and types it in; gives the access token.
    pub(crate) async fn verify(&self, signup: &SignUp) -> String {
        let code = self.code(signup).await;
        let (status, answer) = self.type_in(signup, &code).await;
        assert_eq!(status, 202, "{answer}");
        answer["accessToken"].as_str().unwrap().to_owned()
    }

    /// Where the sign-up stands, as anybody may ask.
    pub(crate) async fn status(&self, signup: &SignUp) -> String {
        let (status, answer) = self.get(&format!("/api/demo/{}/status", signup.tenant), "").await;
        assert_eq!(status, 200, "{answer}");
        answer["status"].as_str().unwrap().to_owned()
    }

    /// Waits until the sign-up stands there.
    pub(crate) async fn becomes(&self, signup: &SignUp, status: &str) {
        wait_until(&format!("the sign-up is {status}"), async || {
            holds(self.status(signup).await == status)
        })
        .await;
    }

    /// The run of a sign-up.
    pub(crate) async fn job_of(&self, signup: &SignUp) -> JobDetail {
        let (_, answer) = self.get(&format!("/api/demo/{}/status", signup.tenant), "").await;
        let id: JobId = answer["jobId"].as_str().unwrap().parse().unwrap();
        self.engine.job(id).await.unwrap().unwrap()
    }

    /// Waits until the run of a sign-up is in a state.
    pub(crate) async fn run_becomes(&self, signup: &SignUp, state: State) -> JobDetail {
        let id = self.job_of(signup).await.summary.id;
        wait_until(&format!("the run is {state}"), async || {
            let job = self.engine.job(id).await.ok()??;
            (job.summary.state == state).then_some(job)
        })
        .await
    }

    /// The newest job of a kind.
    pub(crate) async fn newest(&self, kind: &str) -> JobDetail {
        let filter = JobFilter { kind: Some(kind.to_owned()), ..JobFilter::default() };
        let id = self.engine.jobs(&filter, 1).await.unwrap().first().expect("a job").id;
        self.engine.job(id).await.unwrap().unwrap()
    }

    /// Cancels the run as an operator does.
    pub(crate) async fn cancel(&self, signup: &SignUp) {
        assert_eq!(self.try_to_cancel(signup).await, 202);
    }

    /// The same, maybe too late. Gives the status of the answer.
    pub(crate) async fn try_to_cancel(&self, signup: &SignUp) -> u16 {
        let id = self.job_of(signup).await.summary.id;
        let (status, answer) = self.post(&format!("/v1/admin/jobs/{id}/cancel"), &json!({})).await;
        assert!([202, 409].contains(&status), "{status}: {answer}");
        status
    }

    /// Moves all clocks there are.
    pub(crate) async fn advance(&self, by: Duration) {
        self.db.advance(by).await;
        self.phone_follows().await;
    }

    /// Twilio's clock becomes the database's.
    pub(crate) async fn phone_follows(&self) {
        self.phone.set_clock_ahead(TimeDelta::from_std(self.db.ahead().await).unwrap());
    }

    /// Moves the clock to the end of a pause between two attempts of a sign-up's jobs, if there is one.
    pub(crate) async fn skip_pause(&self) {
        if let Some(pause) = rest::pause_of(&self.db, &SIGN_UP).await {
            self.advance(pause).await;
        }
    }

    /// Everything is over, the reports about messages too.
    pub(crate) async fn comes_to_rest(&self) {
        wait_until("everything is over", async || holds(self.is_at_rest().await)).await;
    }

    /// Whether everything is over, the reports about messages too.
    pub(crate) async fn is_at_rest(&self) -> bool {
        let busy =
            "select job_id from trunkline.ready union all select job_id from trunkline.leases
                    union all select job_id from trunkline.waits";
        self.phone.callbacks_pending() == 0 && self.db.number(busy).await == 0
    }
}

/// Twilio's sandbox, until it is told to stop.
pub(crate) async fn a_phone(stop: &CancellationToken) -> Handle {
    let options = Options {
        callback_delay: Duration::from_millis(5),
        seed: Some(7),
        ..Options::new(ACCOUNT, TOKEN)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (phone, serving) =
        sandbox::Twilio::serve(listener, options, stop.child_token()).await.unwrap();
    tokio::spawn(serving);
    phone
}

/// What a visitor fills in.
pub(crate) fn form(phone: &str, email: &str) -> Value {
    json!({
        "companyName": "Baeckerei Huber", "contactEmail": email, "contactPhone": phone,
        "firstName": "Anna", "lastName": "Huber", "industry": "Bakery",
    })
}

pub(crate) fn variables(
    database: &SecretString,
    api: &str,
    phone: &Handle,
    twilio: bool,
) -> BTreeMap<&'static str, String> {
    let mut variables = BTreeMap::from([
        ("DATABASE_URL", database.expose_secret().to_owned()),
        ("DATABASE_DIRECT_URL", database.expose_secret().to_owned()),
        ("PUBLIC_BASE_URL", api.to_owned()),
        ("ADMIN_API_KEY", ADMIN_KEY.to_owned()),
        ("TRUNKLINE_PEPPER", "a pepper that only tests may have".to_owned()),
        ("TRUNKLINE_SEAL_KEYS", "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        ("TRUNKLINE_SMS_SECOND_LOOK_SECS", "2".to_owned()),
        ("DATABASE_POOL_SIZE", "8".to_owned()),
        // Tests of anything else do not wait for a sender's turn.
        ("TRUNKLINE_SMS_EVERY_MS", "1".to_owned()),
        ("DEMO_RATE_LIMIT_PER_IP", "1000000".to_owned()),
        ("TRUNKLINE_REQUESTS_PER_MINUTE", "0".to_owned()),
    ]);
    if twilio {
        variables.extend([
            ("TWILIO_API_BASE", phone.base_url().as_str().trim_end_matches('/').to_owned()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            ("TWILIO_PHONE_NUMBER", "+15005550006".to_owned()),
            ("TWILIO_TIMEOUT_MS", "5000".to_owned()),
        ]);
    }
    variables
}

/// What a process is told of Stripe's sandbox.
pub(crate) fn of_stripe(stripe: &stripe::Handle) -> [(&'static str, String); 4] {
    [
        ("STRIPE_API_BASE", stripe.base_url().as_str().trim_end_matches('/').to_owned()),
        ("STRIPE_SECRET_KEY", STRIPE_KEY.to_owned()),
        ("STRIPE_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET.to_owned()),
        ("STRIPE_TIMEOUT_MS", "5000".to_owned()),
    ]
}

pub(crate) fn worker_config(variables: &BTreeMap<&'static str, String>) -> workers::Config {
    let env = Env::new(|name| variables.get(name).cloned());
    let config = workers::Config::read(&env);
    env.finish(config).unwrap().unwrap()
}

/// All kinds, but nothing that runs by the clock: tests that move it would meet ticks by chance.
pub(crate) fn without_clock() -> Registry<Trunkline> {
    workflows::registry(false).without_schedules()
}
