//! `trunkline webhook`: what providers are told, and what they would post. A signed request can be played with curl, so
//! nobody has to turn a signature off to try a route.

mod curl; // a request as a command for a shell
mod sign; // what a provider would post
mod urls; // what providers are told

use std::{
    io::{Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use daemon::config::Env;
use secrecy::SecretString;
use url::{Url, form_urlencoded};
use workers::config;

use self::sign::Signed;
use crate::args::{Provider, SignArgs, WebhookCommand};

/// More is no webhook: an event of Stripe's is below a megabyte.
const BODY_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) fn run(command: &WebhookCommand) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let text = match command {
        WebhookCommand::Sign(options) => {
            let signed = signed(env, options)?;
            if options.json { serde_json::to_string(&signed)? } else { curl::command(&signed) }
        }
        WebhookCommand::Urls(options) => urls::print(env, options)?,
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

fn signed(env: Env<'_>, options: &SignArgs) -> anyhow::Result<Signed> {
    let SignArgs { provider, url, form, body, at, .. } = options;
    let secret: SecretString = match provider {
        Provider::Twilio => env.var("TWILIO_AUTH_TOKEN").secret(1).required(),
        Provider::Stripe => env.var("STRIPE_WEBHOOK_SECRET").secret(1).required(),
    };
    let url = address(&env, *provider, url);
    let secret = env.finish(secret)?;
    let url = url.context("the address is neither a path nor a URL")?;
    match (provider, body) {
        (Provider::Twilio, None) => Ok(Signed::form(&url, pairs(form)?, &secret)),
        (Provider::Twilio, Some(path)) => Ok(Signed::json(&url, read(path)?, &secret)),
        (Provider::Stripe, Some(path)) => {
            let at = match at {
                Some(secs) => DateTime::from_timestamp(*secs, 0).context("--at is no instant")?,
                None => now(),
            };
            Ok(Signed::event(&url, read(path)?, at, &secret))
        }
        (Provider::Stripe, None) => bail!("Stripe posts a body: name its file with --body"),
    }
}

/// The address as the provider was told it: a path is one of ours.
fn address(env: &Env<'_>, provider: Provider, text: &str) -> Option<Url> {
    if !text.starts_with('/') {
        return Url::parse(text).ok();
    }
    let token = match provider {
        Provider::Twilio => config::webhook_token(env),
        Provider::Stripe => None,
    };
    let base = config::public_base_url(env)?;
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let mut url = workflows::address(&base, token.as_ref(), path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(form_urlencoded::parse(query.as_bytes()));
    }
    Some(url)
}

/// `NAME=VALUE`, each.
fn pairs(form: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let pair = text.split_once('=');
        pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .with_context(|| format!("{text}: a field is NAME=VALUE"))
    };
    form.iter().map(pair).collect()
}

/// A file, or with `-` what comes on stdin.
fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let file: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| path.display().to_string())?)
    };
    file.take(BODY_BYTES_MAX + 1).read_to_string(&mut text).context("the body")?;
    if text.len() as u64 > BODY_BYTES_MAX {
        bail!("the body is larger than any webhook");
    }
    Ok(text)
}

#[expect(
    clippy::disallowed_methods,
    reason = "Stripe signs at its own time, and so does who plays it"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
