//! The server, set as `trunkline bench` sets its own, and a fresh database for each run.

use std::path::Path;

use anyhow::{Context, ensure};
use daemon::{
    config::Env,
    postgres::{Options, Profile, Search, Server},
};
use migrations::{Passwords, Urls};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, NoTls};

/// The database of whose turn it is.
const DATABASE: &str = "contestant";

/// Starts it, for as long as this process lives. Blocks.
pub(crate) fn start(home: &Path) -> anyhow::Result<Server> {
    let env = Env::of_process();
    let search = Search::read(&env);
    env.finish(())?;
    let home = home.to_owned();
    let options =
        Options { profile: Profile::Bench, ephemeral: true, ..Options::dev(home, search) };
    Server::start(&options).context("the throwaway Postgres did not start")
}

/// The server, seen by its superuser.
pub(crate) struct Host {
    superuser: SecretString,
    client: Client,
    settings: String,
}

impl Host {
    pub(crate) async fn on(server: &Server) -> anyhow::Result<Host> {
        let superuser = server.running().superuser_url.clone();
        let (client, connection) =
            tokio_postgres::connect(superuser.expose_secret(), NoTls).await?;
        // An end of the connection shows in the next statement.
        drop(tokio::spawn(connection));
        let settings = settings(&client).await?;
        eprintln!("{settings}");
        Ok(Host { superuser, client, settings })
    }

    /// What makes figures comparable, in one line.
    pub(crate) fn settings(&self) -> &str {
        &self.settings
    }

    /// An empty database for a peer, as its superuser: some make extensions.
    pub(crate) async fn create(&self) -> anyhow::Result<String> {
        self.client.batch_execute(&format!("create database {DATABASE}")).await?;
        let url = self.superuser.expose_secret();
        let server = url.rsplit_once('/').context("a URL names its database")?.0;
        Ok(format!("{server}/{DATABASE}"))
    }

    /// An empty database for ours, with its two roles.
    pub(crate) async fn provision(&self) -> anyhow::Result<Urls> {
        let passwords = Passwords::derived(&self.superuser)?;
        Ok(migrations::provision(&self.superuser, DATABASE, &passwords).await?)
    }

    /// Whoever still holds it is sent away.
    pub(crate) async fn drop_database(&self) -> anyhow::Result<()> {
        let sql = format!("drop database if exists {DATABASE} with (force)");
        Ok(self.client.batch_execute(&sql).await?)
    }
}

/// Asserts that what is measured is durable.
async fn settings(client: &Client) -> anyhow::Result<String> {
    let mut said = String::new();
    for name in
        ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"]
    {
        let value: String = client.query_one("select current_setting($1)", &[&name]).await?.get(0);
        let must = ["fsync", "synchronous_commit", "full_page_writes"].contains(&name);
        ensure!(!must || value == "on", "{name} is {value}: nothing would be durable");
        if !said.is_empty() {
            said.push_str(", ");
        }
        said.push_str(&format!("{name} {value}"));
    }
    Ok(said)
}
