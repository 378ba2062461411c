//! Everything a call needs: a database, the API, the phone company, the speech service, and workers in processes of their own.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use api::ApiState;
use daemon::{config::Env, probes::Probes, telemetry::Metrics};
use domain::{
    CallId, TenantId, VoiceSessionId, scope,
    voice::{NewSession, Outcome, sessions},
};
use engine::{Engine, Workflow};
use sandbox::{
    openai,
    twilio::{self, Deed, LiveCall, Placement, Story, What},
};
use secrecy::ExposeSecret;
use serde_json::json;
use tests::{TestDb, fleet::Worker, holds, wait_until};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::voice_session::VoiceSession;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const PEPPER: &str = "a pepper that only tests may have";
pub(crate) const KEY: &str = "sk-of-the-house-of-tests";
pub(crate) const CALLER: &str = "+4367712345678";
pub(crate) const OWNER: &str = "+436649999999";
/// What the tenant is called at.
const NUMBER: &str = "+15550109999";
const OURS: &str = "+15005550006";

/// Whoever is called, with all that a caller can be given.
const TENANT: &str = "
    select set_config('trunkline.scope', 'platform', true);
    update product.subscription_plans set conversations_monthly_max = null;
    insert into product.tenants (tenant_id, company_name, status) values ('{}', 'Huber', 'active');
    insert into product.bots values ('00000000-0000-7000-8000-000000000002', '{}', 'Bot', 'Be kind.', 'de-AT');
    insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max)
        values ('00000000-0000-7000-8000-000000000003', '{}', 'demo', 100, 7200);
    insert into product.phone_pool (phone, status, tenant_id, allocated_at)
        values ('+15550109999', 'allocated', '{}', now());
    insert into product.phone_mappings (mapping_id, tenant_id, phone)
        values ('00000000-0000-7000-8000-000000000004', '{}', '+15550109999');
    insert into product.messaging_settings (tenant_id, owner_phone, quiet_from_min, quiet_until_min)
        values ('{}', '+436649999999', null, null);
    insert into product.voice_settings (tenant_id, transfer_phone, links)
        values ('{}', '+436648888888', '{\"booking\": \"https://example.com/book\"}');";

/// Longer than any call here on a busy machine; a deadlock fails by it.
const DEADLINE: Duration = Duration::from_mins(1);

/// All of it, until it is dropped.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) phone: twilio::Handle,
    pub(crate) model: openai::Handle,
    pub(crate) base: String,
    pub(crate) variables: BTreeMap<String, String>,
    tenant: TenantId,
    logs: PathBuf,
    _stop: DropGuard,
    pub(crate) db: TestDb,
}

/// A call that is under way.
pub(crate) struct Ringing {
    pub(crate) live: LiveCall,
    pub(crate) session: VoiceSessionId,
}

impl Ringing {
    /// The caller says this next.
    pub(crate) fn says(&self, what: &str) {
        assert!(self.live.then(Deed::Say(what.to_owned())));
    }
}

