//! What the API is told by its environment, read once.

mod edge; // requests, before any route sees them

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use clients::Secrets;
use daemon::config::Env;
use domain::{Pepper, phone::Region, provider_credentials::Credential};
use ipnet::IpNet;
use secrecy::SecretString;

use self::edge::EdgeConfig;

/// Below that a key is one that somebody made up.
const KEY_CHARS_MIN: usize = 16;

const HOUR: Duration = Duration::from_hours(1);

/// The API's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `TRUNKLINE_LISTEN`: where it listens.
    pub listen: SocketAddr,
    /// `PUBLIC_BASE_URL` (or its older names): how the outside reaches it; signatures are computed over it.
    pub public_base_url: String,
    /// `DEMO_LOGIN_URL`: where people log in.
    pub login_url: String,
    /// `TWILIO_ACCOUNT_SID`.
    pub twilio_account_sid: Option<String>,
    /// `TWILIO_AUTH_TOKEN` and `TWILIO_AUTH_TOKEN_PREVIOUS`: with what webhooks may be signed, while the database has no token.
    /// Without any, every webhook is refused.
    pub twilio_auth_tokens: Secrets,
    /// `TWILIO_WEBHOOK_AUTH_TOKEN` and `TWILIO_WEBHOOK_AUTH_TOKEN_PREVIOUS`: words that addresses at Twilio carry as
    /// `webhook_token`, besides the signature. Without any, none is asked for.
    pub twilio_webhook_tokens: Vec<SecretString>,
    /// `TWILIO_VALIDATE_SIGNATURE`: false only where nobody but this machine reaches the API.
    pub twilio_validate_signature: bool,
    /// `STRIPE_WEBHOOK_SECRET` and `STRIPE_WEBHOOK_SECRET_PREVIOUS`: with what Stripe may sign, while the database has no
    /// secret. Without any, every webhook of Stripe's is refused.
    pub stripe_webhook_secrets: Secrets,
    /// `ADMIN_API_KEY`: the operators' key.
    pub admin_api_key: SecretString,
    /// `CRON_SECRET`: the key of an outside clock.
    pub cron_secret: Option<SecretString>,
    /// `TRUNKLINE_PEPPER`: the server's part of every keyed hash.
    pub pepper: Pepper,
    /// `TRUNKLINE_TRUSTED_PROXIES`: whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// `TRUNKLINE_TRY_KINDS`: whether the kinds for trying and measuring are registered.
    pub try_kinds: bool,
    /// `TRUNKLINE_SMS_EVERY_MS`: how far apart messages of one sender start.
    pub sms_every_ms: u32,
    /// What is decided about requests before any route sees them.
    pub edge: EdgeConfig,
    /// `DEMO_…`.
    pub demo: DemoConfig,
}

/// What is configured about demos.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// `DEMO_TENANT_LIFETIME_HOURS`.
    pub lifetime: Duration,
    /// `DEMO_PHONE_REGION`: whose rules a number without country code follows.
    pub region: Region,
    /// `DEMO_RATE_LIMIT_PER_IP`: sign-ups from one address in a window.
    pub per_ip_max: u32,
    /// `DEMO_RATE_LIMIT_PER_PHONE`: sign-ups with one phone in a window.
    pub per_phone_max: u32,
    /// `DEMO_RATE_LIMIT_WINDOW_HOURS`.
    pub window: Duration,
}

