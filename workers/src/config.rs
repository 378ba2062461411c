//! What a worker process is told: read once, all mistakes reported at once.

mod numbers;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

pub use self::numbers::urls as number_urls;

use clients::{
    openai::{self, OpenAi},
    stripe::{self, Stripe},
    twilio::{self, Twilio},
};
use daemon::config::{Env, Names};
use domain::{Pepper, PhoneNumber};
use engine::{Keep, Sealer};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use workflows::{Clients, DemoSettings, Settings, SmsSender, StripeAccount};

/// Jobs a pool holds at once, where nothing else is said. Most of a job's time is waiting for the network or a commit.
const SLOTS: u32 = 64;

/// Below the 30 s after which orchestrators kill.
const DRAIN: Duration = Duration::from_secs(25);

/// What a long number can send: one message a second (Twilio, "Understanding Twilio Rate Limits and Message Queues").
const SMS_EVERY_MS: u32 = 1000;

/// Answers within seconds and costs little; what a text message asks is not hard.
const OPENAI_MODEL: &str = "gpt-4.1-mini";

/// Two tries fit into the deadline of an answer.
const OPENAI_TIMEOUT: Duration = Duration::from_secs(20);

/// The configuration of a worker.
pub struct Config {
    /// The engine's part.
    pub engine: engine::Config,
    /// How workflows reach the outside.
    pub clients: Arc<Clients>,
    /// What workflows read.
    pub settings: Arc<Settings>,
    /// Whether the kinds for trying are registered.
    pub try_kinds: bool,
    /// Jobs at once.
    pub slots: usize,
    /// How long is kept what is over.
    pub keep: Keep,
    /// How long a stopping worker waits for its jobs.
    pub drain: Duration,
}

impl Config {
    /// Reads `DATABASE_URL`, `DATABASE_DIRECT_URL`, `TRUNKLINE_*`, `TWILIO_*`, `STRIPE_*`, `DEMO_*` and `PUBLIC_BASE_URL`. What is
    /// wrong is noted in `env`; the result counts only if nothing was.
    pub fn read(env: &Env) -> Option<Config> {
        let engine = engine_config(env);
        let (sms, ai, stripe) = (sms_sender(env), openai(env), stripe_account(env));
        let demo = DemoSettings {
            lifetime: env
                .var("DEMO_TENANT_LIFETIME_HOURS")
                .number(1..=8760_u64)
                .map(hours)
                .or(hours(72)),
            daily_calls_max: env.var("DEMO_MAX_DAILY_CALLS").number(1..=100_000_i32).optional(),
            sms_template: env.var("DEMO_SMS_TEMPLATE").text().optional(),
        };
        if demo.sms_template.as_ref().is_some_and(|template| !template.contains("{CODE}")) {
            env.mistake("DEMO_SMS_TEMPLATE", "must contain {CODE}");
        }
        let pepper = pepper(env);
        let ledger = env.var("TRUNKLINE_LEDGER").text().map(PathBuf::from).optional();
        let try_kinds = env.var("TRUNKLINE_TRY_KINDS").flag().or(false);
        let slots = env.var("TRUNKLINE_SLOTS").number(1..=10_000_u32).or(SLOTS);
        let (drain, keep) = (drain(env), keep(env));
        let sms_every_ms =
            env.var("TRUNKLINE_SMS_EVERY_MS").number(1..=60_000_u32).or(SMS_EVERY_MS);
        let otp_by_voice = env.var("TRUNKLINE_OTP_BY_VOICE").flag().or(true);
        let (desk, numbers) = (numbers::desk(env, sms.as_ref()), numbers::settings(env));
        let settings = Settings {
            pepper: pepper?,
            demo,
            numbers,
            sms_from: sms.as_ref().map(|sms| sms.from.clone()),
            sms_every_ms,
            otp_by_voice,
            stripe_is_live: stripe.as_ref().map(|account| account.stripe.is_live()),
        };
        Some(Config {
            engine: engine?,
            clients: Arc::new(Clients {
                sms,
                ai,
                numbers: desk,
                stripe,
                voice: OnceLock::new(),
                ledger,
            }),
            settings: Arc::new(settings),
            try_kinds,
            slots: usize::try_from(slots).unwrap_or(1),
            keep,
            drain,
        })
    }
}

/// `TRUNKLINE_DRAIN_SECS`: how long a stopping process waits for what it has in hand.
pub fn drain(env: &Env) -> Duration {
    env.var("TRUNKLINE_DRAIN_SECS").secs(0..=3600).or(DRAIN)
}

/// `TRUNKLINE_KEEP_*_DAYS`: how long is kept what is over.
fn keep(env: &Env) -> Keep {
    let keep = Keep::default();
    let days = |name, default: Duration| {
        env.var(name).number(1..=3650_u64).map(|days| hours(24 * days)).or(default)
    };
    Keep {
        brief: days("TRUNKLINE_KEEP_BRIEF_DAYS", keep.brief),
        standard: days("TRUNKLINE_KEEP_STANDARD_DAYS", keep.standard),
        long: days("TRUNKLINE_KEEP_LONG_DAYS", keep.long),
        inbox: days("TRUNKLINE_KEEP_INBOX_DAYS", keep.inbox),
    }
}