impl House {
    pub(crate) async fn open() -> House {
        let db = TestDb::new().await;
        db.may_leave_jobs();
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let phone = a_phone(&stop).await;
        let model = a_model(&stop).await;
        let variables = variables(&db, &base, &phone, &model);
        let registry = Arc::new(workflows::registry(false).without_schedules());
        let env = Env::new(|name| variables.get(name).cloned());
        let (config, worker) = (api::Config::read(&env), workers::Config::read(&env));
        let (config, worker) = env.finish((config, worker)).unwrap();
        let engine = Engine::connect(worker.unwrap().engine, &registry).await.unwrap();
        let probes = Probes::new(stop.child_token());
        let state = ApiState::new(engine.clone(), registry, config, probes, Metrics::detached());
        tokio::spawn(api::serve(listener, state, stop.child_token()));
        let tenant = TenantId::mint();
        let mut rows = db.superuser().await;
        let statements = TENANT.replace("{}", &tenant.to_string());
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut rows).await.unwrap();
        let logs = std::env::temp_dir().join(format!("trunkline-voice-{}", std::process::id()));
        std::fs::create_dir_all(&logs).unwrap();
        House { engine, phone, model, base, variables, tenant, logs, _stop: stop.drop_guard(), db }
    }

    /// A voice worker, as a process.
    pub(crate) async fn worker(&self, slots: u32) -> Worker {
        self.worker_with(slots, &[]).await
    }

    /// The same with other variables.
    pub(crate) async fn worker_with(&self, slots: u32, changes: &[(&str, &str)]) -> Worker {
        let mut variables = self.variables.clone();
        variables
            .extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Worker::voice(slots, variables, &self.logs).await
    }

    /// An operator sets what a provider knows us by.
    pub(crate) async fn sets(&self, credential: &str, secret: &str) {
        let url = format!("{}/v1/admin/provider-credentials/{credential}", self.base);
        let body = json!({ "secret": secret, "reason": "the files are out of date" });
        let http = clients::http::client(DEADLINE).unwrap();
        let ask = http.post(url).bearer_auth(&self.variables["ADMIN_API_KEY"]).json(&body);
        assert_eq!(ask.send().await.unwrap().status().as_u16(), 201);
    }

    /// A worker of ordinary jobs, as a process: what is done for a call and after it.
    pub(crate) async fn clerk(&self) -> Worker {
        Worker::of_pool("default", 16, self.variables.clone(), &self.logs).await
    }

    /// Somebody rings the tenant's number, and comes by the door by which every call comes; stays on the line without a script.
    pub(crate) async fn rings_in(&self, script: &[&str]) -> Ringing {
        let call_sid = format!("CA{}", VoiceSessionId::mint().as_uuid().simple());
        let url = format!("{}/telephony/incoming", self.base);
        let mut placement = Placement::new(CALLER, NUMBER, url);
        placement.status_url = Some(format!("{}/telephony/status", self.base));
        placement.sid = Some(call_sid.clone());
        placement.script = script.iter().map(|line| line.parse::<Deed>().unwrap()).collect();
        placement.speed = 4;
        let live = self.phone.place_call(placement);
        let session = wait_until("the call is answered", async || {
            let of_call = "select session_id from product.voice_sessions where call_sid = $1";
            let mut rows = self.db.superuser().await;
            let id: Option<uuid::Uuid> = sqlx::query_scalar(of_call)
                .bind(&call_sid)
                .fetch_optional(&mut rows)
                .await
                .unwrap();
            id
        });
        let session = session.await.into();
        Ringing { live, session }
    }

    /// The texts of so far are of long ago.
    pub(crate) async fn forgets_the_caller(&self) {
        let past =
            "update product.call_text_backs set created_at = created_at - interval '2 hours'";
        sqlx::raw_sql(past).execute(&mut self.db.superuser().await).await.unwrap();
    }

    /// What somebody was sent by text.
    pub(crate) fn texts_to(&self, phone: &str) -> Vec<String> {
        self.phone.messages_to(phone).into_iter().map(|text| text.body).collect()
    }

    /// Somebody rings: the session is made and enqueued as the webhook of an incoming call does it, and the call goes on with
    /// its route.
    pub(crate) async fn rings(&self, script: &[&str]) -> Ringing {
        self.rings_as(script, |_| {}).await
    }

    /// Somebody who stays on the line until told to hang up, and says this first.
    pub(crate) async fn stays(&self, first: &str) -> Ringing {
        let ringing = self.rings(&[]).await;
        ringing.says(first);
        self.hears(&ringing, 1).await;
        ringing
    }

    /// The same with something odd about it.
    pub(crate) async fn rings_as(
        &self,
        script: &[&str],
        odd: impl FnOnce(&mut Placement),
    ) -> Ringing {
        let session = VoiceSessionId::mint();
        let call_sid = format!("CA{}", session.as_uuid().simple());
        let url = format!("{}/telephony/route?s={session}", self.base);
        let mut placement = Placement::new(CALLER, OURS, url);
        placement.sid = Some(call_sid.clone());
        placement.script = script.iter().map(|line| line.parse::<Deed>().unwrap()).collect();
        placement.speed = 2;
        odd(&mut placement);
        self.session(session, &call_sid).await;
        Ringing { live: self.phone.place_call(placement), session }
    }

    /// A session and its job.
    pub(crate) async fn session(&self, session: VoiceSessionId, call_sid: &str) {
        let call = CallId::mint();
        let spoken = VoiceSession {
            session,
            call,
            call_sid: call_sid.to_owned(),
            tenant: self.tenant,
            talk_max_secs: 600,
        };
        let job = spoken.job().tenant(self.tenant.as_uuid());
        let mut tx = self.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        let (tenant, job_id) = (self.tenant, job.id.as_uuid());
        let new = NewSession { session, call, call_sid, tenant, job: job_id };
        sessions::open(&mut tx, &new).await.unwrap();
        tx.enqueue(job).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A call from its beginning to its end.
    pub(crate) async fn call(&self, script: &[&str]) -> (Story, Option<Outcome>) {
        let ringing = self.rings(script).await;
        let story = self.ended(&ringing).await;
        (story, self.closed(&ringing).await)
    }

    /// What became of a call when it is over.
    pub(crate) async fn ended(&self, ringing: &Ringing) -> Story {
        let ended = timeout(DEADLINE, ringing.live.ended()).await;
        ended.unwrap_or_else(|_| {
            panic!("the call does not end: {:#?}\n{}", ringing.live.story(), self.logs())
        })
    }

    /// How its session ended, once it has.
    pub(crate) async fn closed(&self, ringing: &Ringing) -> Option<Outcome> {
        Some(wait_until("the session is closed", async || self.outcome(ringing).await).await)
    }

    pub(crate) async fn outcome(&self, ringing: &Ringing) -> Option<Outcome> {
        let mut tx = self.engine.begin().await.ok()?;
        scope::platform(&mut tx).await.ok()?;
        sessions::get(&mut tx, ringing.session).await.ok()??.outcome
    }

    /// Waits until the caller has heard so many things.
    pub(crate) async fn hears(&self, ringing: &Ringing, times: usize) {
        wait_until("the caller hears something", async || {
            holds(ringing.live.story().heard().len() >= times)
        })
        .await;
    }

    /// What the workers said on stderr.
    pub(crate) fn logs(&self) -> String {
        let files = std::fs::read_dir(&self.logs).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.logs).ok();
    }
}

