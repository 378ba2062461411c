//! Keys of a dev instance. Kept beside its data: without them, what is sealed or hashed there could not be read again.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use rand::Rng;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) admin_api_key: String,
    pub(crate) cron_secret: String,
    pub(crate) seal_keys: String,
    pub(crate) pepper: String,
    pub(crate) twilio_account_sid: String,
    pub(crate) twilio_auth_token: String,
    /// Absent in a home that was made before there was a local Stripe.
    #[serde(default = "stripe_secret_key")]
    pub(crate) stripe_secret_key: String,
    #[serde(default = "stripe_webhook_secret")]
    pub(crate) stripe_webhook_secret: String,
    /// Absent in a home that was made before there was a local OpenAI.
    #[serde(default = "openai_api_key")]
    pub(crate) openai_api_key: String,
}

impl Secrets {
    /// Reads them, or makes them once.
    pub(crate) fn load_or_make(home: &Path) -> anyhow::Result<Secrets> {
        let path = home.join("secrets.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Secrets::make();
                let mut file =
                    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
                file.write_all(&serde_json::to_vec_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    fn make() -> Secrets {
        Secrets {
            admin_api_key: format!("dev_{}", hex::encode(random::<16>())),
            cron_secret: format!("cron_{}", hex::encode(random::<16>())),
            seal_keys: format!("dev:{}", BASE64_STANDARD.encode(random::<32>())),
            pepper: hex::encode(random::<32>()),
            twilio_account_sid: format!("AC{}", hex::encode(random::<16>())),
            twilio_auth_token: hex::encode(random::<16>()),
            stripe_secret_key: stripe_secret_key(),
            stripe_webhook_secret: stripe_webhook_secret(),
            openai_api_key: openai_api_key(),
        }
    }
}

fn stripe_secret_key() -> String {
    format!("sk_test_{}", hex::encode(random::<16>()))
}

fn stripe_webhook_secret() -> String {
    format!("whsec_{}", hex::encode(random::<16>()))
}

fn openai_api_key() -> String {
    format!("sk-dev-{}", hex::encode(random::<16>()))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
