//! What a voice worker is told besides what every worker is: read once, all mistakes reported at once.

use std::time::Duration;

use clients::{
    Secrets,
    openai::realtime::{self, Realtime},
};
use daemon::config::Env;
use domain::provider_credentials::Credential;
use url::Url;

/// Calls at once in one process, where nothing else is said. A gigabyte and a core bear more.
const SLOTS: u32 = 20;

/// Its voice cannot change during a call.
const VOICE: &str = "marin";

/// The current model; older ones have an end.
const MODEL: &str = "gpt-realtime-2.1";

/// The greeting hides so much of it.
const DIAL_WITHIN: Duration = Duration::from_secs(5);

/// A token with fewer letters is one that somebody made up.
const TOKEN_CHARS_MIN: usize = 16;

/// The configuration of a voice worker.
#[derive(Clone)]
pub struct VoiceConfig {
    /// Where the outside reaches this worker: `wss://host/voice/{worker}`.
    pub address: String,
    /// Calls at once.
    pub slots: usize,
    pub(super) realtime: Realtime,
    pub(super) speaks_as: String,
    pub(super) account_sid: Option<String>,
    pub(super) auth_tokens: Secrets,
    pub(super) validates: bool,
}

impl VoiceConfig {
    /// Reads `OPENAI_*`, `TWILIO_*` and `TRUNKLINE_VOICE_*`. `advertise` is what the command line says, `listen` where the
    /// process listens: without either address it is reached there, which is for one machine. What is wrong is noted in
    /// `env`; the result counts only if nothing was.
    pub fn read(env: &Env, advertise: Option<&str>, listen: &str) -> Option<VoiceConfig> {
        let setting = env.var("TRUNKLINE_VOICE_ADVERTISE").url(&["ws", "wss"]).optional();
        let address = advertise.map(ToOwned::to_owned).or(setting);
        let address =
            address.unwrap_or_else(|| format!("ws://{listen}/voice/w{}", std::process::id()));
        let address = address.trim_end_matches('/').to_owned();
        let is_good = Url::parse(&address).is_ok_and(|url| {
            matches!(url.scheme(), "ws" | "wss")
                && url.query().is_none()
                && of_worker(&url).is_some()
        });
        if !is_good {
            let what = "must be ws(s)://host/voice/NAME, NAME being this worker's";
            env.mistake("TRUNKLINE_VOICE_ADVERTISE", what);
        }
        let slots = env.var("TRUNKLINE_VOICE_SLOTS").number(1..=2_000_u32).or(SLOTS);
        let secret = |name| env.var(name).secret(TOKEN_CHARS_MIN).optional();
        let tokens = [secret("TWILIO_AUTH_TOKEN"), secret("TWILIO_AUTH_TOKEN_PREVIOUS")];
        let validates = env.var("TWILIO_VALIDATE_SIGNATURE").flag().or(true);
        let is_here = Url::parse(&address).is_ok_and(|url| is_loopback(&url));
        if !validates && !is_here {
            let what = "must not be 0 where the worker's address is not this machine's";
            env.mistake("TWILIO_VALIDATE_SIGNATURE", what);
        }
        let api_key = env.var("OPENAI_API_KEY").secret(1).required();
        let realtime = realtime::Config {
            url: Url::parse(
                &env.var("OPENAI_REALTIME_URL")
                    .url(&["ws", "wss"])
                    .or("wss://api.openai.com/v1/realtime".to_owned()),
            )
            .ok()?,
            api_key: api_key.into(),
            model: env.var("OPENAI_REALTIME_MODEL").text().or(MODEL.to_owned()),
            dial_timeout: env.var("OPENAI_REALTIME_DIAL_MS").millis(100..=30_000).or(DIAL_WITHIN),
        };
        let speaks_as = env.var("OPENAI_REALTIME_VOICE").text().or(VOICE.to_owned());
        let account_sid = env.var("TWILIO_ACCOUNT_SID").text().optional();
        let Ok(realtime) = Realtime::new(realtime) else {
            env.mistake(
                "OPENAI_REALTIME_URL",
                "cannot be reached: this machine has no certificates",
            );
            return None;
        };
        Some(VoiceConfig {
            address,
            slots: usize::try_from(slots).unwrap_or(1),
            realtime,
            speaks_as,
            account_sid,
            auth_tokens: Secrets::new(tokens.into_iter().flatten().collect()),
            validates,
        })
    }

    /// What of it is exchanged while the process runs.
    pub fn credentials(&self) -> Vec<(Credential, Secrets)> {
        vec![
            (Credential::TwilioAuthToken, self.auth_tokens.clone()),
            (Credential::OpenAiApiKey, self.realtime.api_key().clone()),
        ]
    }

    /// This worker's name in its address.
    pub fn name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }
}

/// `/voice/{worker}` is what the proxy in front routes by.
fn of_worker(url: &Url) -> Option<String> {
    let mut parts = url.path_segments()?;
    let (Some("voice"), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.len() <= 100 && name.chars().all(is_plain)).then(|| name.to_owned())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &[(&str, &str)], advertise: Option<&str>) -> Result<VoiceConfig, String> {
        let mut pairs = vec![("OPENAI_API_KEY", "key")];
        pairs.extend(more);
        let env =
            Env::new(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
        let config = VoiceConfig::read(&env, advertise, "127.0.0.1:7000");
        let config = env.finish(config).map_err(|mistakes| mistakes.to_string())?;
        config.ok_or_else(|| "none".to_owned())
    }

    #[test]
    fn a_worker_is_reached_where_it_is_told_or_where_it_listens() {
        let config = read(&[], None).unwrap();
        assert!(config.address.starts_with("ws://127.0.0.1:7000/voice/w"), "{}", config.address);
        let config = read(&[], Some("wss://voice.example.com/voice/w1/")).unwrap();
        assert_eq!(
            (config.address.as_str(), config.name()),
            ("wss://voice.example.com/voice/w1", "w1")
        );
    }

    #[test]
    fn an_address_that_no_proxy_could_route_is_a_mistake() {
        for bad in [
            "https://a.b/voice/w1",
            "wss://a.b",
            "wss://a.b/voice/",
            "wss://a.b/voice/w1?x=1",
            "wss://a.b/v/w1",
        ] {
            assert!(read(&[], Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn signatures_are_asked_for_unless_nobody_else_can_come() {
        let off = [("TWILIO_VALIDATE_SIGNATURE", "0")];
        assert!(!read(&off, None).unwrap().validates);
        assert!(read(&off, Some("wss://a.b/voice/w1")).is_err());
    }
}
