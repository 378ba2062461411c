//! Which database `trunkline dev` uses: the one it is given, or a private one of its own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use daemon::{
    config::Env,
    postgres::{Options, Search, Server, ServerEnded},
};
use migrations::{Passwords, Urls};
use secrecy::SecretString;

use crate::args::DevArgs;

/// The database of the private server.
const DATABASE: &str = "trunkline";

pub(crate) enum Database {
    /// Ours, with its process.
    Private { server: Box<Server>, home: PathBuf, scratch: Option<Scratch> },
    /// `DATABASE_URL`.
    Given { url: SecretString, owner_url: SecretString, home: PathBuf },
}

/// A folder that is removed with its last user.
pub(crate) struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Database {
    /// Starts the private server, unless `DATABASE_URL` names another one.
    pub(crate) fn start(options: &DevArgs) -> anyhow::Result<Database> {
        const POSTGRES: &[&str] = &["postgres", "postgresql"];
        let env = Env::of_process();
        let given: Option<SecretString> = env.var("DATABASE_URL").secret_url(POSTGRES).optional();
        let owner: Option<SecretString> =
            env.var(["DATABASE_OWNER_URL", "DATABASE_DIRECT_URL"]).secret_url(POSTGRES).optional();
        let search = Search::read(&env);
        let (given, owner, search) = env.finish((given, owner, search))?;
        std::fs::create_dir_all(&options.home).context("the data directory cannot be made")?;
        let mut home = std::path::absolute(&options.home)?;
        let mut scratch = None;
        if options.ephemeral {
            home = home.join(format!("ephemeral-{}", std::process::id()));
            scratch = Some(Scratch(home.clone()));
        } else if options.fresh && given.is_none() {
            remove(&home.join("postgres"))?;
            remove(&home.join("secrets.json"))?;
            remove(&home.join("sandbox-messages.jsonl"))?;
        }
        std::fs::create_dir_all(&home)?;
        if let Some(url) = given {
            return Ok(Database::Given {
                owner_url: owner.unwrap_or_else(|| url.clone()),
                url,
                home,
            });
        }
        let mut server = Options::dev(home.join("postgres"), search);
        server.ephemeral = options.ephemeral;
        let server = Server::start(&server).context("the private Postgres did not start")?;
        Ok(Database::Private { server: Box::new(server), home, scratch })
    }

    /// Creates and migrates; says how to get in.
    pub(crate) async fn prepare(&self) -> anyhow::Result<Urls> {
        let urls = match self {
            Database::Private { server, .. } => {
                let superuser = &server.running().superuser_url;
                migrations::provision(superuser, DATABASE, &Passwords::derived(superuser)?).await?
            }
            Database::Given { url, owner_url, .. } => {
                Urls { owner: owner_url.clone(), app: url.clone() }
            }
        };
        let report = migrations::migrate(&urls.owner)
            .await
            .context("the database could not be brought up to date")?;
        if !report.applied.is_empty() {
            tracing::info!("{} migrations were applied", report.applied.len());
        }
        Ok(urls)
    }

    /// Where further files of this instance are kept.
    pub(crate) fn home(&self) -> &Path {
        match self {
            Database::Private { home, .. } | Database::Given { home, .. } => home,
        }
    }

    /// The private server's process.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Database::Private { server, .. } => Some(server.running().pid),
            Database::Given { .. } => None,
        }
    }

    /// What it is, for a person.
    pub(crate) fn describe(&self) -> String {
        match self {
            Database::Private { server, home, scratch } => {
                let kept = if scratch.is_some() { "removed at exit" } else { "kept" };
                format!("PostgreSQL {} in {} ({kept})", server.running().version, home.display())
            }
            Database::Given { .. } => "DATABASE_URL".to_owned(),
        }
    }

    /// Resolves when the private server ends by itself.
    pub(crate) fn ended(
        &self,
    ) -> Option<impl Future<Output = Result<(), ServerEnded>> + Send + 'static> {
        match self {
            Database::Private { server, .. } => Some(server.ended()),
            Database::Given { .. } => None,
        }
    }

    /// Stops the private server.
    pub(crate) fn stop(self) {
        if let Database::Private { server, .. } = self {
            server.stop();
        }
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
