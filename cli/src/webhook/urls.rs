//! What providers are told: every address of ours that one of them posts to, and where it is entered.

use daemon::config::Env;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use workers::config;

use crate::args::UrlsArgs;

/// Instead of the word that addresses carry.
const HIDDEN: &str = "…";

/// One line of it.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Told {
    provider: &'static str,
    /// Where it is entered.
    setting: &'static str,
    url: String,
    /// Who enters it.
    by: &'static str,
}

/// The addresses, as lines for a person or as one of JSON.
pub(super) fn print(env: Env<'_>, options: &UrlsArgs) -> anyhow::Result<String> {
    let base = config::public_base_url(&env);
    let word = config::webhook_token(&env);
    let word = word.map(|word| if options.show_token { word } else { HIDDEN.into() });
    let told = base
        .map(|base| all(&base, word.as_ref(), &config::number_urls(&env, &base, word.as_ref())));
    let told = env.finish(told)?.unwrap_or_default();
    if options.json {
        return Ok(serde_json::to_string(&told)?);
    }
    let line = |it: &Told| format!("{:<7} {:<28} {}  ({})", it.provider, it.setting, it.url, it.by);
    Ok(told.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn all(
    base: &Url,
    word: Option<&SecretString>,
    numbers: &clients::twilio::NumberUrls,
) -> Vec<Told> {
    let told = |provider, setting, url: String, by| Told { provider, setting, url, by };
    // In a URL the hidden word is spelled in percent signs; for people it is a dot.
    let shown = |url: &Url| url.as_str().replace("%E2%80%A6", HIDDEN);
    let messages = workflows::address(base, word, "/telephony/sms-status");
    let recordings = workflows::address(base, word, "/telephony/recording");
    let stripe = base.join("/webhooks/stripe").map(String::from).unwrap_or_default();
    let synced = "set by the job sync_number_webhooks";
    let asked = "sent with each request";
    vec![
        told("twilio", "number: voice, POST", shown(&numbers.voice), synced),
        told("twilio", "number: call status, POST", shown(&numbers.status), synced),
        told("twilio", "number: messaging, POST", shown(&numbers.sms), synced),
        told("twilio", "message: status callback", shown(&messages), asked),
        told("twilio", "recording: status callback", shown(&recordings), asked),
        told("stripe", "webhook endpoint", stripe, "enter it: customer.subscription.*, invoice.*"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_shown_only_when_it_is_asked_for() {
        let env = || {
            Env::new(|name| match name {
                "PUBLIC_BASE_URL" => Some("https://api.example.com".to_owned()),
                "TWILIO_WEBHOOK_AUTH_TOKEN" => Some("a-word-that-is-long".to_owned()),
                "TWILIO_VOICE_WEBHOOK_PATH" => Some("/voice".to_owned()),
                _ => None,
            })
        };
        let hidden = print(env(), &UrlsArgs { show_token: false, json: false }).unwrap();
        assert!(!hidden.contains("a-word"), "{hidden}");
        assert!(hidden.contains("https://api.example.com/voice?webhook_token=…"), "{hidden}");
        assert!(hidden.contains("https://api.example.com/webhooks/stripe  ("), "{hidden}");
        let shown = print(env(), &UrlsArgs { show_token: true, json: true }).unwrap();
        assert!(shown.contains("/telephony/sms?webhook_token=a-word-that-is-long\""), "{shown}");
    }
}
