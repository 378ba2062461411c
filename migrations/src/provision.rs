//! Roles and an empty database, made by a superuser: what a DBA does once in production, and dev and tests
//! every day.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use url::Url;

use crate::{
    Error,
    connection::{STATEMENT, close, open, options, run, within},
    lock::{self, Lock},
    name,
};

/// The role that owns the database and migrates it.
pub const OWNER_ROLE: &str = "trunkline_owner";
/// The role that the application uses. It owns nothing, and row-level security binds it.
pub const APP_ROLE: &str = "trunkline_app";
/// The role of autoscalers, which may ask how much there is to do and nothing else. It has no password until a DBA gives it one.
const METRICS_ROLE: &str = "trunkline_metrics";

/// Provisioning takes a second.
const LOCK: Duration = Duration::from_mins(1);

/// The passwords of the two roles.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Of [`OWNER_ROLE`].
    pub owner: SecretString,
    /// Of [`APP_ROLE`].
    pub app: SecretString,
}

impl Passwords {
    /// Made from the superuser's URL, so that all processes of a test run agree without talking to each other.
    pub fn derived(superuser_url: &SecretString) -> Result<Self, Error> {
        let secret = parse(superuser_url)?.password().unwrap_or_default().to_owned();
        let derive =
            |role: &str| hex::encode(&Sha256::digest(format!("{role}:{secret}"))[..16]).into();
        Ok(Self { owner: derive(OWNER_ROLE), app: derive(APP_ROLE) })
    }
}

/// How the two roles reach a database.
#[derive(Debug, Clone)]
pub struct Urls {
    /// For migrating (`DATABASE_DIRECT_URL`).
    pub owner: SecretString,
    /// For everything else (`DATABASE_URL`).
    pub app: SecretString,
}

/// Makes the roles and the database where they are missing, and sets the passwords. May run at once in several
/// processes, and again at any time.
pub async fn provision(
    superuser_url: &SecretString,
    database: &str,
    passwords: &Passwords,
) -> Result<Urls, Error> {
    let mut connection = open(&options(superuser_url)?).await?;
    let done = provision_on(&mut connection, database, passwords).await;
    close(connection).await;
    done.and_then(|()| urls(superuser_url, database, passwords))
}

/// The URLs of a database on the superuser's server, whether it exists or not.
pub fn urls(
    superuser_url: &SecretString,
    database: &str,
    passwords: &Passwords,
) -> Result<Urls, Error> {
    let with = |role: &str, password: &SecretString| {
        let mut url = parse(superuser_url)?;
        url.set_username(role)
            .and_then(|()| url.set_password(Some(password.expose_secret())))
            .map_err(|()| Error::Url)?;
        url.set_path(database);
        Ok(SecretString::from(String::from(url)))
    };
    name::ident(database)?;
    Ok(Urls { owner: with(OWNER_ROLE, &passwords.owner)?, app: with(APP_ROLE, &passwords.app)? })
}

async fn provision_on(
    connection: &mut PgConnection,
    database: &str,
    passwords: &Passwords,
) -> Result<(), Error> {
    lock::hold(connection, Lock::Provision, LOCK).await?;
    let quiet = "set log_min_error_statement = panic".to_owned();
    run(connection, "keep passwords out of the server's log", quiet).await?;
    role(connection, OWNER_ROLE, &passwords.owner).await?;
    role(connection, APP_ROLE, &passwords.app).await?;
    if !role_exists(connection, METRICS_ROLE).await? {
        let create = format!(
            "create role {METRICS_ROLE} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication connection limit 5"
        );
        run(connection, "create the role of autoscalers", create).await?;
    }
    // So that it can say who holds a transaction open. It tells the application nothing else of what it sees.
    let grant = format!("grant pg_read_all_stats to {OWNER_ROLE}");
    run(connection, "let the owner see sessions", grant).await?;
    if !database_exists(connection, database).await? {
        let ident = name::ident(database)?;
        // Not from template1: a person who looks around in it would be in the way.
        let create = format!("create database {ident} template template0 owner {OWNER_ROLE}");
        run(connection, "create the database", create).await?;
    }
    admit(connection, database).await
}

/// Makes a role, or makes it what it should be.
async fn role(
    connection: &mut PgConnection,
    role: &str,
    password: &SecretString,
) -> Result<(), Error> {
    let verb = if role_exists(connection, role).await? { "alter" } else { "create" };
    let password = name::text(password.expose_secret());
    let statement = format!(
        "{verb} role {} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication password{password}",
        name::ident(role)?
    );
    run(connection, &format!("{verb} the role {role}"), statement).await
}

async fn role_exists(connection: &mut PgConnection, role: &str) -> Result<bool, Error> {
    let asked = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)");
    within("look for the role", STATEMENT, asked.bind(role).fetch_one(connection)).await
}

pub(crate) async fn database_exists(
    connection: &mut PgConnection,
    database: &str,
) -> Result<bool, Error> {
    let asked = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
    within("look for the database", STATEMENT, asked.bind(database).fetch_one(connection)).await
}

/// Lets the application in, and whoever asks for work, and nobody else. Not part of what a copy inherits from its template.
pub(crate) async fn admit(connection: &mut PgConnection, database: &str) -> Result<(), Error> {
    let database = name::ident(database)?;
    let statement = format!(
        "revoke all on database {database} from public; \
         grant connect, temporary on database {database} to {APP_ROLE}; \
         grant connect on database {database} to {METRICS_ROLE}"
    );
    run(connection, "admit the application's role", statement).await
}

fn parse(url: &SecretString) -> Result<Url, Error> {
    Url::parse(url.expose_secret()).map_err(|_| Error::Url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_differ_from_the_superusers_in_role_password_and_database_only() {
        let superuser = "postgres://postgres:s3@127.0.0.1:5433/postgres?sslmode=disable".into();
        let passwords = Passwords { owner: "o/1".into(), app: "a".into() };
        let urls = urls(&superuser, "t1", &passwords).unwrap();
        let app = "postgres://trunkline_app:a@127.0.0.1:5433/t1?sslmode=disable";
        assert_eq!(urls.app.expose_secret(), app);
        assert!(urls.owner.expose_secret().starts_with("postgres://trunkline_owner:o%2F1@"));
        assert!(!format!("{urls:?}").contains("5433"));
    }

    #[test]
    fn two_processes_derive_the_same_passwords() {
        let url = "postgres://postgres:s3@127.0.0.1:5433/postgres".into();
        let (one, two) = (Passwords::derived(&url).unwrap(), Passwords::derived(&url).unwrap());
        assert_eq!(one.app.expose_secret(), two.app.expose_secret());
        assert_ne!(one.app.expose_secret(), one.owner.expose_secret());
    }
}
