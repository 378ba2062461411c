//! What a prospect does: signs up, reads the code on their phone, types it in.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};

use crate::dev::Ready;

/// How long a person would look at their phone.
const CODE_WITHIN: Duration = Duration::from_secs(30);

/// How often they look.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What happened, as the prospect saw it.
pub(crate) struct Played {
    pub(crate) tenant: String,
    pub(crate) sign_up: Duration,
    pub(crate) code_arrived: Duration,
    pub(crate) verify_to_access: Duration,
    pub(crate) access: Value,
}

/// Plays it.
pub(crate) async fn play(instance: &Ready) -> anyhow::Result<Played> {
    let http = clients::http::client(clients::http::REQUEST_TIMEOUT)?;
    let phone = format!("+43664{}", rand::rng().random_range(1_000_000..10_000_000));
    // As if from another address each time: the limit of three an hour for one address is real here too.
    let address = format!("198.51.100.{}", rand::rng().random_range(1..255));
    let began = Instant::now();
    let signed_up = answer(
        http.post(format!("{}/api/demo/create-tenant", instance.api))
            .header("x-forwarded-for", &address)
            .json(&json!({
                "companyName": "Baeckerei Huber",
                "contactEmail": format!("huber-{}@example.com", rand::rng().random_range(0..u64::MAX)),
                "contactPhone": phone,
                "firstName": "Anna",
                "lastName": "Huber",
                "industry": "Bakery",
                "useCase": "Orders by phone",
            })),
    )
    .await
    .context("the sign-up was not taken")?;
    let sign_up = began.elapsed();
    let tenant = text(&signed_up, "tenantId")?;
    let code = code(&http, instance, &phone).await?;
    let code_arrived = began.elapsed();
    let typed = Instant::now();
    let verified = answer(
        http.post(format!("{}/api/demo/verify-phone?wait=10s", instance.api))
            .json(&json!({ "tenantId": tenant, "code": code })),
    )
    .await
    .context("the code was not taken")?;
    let access = if verified.get("access").is_some() {
        verified
    } else {
        fetch_access(&http, instance, &tenant, &text(&verified, "accessToken")?).await?
    };
    Ok(Played { tenant, sign_up, code_arrived, verify_to_access: typed.elapsed(), access })
}

/// The code on the sandbox's phone.
async fn code(http: &Client, instance: &Ready, phone: &str) -> anyhow::Result<String> {
    let url = format!("{}/_sandbox/messages", instance.sandbox.twilio);
    let began = Instant::now();
    while began.elapsed() < CODE_WITHIN {
        let messages = answer(http.get(&url).query(&[("to", phone)])).await?;
        let body = messages.get(0).and_then(|message| message["body"].as_str()).unwrap_or_default();
        if let Some(code) = digits(body) {
            return Ok(code);
        }
        pause().await;
    }
    bail!("no text message came within {} s", CODE_WITHIN.as_secs())
}

/// The first six digits in a row.
fn digits(body: &str) -> Option<String> {
    body.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).map(ToOwned::to_owned)
}

async fn fetch_access(
    http: &Client,
    instance: &Ready,
    tenant: &str,
    token: &str,
) -> anyhow::Result<Value> {
    let status = format!("{}/api/demo/{tenant}/status", instance.api);
    let began = Instant::now();
    loop {
        let now = answer(http.get(&status)).await?;
        match now["status"].as_str() {
            Some("active") => break,
            Some("failed" | "expired") => bail!("the sign-up came to nothing: {now}"),
            _ if began.elapsed() > CODE_WITHIN => bail!("the demo is still not active: {now}"),
            _ => pause().await,
        }
    }
    answer(http.get(format!("{}/api/demo/{tenant}/access", instance.api)).bearer_auth(token)).await
}

/// The JSON of an answer of 2xx.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    if !status.is_success() {
        bail!("{status}: {body}");
    }
    serde_json::from_str(&body).context("the answer is no JSON")
}

fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    value[field]
        .as_str()
        .map(ToOwned::to_owned)
        .with_context(|| format!("the answer has no {field}"))
}

#[expect(clippy::disallowed_methods, reason = "a person looks at their phone now and then")]
async fn pause() {
    tokio::time::sleep(LOOK_EVERY).await;
}
