//! What a person, or a script, is told when everything is ready. Scripts rely on the shape of the line.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{environment::Environment, postgres::Database};
use crate::args::DevArgs;

/// The line of `trunkline dev --json`. A part that is not built yet is null.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DevReady {
    pub(crate) ready: bool,
    pub(crate) api: String,
    pub(crate) voice: Option<String>,
    pub(crate) console: Option<String>,
    pub(crate) metrics: Vec<String>,
    pub(crate) sandbox: Sandboxes,
    pub(crate) database_url: String,
    pub(crate) public_base_url: String,
    pub(crate) admin_api_key: String,
    pub(crate) cron_secret: String,
    pub(crate) twilio: Twilio,
    pub(crate) stripe: Option<Stripe>,
    pub(crate) binary: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) pids: Pids,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sandboxes {
    pub(crate) twilio: String,
    pub(crate) stripe: Option<String>,
    pub(crate) openai: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Twilio {
    pub(crate) account_sid: String,
    pub(crate) auth_token: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stripe {
    pub(crate) secret_key: String,
    pub(crate) webhook_secret: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pids {
    pub(crate) postgres: Option<u32>,
    pub(crate) trunkline: u32,
}

/// An address to which paths can be added.
fn base(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// Where the line of a running instance is kept, for `trunkline demo`.
pub(crate) fn file(home: &Path) -> PathBuf {
    home.join("dev.json")
}

impl DevReady {
    pub(crate) fn new(
        environment: &Environment,
        database: &Database,
        sandboxes: &super::sandboxes::Sandboxes,
        voice: Option<String>,
        public_base_url: String,
        api: std::net::SocketAddr,
    ) -> anyhow::Result<DevReady> {
        let api = format!("http://{api}");
        Ok(DevReady {
            ready: true,
            voice,
            console: Some(format!("{api}/console")),
            metrics: vec![format!("{api}/metrics")],
            api,
            sandbox: Sandboxes {
                twilio: base(sandboxes.twilio.base_url().as_str()),
                stripe: Some(base(sandboxes.stripe.base_url().as_str())),
                openai: Some(base(sandboxes.openai.base_url().as_str())),
            },
            database_url: environment.get("DATABASE_URL").to_owned(),
            public_base_url,
            admin_api_key: environment.get("ADMIN_API_KEY").to_owned(),
            cron_secret: environment.get("CRON_SECRET").to_owned(),
            twilio: Twilio {
                account_sid: environment.get("TWILIO_ACCOUNT_SID").to_owned(),
                auth_token: environment.get("TWILIO_AUTH_TOKEN").to_owned(),
            },
            stripe: Some(Stripe {
                secret_key: environment.get("STRIPE_SECRET_KEY").to_owned(),
                webhook_secret: environment.get("STRIPE_WEBHOOK_SECRET").to_owned(),
            }),
            binary: std::env::current_exe()?,
            env: environment.variables().clone(),
            pids: Pids { postgres: database.pid(), trunkline: std::process::id() },
        })
    }

    /// Leaves the line where `trunkline demo` finds it. Holds keys, so only the owner may read it.
    pub(crate) fn keep(&self, home: &Path) -> anyhow::Result<()> {
        let path = file(home);
        let _ = fs::remove_file(&path);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        Ok(file.write_all(&serde_json::to_vec(self)?)?)
    }

    /// Takes it away again, unless another instance has put its own there.
    pub(crate) fn forget(&self, home: &Path) {
        let path = file(home);
        let ours = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<DevReady>(&bytes).ok())
            .is_some_and(|there| there.pids.trunkline == self.pids.trunkline);
        if ours {
            let _ = fs::remove_file(path);
        }
    }

    /// The banner, on stderr like everything that is for people.
    pub(crate) fn show(&self, options: &DevArgs, database: &Database) {
        let binary = self.binary.display();
        let home = options.home.display();
        eprintln!();
        eprintln!("  Trunkline is ready. NOT FOR PRODUCTION: keys are kept in {home}.");
        eprintln!();
        eprintln!("  API        {}", self.api);
        if let Some(console) = &self.console {
            eprintln!("  console    {console}   (log in with the admin key)");
        }
        eprintln!("  admin key  {}", self.admin_api_key);
        eprintln!("  phone      {}   (text messages that were sent)", self.sandbox.twilio);
        eprintln!("  metrics    {}", self.metrics.join(" "));
        eprintln!("  database   {}", database.describe());
        if options.no_workers {
            eprintln!("  workers    none: start some with the variables of --json");
        }
        eprintln!();
        eprintln!("  see the main job at work:   {binary} demo --home {home}");
        eprintln!("  call and be answered:       {binary} call --home {home}");
        eprintln!(
            "  list jobs:                  curl -H 'Authorization: Bearer {}' {}/v1/admin/jobs",
            self.admin_api_key, self.api
        );
        eprintln!();
        eprintln!(
            "  Ctrl-C finishes what is in hand and stops everything; a second one stops at once."
        );
        eprintln!();
    }
}