impl Config {
    /// Reads the variables; mistakes are left in `env`, which tells all of them at once.
    pub fn read(env: &Env<'_>) -> Config {
        let public_base_url = env
            .var([
                "PUBLIC_BASE_URL",
                "TWILIO_WEBHOOK_BASE_URL",
                "API_BASE_URL",
                "NEXT_PUBLIC_APP_URL",
            ])
            .url(&["http", "https"])
            .required();
        let login_url = env.var("DEMO_LOGIN_URL").url(&["http", "https"]);
        Config {
            listen: env
                .var("TRUNKLINE_LISTEN")
                .parse("an address with a port")
                .or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            login_url: login_url.or(format!("{public_base_url}/login")),
            twilio_validate_signature: twilio_validate_signature(env, &public_base_url),
            public_base_url,
            twilio_account_sid: env.var("TWILIO_ACCOUNT_SID").text().optional(),
            twilio_auth_tokens: Secrets::new(twilio_auth_tokens(env)),
            twilio_webhook_tokens: pair(
                env,
                "TWILIO_WEBHOOK_AUTH_TOKEN",
                "TWILIO_WEBHOOK_AUTH_TOKEN_PREVIOUS",
            ),
            stripe_webhook_secrets: Secrets::new(pair(
                env,
                "STRIPE_WEBHOOK_SECRET",
                "STRIPE_WEBHOOK_SECRET_PREVIOUS",
            )),
            admin_api_key: env.var("ADMIN_API_KEY").secret(KEY_CHARS_MIN).required(),
            cron_secret: env.var("CRON_SECRET").secret(KEY_CHARS_MIN).optional(),
            pepper: pepper(env),
            trusted_proxies: trusted_proxies(env),
            try_kinds: env.var("TRUNKLINE_TRY_KINDS").flag().or(false),
            sms_every_ms: env.var("TRUNKLINE_SMS_EVERY_MS").number(1..=60_000_u32).or(1000),
            edge: EdgeConfig::read(env),
            demo: DemoConfig::read(env),
        }
    }

    /// What of it is exchanged while the process runs.
    pub(crate) fn credentials(&self) -> Vec<(Credential, Secrets)> {
        vec![
            (Credential::TwilioAuthToken, self.twilio_auth_tokens.clone()),
            (Credential::StripeWebhookSecret, self.stripe_webhook_secrets.clone()),
        ]
    }

    /// Whether the outside reaches it by https only.
    pub fn is_https(&self) -> bool {
        self.public_base_url.starts_with("https://")
    }

    /// Whether its public address is this machine's: dev and tests, and nobody's production.
    pub(crate) fn is_of_this_machine(&self) -> bool {
        is_here(&self.public_base_url)
    }
}

impl DemoConfig {
    fn read(env: &Env<'_>) -> DemoConfig {
        DemoConfig {
            lifetime: HOUR * env.var("DEMO_TENANT_LIFETIME_HOURS").number(1..=24 * 365).or(72),
            region: env
                .var("DEMO_PHONE_REGION")
                .parse("a region that is served, such as AT")
                .or(Region::AT),
            per_ip_max: env.var("DEMO_RATE_LIMIT_PER_IP").number(1..=1_000_000).or(3),
            per_phone_max: env.var("DEMO_RATE_LIMIT_PER_PHONE").number(1..=1_000_000).or(3),
            window: HOUR * env.var("DEMO_RATE_LIMIT_WINDOW_HOURS").number(1..=24 * 30).or(1),
        }
    }
}

fn twilio_auth_tokens(env: &Env<'_>) -> Vec<SecretString> {
    if env.is_set("TWILIO_ACCOUNT_SID") && !env.is_set("TWILIO_AUTH_TOKEN") {
        env.mistake("TWILIO_AUTH_TOKEN", "is not set, though TWILIO_ACCOUNT_SID is");
    }
    pair(env, "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS")
}

/// A secret, and the one before it while it is being exchanged.
fn pair(env: &Env<'_>, name: &'static str, previous: &'static str) -> Vec<SecretString> {
    if env.is_set(previous) && !env.is_set(name) {
        env.mistake(name, format!("is not set, though {previous} is"));
    }
    let secret = |name| env.var(name).secret(KEY_CHARS_MIN).optional();
    secret(name).into_iter().chain(secret(previous)).collect()
}

/// Switching the check off is for a machine that nobody else reaches.
fn twilio_validate_signature(env: &Env<'_>, public_base_url: &str) -> bool {
    let validate = env.var("TWILIO_VALIDATE_SIGNATURE").flag().or(true);
    if !validate && !is_here(public_base_url) {
        let what = "must not be 0 where the public address is not this machine's";
        env.mistake("TWILIO_VALIDATE_SIGNATURE", what);
    }
    validate
}

/// Whether an address is this machine's, so that nobody else reaches it.
fn is_here(url: &str) -> bool {
    url_host(url).is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// The host of an address, an IPv6 one in its brackets.
fn url_host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    let end = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    Some(&authority[..end.unwrap_or(authority.len())])
}

