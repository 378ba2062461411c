//! The stand-ins for the providers, each on a port of its own.

use std::path::Path;

use daemon::lifecycle::Lifecycle;
use sandbox::{openai, stripe, twilio};
use secrecy::SecretString;
use tokio::net::TcpListener;
use url::Url;

use super::secrets::Secrets;

/// All of them.
pub(crate) struct Sandboxes {
    pub(crate) twilio: twilio::Handle,
    pub(crate) stripe: stripe::Handle,
    pub(crate) openai: openai::Handle,
}

impl Sandboxes {
    /// Starts them as tasks of the process. `api`: where webhooks go if nobody says otherwise.
    pub(super) async fn start(
        life: &mut Lifecycle,
        secrets: &Secrets,
        home: &Path,
        api: std::net::SocketAddr,
    ) -> anyhow::Result<Sandboxes> {
        Ok(Sandboxes {
            twilio: twilio(life, secrets, home, api).await?,
            stripe: stripe(life, secrets, api).await?,
            openai: openai(life, secrets).await?,
        })
    }
}

async fn twilio(
    life: &mut Lifecycle,
    secrets: &Secrets,
    home: &Path,
    api: std::net::SocketAddr,
) -> anyhow::Result<twilio::Handle> {
    let token = SecretString::from(secrets.twilio_auth_token.clone());
    let mut options = twilio::Options::new(secrets.twilio_account_sid.clone(), token);
    options.ledger = Some(home.join("sandbox-messages.jsonl"));
    options.inbound_url = Some(Url::parse(&format!("http://{api}/telephony/sms"))?);
    options.voice_url = Some(Url::parse(&format!("http://{api}/telephony/incoming"))?);
    options.status_url = Some(Url::parse(&format!("http://{api}/telephony/status"))?);
    let (handle, serving) =
        sandbox::Twilio::serve(any_port().await?, options, life.closing()).await?;
    life.support("sandbox", serving);
    Ok(handle)
}

/// It posts its events to the API.
async fn stripe(
    life: &mut Lifecycle,
    secrets: &Secrets,
    api: std::net::SocketAddr,
) -> anyhow::Result<stripe::Handle> {
    let mut options = stripe::Options::new(
        secrets.stripe_secret_key.clone(),
        secrets.stripe_webhook_secret.clone(),
    );
    options.webhook_url = Some(Url::parse(&format!("http://{api}/webhooks/stripe"))?);
    let (handle, serving) = sandbox::Stripe::serve(any_port().await?, options, life.closing())?;
    // What plans can be given as their prices.
    handle.put_price("price_starter", 4_900);
    handle.put_price("price_pro", 9_900);
    life.support("stripe sandbox", serving);
    Ok(handle)
}

async fn openai(life: &mut Lifecycle, secrets: &Secrets) -> anyhow::Result<openai::Handle> {
    let options = openai::Options::new(secrets.openai_api_key.clone());
    let (handle, serving) = sandbox::OpenAi::serve(any_port().await?, options, life.closing())?;
    life.support("sandbox-openai", serving);
    Ok(handle)
}

async fn any_port() -> std::io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0)).await
}