/// Whether what takes long was asked for.
pub(crate) fn is_full() -> bool {
    Env::of_process().is_set("TRUNKLINE_FULL")
}

/// How often a stream was opened in a call.
pub(crate) fn streams(story: &Story) -> usize {
    story.moments.iter().filter(|it| matches!(it.what, What::StreamOpened { .. })).count()
}

/// What was said by the phone company itself.
pub(crate) fn announced(story: &Story) -> Vec<String> {
    let text = |it: &'_ sandbox::twilio::Moment| {
        let What::Announced { text } = &it.what else { return None };
        Some(text.clone())
    };
    story.moments.iter().filter_map(text).collect()
}

async fn a_phone(stop: &CancellationToken) -> twilio::Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = twilio::Options::new(ACCOUNT, TOKEN);
    let (phone, serving) =
        sandbox::Twilio::serve(listener, options, stop.child_token()).await.unwrap();
    tokio::spawn(serving);
    phone
}

async fn a_model(stop: &CancellationToken) -> openai::Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = openai::Options::new(KEY);
    (options.think, options.delta_every) = (Duration::ZERO, Duration::ZERO);
    options.chars_per_sec = 50;
    let (model, serving) = sandbox::OpenAi::serve(listener, options, stop.child_token()).unwrap();
    tokio::spawn(serving);
    model
}

fn variables(
    db: &TestDb,
    base: &str,
    phone: &twilio::Handle,
    model: &openai::Handle,
) -> BTreeMap<String, String> {
    let database = db.app_url().expose_secret();
    [
        ("DATABASE_URL", database),
        ("DATABASE_DIRECT_URL", database),
        ("PUBLIC_BASE_URL", base),
        ("ADMIN_API_KEY", "an-operators-key-for-tests"),
        ("TRUNKLINE_PEPPER", PEPPER),
        ("TRUNKLINE_SEAL_KEYS", "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("DATABASE_POOL_SIZE", "8"),
        ("TRUNKLINE_SMS_EVERY_MS", "1"),
        ("TWILIO_API_BASE", phone.base_url().as_str().trim_end_matches('/')),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_PHONE_NUMBER", OURS),
        ("OPENAI_BASE_URL", &model.api_base()),
        ("OPENAI_REALTIME_URL", &model.realtime_url()),
        ("OPENAI_API_KEY", KEY),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