fn pepper(env: &Env<'_>) -> Pepper {
    let secret = env.var("TRUNKLINE_PEPPER").secret(Pepper::BYTES_MIN).required();
    // What is too short was reported already; the placeholder never leaves `Env::finish`.
    Pepper::new(secret).unwrap_or_else(|_| {
        Pepper::new("0".repeat(Pepper::BYTES_MIN).into())
            .expect("it has as many bytes as are asked for")
    })
}

/// Networks, or single addresses.
fn trusted_proxies(env: &Env<'_>) -> Vec<IpNet> {
    let words = env.var("TRUNKLINE_TRUSTED_PROXIES").list().or_default();
    let network = |word: &String| {
        let net = word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from));
        if net.is_none() {
            env.mistake(
                "TRUNKLINE_TRUSTED_PROXIES",
                format!("must be networks such as 10.0.0.0/8, not {word:?}"),
            );
        }
        net
    };
    words.iter().filter_map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: &[(&str, &str)] = &[
        ("API_BASE_URL", "https://api.example.com/"),
        ("ADMIN_API_KEY", "0123456789abcdef"),
        ("TRUNKLINE_PEPPER", "0123456789abcdef0123456789abcdef"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, String> {
        let pairs: Vec<_> = more.iter().chain(ENOUGH).collect();
        let env =
            Env::new(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
        let config = Config::read(&env);
        env.finish(config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn without_more_the_defaults_are_those_of_the_product() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.login_url, "https://api.example.com/login");
        assert_eq!(config.demo.lifetime, 72 * HOUR);
        assert_eq!(
            (config.demo.per_ip_max, config.demo.per_phone_max, config.demo.window),
            (3, 3, HOUR)
        );
        assert_eq!(config.edge.per_minute_max, 100);
        assert!(config.edge.hosts.is_empty() && config.edge.cors_origins.is_empty());
        assert!(config.is_https() && config.trusted_proxies.is_empty() && !config.try_kinds);
    }

    #[test]
    fn every_mistake_is_told_at_once_and_none_shows_a_secret() {
        let mistakes = read(&[
            ("ADMIN_API_KEY", "hunter2"),
            ("TRUNKLINE_PEPPER", "hunter3"),
            ("DEMO_PHONE_REGION", "XX"),
            ("TRUNKLINE_TRUSTED_PROXIES", "127.0.0.1, ::1, 10.0.0.0/8, elsewhere"),
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TRUNKLINE_TRUSTED_HOSTS", "api.example.com, https://api.example.com"),
            ("TRUNKLINE_CORS_ORIGINS", "https://app.example.com, *"),
        ])
        .unwrap_err();
        assert_eq!(mistakes.lines().count(), 8, "{mistakes}");
        assert!(!mistakes.contains("hunter"), "{mistakes}");
    }

    #[test]
    fn both_tokens_of_a_rotation_are_kept_in_order() {
        let config = read(&[
            ("TWILIO_AUTH_TOKEN", "0123456789abcdef"),
            ("TWILIO_AUTH_TOKEN_PREVIOUS", "fedcba9876543210"),
        ]);
        assert_eq!(config.unwrap().twilio_auth_tokens.all().len(), 2);
        let shared = ("TWILIO_WEBHOOK_AUTH_TOKEN", "0123456789abcdef");
        let before = ("TWILIO_WEBHOOK_AUTH_TOKEN_PREVIOUS", "fedcba9876543210");
        assert_eq!(read(&[shared, before]).unwrap().twilio_webhook_tokens.len(), 2);
        assert!(read(&[before]).is_err());
    }

    #[test]
    fn signatures_are_asked_for_unless_nobody_else_can_come() {
        let off = ("TWILIO_VALIDATE_SIGNATURE", "0");
        assert!(read(&[]).unwrap().twilio_validate_signature);
        assert!(read(&[off]).unwrap_err().contains("TWILIO_VALIDATE_SIGNATURE"));
        for here in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/x"] {
            let config = read(&[off, ("PUBLIC_BASE_URL", here)]).unwrap();
            assert!(!config.twilio_validate_signature, "{here}");
        }
        for there in ["http://127.0.0.1.example.com", "https://localhost.example.com:1"] {
            assert!(read(&[off, ("PUBLIC_BASE_URL", there)]).is_err(), "{there}");
        }
    }
}
