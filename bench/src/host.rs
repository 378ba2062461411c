//! Which Postgres is measured: one of its own that is gone afterwards, or the one that the caller names.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use daemon::postgres::{Options, Profile, Search, Server};
use migrations::{Passwords, Urls};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};

/// The server of a run.
pub struct Host {
    url: SecretString,
    settings: Settings,
    server: Option<Server>,
}

/// What makes figures comparable, as the server itself says.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Settings {
    /// `server_version`.
    pub version: String,
    /// Must be `on`: without it nothing that is measured is durable.
    pub fsync: String,
    /// Must be `on`, for the same reason.
    pub synchronous_commit: String,
    /// `shared_buffers`.
    pub shared_buffers: String,
}

impl Host {
    /// Starts a throwaway server in this folder. Blocks: to be called before the runtime starts.
    pub fn throwaway(home: PathBuf, search: Search) -> anyhow::Result<Server> {
        let options =
            Options { profile: Profile::Bench, ephemeral: true, ..Options::dev(home, search) };
        Server::start(&options).context("the throwaway Postgres did not start")
    }

    /// A database on a throwaway server.
    pub async fn on(server: Server) -> anyhow::Result<Host> {
        let superuser = server.running().superuser_url.clone();
        let passwords = Passwords::derived(&superuser)?;
        let Urls { owner, app } =
            migrations::provision(&superuser, "trunkline_bench", &passwords).await?;
        migrations::migrate(&owner).await?;
        let settings = settings(&app).await?;
        Ok(Host { url: app, settings, server: Some(server) })
    }

    /// The caller's own database, migrated already. Its jobs stay; what is measured is added to them.
    pub async fn at(url: SecretString) -> anyhow::Result<Host> {
        let settings = settings(&url).await?;
        Ok(Host { url, settings, server: None })
    }

    /// Whether it goes when this value does. Elsewhere is work of others, for which a benchmark has no secrets.
    pub fn is_throwaway(&self) -> bool {
        self.server.is_some()
    }

    /// How to reach it.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// How it is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Stops the server, if it is ours. Blocks.
    pub fn stop(self) {
        if let Some(server) = self.server {
            server.stop();
        }
    }

    /// A connection for looking, and for the floor.
    pub(crate) async fn connection(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.url.expose_secret()).await?)
    }
}

/// Asserts that what is measured is durable.
async fn settings(url: &SecretString) -> anyhow::Result<Settings> {
    let mut conn = PgConnection::connect(url.expose_secret()).await.context("no connection")?;
    let mut setting = async |name: &str| {
        sqlx::query_scalar::<_, String>("select current_setting($1)")
            .bind(name)
            .fetch_one(&mut conn)
            .await
    };
    let settings = Settings {
        version: setting("server_version").await?,
        fsync: setting("fsync").await?,
        synchronous_commit: setting("synchronous_commit").await?,
        shared_buffers: setting("shared_buffers").await?,
    };
    ensure!(settings.fsync == "on", "fsync is {}: nothing would be durable", settings.fsync);
    ensure!(
        settings.synchronous_commit == "on",
        "synchronous_commit is {}: commits would not be durable",
        settings.synchronous_commit
    );
    Ok(settings)
}