/// The engine's part of a process's configuration; the API reads the same.
pub fn engine_config(env: &Env) -> Option<engine::Config> {
    const POSTGRES: &[&str] = &["postgres", "postgresql"];
    let url: SecretString = env.var("DATABASE_URL").secret_url(POSTGRES).required();
    let direct_url = env.var("DATABASE_DIRECT_URL").secret_url(POSTGRES).optional();
    let product_connections = env.var("DATABASE_POOL_SIZE").number(2..=500_u32).or(16);
    let keys: SecretString = env.var("TRUNKLINE_SEAL_KEYS").secret(1).required();
    let sealer = match Sealer::parse(keys.expose_secret()) {
        Ok(sealer) => Some(Arc::new(sealer)),
        Err(_) if !env.is_set("TRUNKLINE_SEAL_KEYS") => None,
        Err(error) => {
            env.mistake("TRUNKLINE_SEAL_KEYS", error.to_string());
            None
        }
    };
    Some(engine::Config { url, direct_url, product_connections, sealer: sealer? })
}

fn pepper(env: &Env) -> Option<Pepper> {
    let secret = env.var("TRUNKLINE_PEPPER").secret(32).required();
    // Missing or too short is noted already.
    Pepper::new(secret).ok()
}

/// Twilio, where an account is configured. Half an account is a mistake.
fn sms_sender(env: &Env) -> Option<SmsSender> {
    let account_sid = env.var("TWILIO_ACCOUNT_SID").text().optional()?;
    let auth_token = env.var("TWILIO_AUTH_TOKEN").secret(1).required();
    let from = env.var(["TWILIO_PHONE_NUMBER", "SMS_FROM_NUMBER"]).text().required();
    let from = match PhoneNumber::from_e164(&from) {
        Ok(from) => Some(from),
        Err(_) if from.is_empty() => None,
        Err(_) => {
            env.mistake(
                "TWILIO_PHONE_NUMBER",
                "must be a phone number in E.164 form, such as +15005550006",
            );
            None
        }
    };
    let api_base = url(env, "TWILIO_API_BASE", Some("https://api.twilio.com"));
    let public_base_url = public_base_url(env);
    let timeout =
        env.var("TWILIO_TIMEOUT_MS").millis(10..=60_000).or(clients::http::REQUEST_TIMEOUT);
    // Twilio's list shows a message within seconds; two minutes are its own advice.
    let second_look =
        env.var("TRUNKLINE_SMS_SECOND_LOOK_SECS").secs(0..=3600).or(Duration::from_mins(2));
    let Ok(http) = clients::http::client(timeout) else {
        env.mistake(
            "TWILIO_API_BASE",
            "no HTTP client could be made: this machine has no certificates",
        );
        return None;
    };
    let auth_token = auth_token.into();
    let config = twilio::Config { api_base: api_base?, account_sid, auth_token };
    let Ok(twilio) = Twilio::new(http, config) else {
        env.mistake("TWILIO_API_BASE", "must be an http or https address");
        return None;
    };
    let webhook_token = webhook_token(env);
    Some(SmsSender {
        twilio,
        from: from?,
        public_base_url: public_base_url?,
        webhook_token,
        second_look,
    })
}

/// How the outside reaches the API.
pub fn public_base_url(env: &Env) -> Option<Url> {
    url(env, PUBLIC_BASE_URL, None)
}

/// The word that our addresses at Twilio carry, where there is one.
pub fn webhook_token(env: &Env) -> Option<SecretString> {
    env.var("TWILIO_WEBHOOK_AUTH_TOKEN").secret(16).optional()
}

/// The text model, where a key is configured.
fn openai(env: &Env) -> Option<OpenAi> {
    let api_key = env.var("OPENAI_API_KEY").secret(1).optional();
    let base_url = url(env, "OPENAI_BASE_URL", Some("https://api.openai.com/v1"));
    let model = env.var("OPENAI_MODEL").text().or(OPENAI_MODEL.to_owned());
    let timeout = env.var("OPENAI_TIMEOUT_MS").millis(10..=60_000).or(OPENAI_TIMEOUT);
    let api_key = api_key?;
    let Ok(http) = clients::http::client(timeout) else {
        env.mistake(
            "OPENAI_BASE_URL",
            "no HTTP client could be made: this machine has no certificates",
        );
        return None;
    };
    let api_key = api_key.into();
    Some(OpenAi::new(http, &openai::Config { base_url: base_url?, api_key, model }))
}

/// Stripe, where a key is configured.
fn stripe_account(env: &Env) -> Option<StripeAccount> {
    let secret_key = env.var("STRIPE_SECRET_KEY").secret(1).optional()?;
    let api_base = url(env, "STRIPE_API_BASE", Some("https://api.stripe.com"))?;
    let timeout =
        env.var("STRIPE_TIMEOUT_MS").millis(10..=60_000).or(clients::http::REQUEST_TIMEOUT);
    let Ok(http) = clients::http::client(timeout) else {
        env.mistake(
            "STRIPE_API_BASE",
            "no HTTP client could be made: this machine has no certificates",
        );
        return None;
    };
    let secret_key = secret_key.into();
    let Ok(stripe) = Stripe::new(http, stripe::Config { api_base, secret_key }) else {
        env.mistake("STRIPE_API_BASE", "must be an http or https address");
        return None;
    };
    Some(StripeAccount::new(stripe))
}

/// The names that the public address goes by.
pub const PUBLIC_BASE_URL: [&str; 4] =
    ["PUBLIC_BASE_URL", "TWILIO_WEBHOOK_BASE_URL", "API_BASE_URL", "NEXT_PUBLIC_APP_URL"];

fn url(env: &Env, names: impl Into<Names>, default: Option<&str>) -> Option<Url> {
    let setting = env.var(names).url(&["http", "https"]);
    let text = match default {
        Some(default) => setting.or(default.to_owned()),
        None => setting.required(),
    };
    Url::parse(&text).ok()
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}
