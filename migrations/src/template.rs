//! A migrated database that tests copy: 0.1 s each instead of a whole history.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::{
    Error, Passwords, Urls,
    connection::{STATEMENT, close, open, options, run, within},
    lock::{self, Lock},
    migrate, name, provision,
    provision::{OWNER_ROLE, admit},
};

/// Making the template takes seconds; the others of the run wait.
const LOCK: Duration = Duration::from_mins(2);

/// How long a copy waits for somebody who looks into the template.
const BUSY: Duration = Duration::from_secs(30);

/// Named by the content of all migrations, so that a changed history never meets an old template.
pub fn template_name() -> String {
    let mut hash = Sha256::new();
    migrate::checksums().for_each(|sum| hash.update(sum));
    format!("trunkline_template_{}", hex::encode(&hash.finalize()[..4]))
}

/// Makes the template if it is missing, and gives its name. May run at once in several processes.
pub async fn template(
    superuser_url: &SecretString,
    passwords: &Passwords,
) -> Result<String, Error> {
    let name = template_name();
    let mut connection = open(&options(superuser_url)?).await?;
    let done = template_on(&mut connection, superuser_url, &name, passwords).await;
    close(connection).await;
    done.map(|()| name)
}

async fn template_on(
    connection: &mut PgConnection,
    superuser_url: &SecretString,
    database: &str,
    passwords: &Passwords,
) -> Result<(), Error> {
    if is_finished(connection, database).await? {
        return Ok(());
    }
    lock::hold(connection, Lock::Template, LOCK).await?;
    if is_finished(connection, database).await? {
        return Ok(());
    }
    let ident = name::ident(database)?;
    let leftover = format!("drop database if exists {ident} with (force)");
    run(connection, "drop an unfinished template", leftover).await?;
    let urls = provision(superuser_url, database, passwords).await?;
    migrate::migrate(&urls.owner).await?;
    let close = format!("alter database {ident} allow_connections false");
    run(connection, "close the template", close).await
}

/// A finished template takes no connections. Its name alone could mean that somebody was killed half-way.
async fn is_finished(connection: &mut PgConnection, database: &str) -> Result<bool, Error> {
    let asked = sqlx::query_scalar(
        "select exists (select from pg_database where datname = $1 and not datallowconn)",
    );
    within("look for the template", STATEMENT, asked.bind(database).fetch_one(connection)).await
}

/// Copies a template. Fails when the new name is taken.
pub async fn clone_database(
    superuser_url: &SecretString,
    template: &str,
    database: &str,
    passwords: &Passwords,
) -> Result<Urls, Error> {
    let mut connection = open(&options(superuser_url)?).await?;
    let done = clone_on(&mut connection, template, database).await;
    close(connection).await;
    done.and_then(|()| provision::urls(superuser_url, database, passwords))
}

async fn clone_on(
    connection: &mut PgConnection,
    template: &str,
    database: &str,
) -> Result<(), Error> {
    let (from, to) = (name::ident(template)?, name::ident(database)?);
    let deadline = Instant::now() + BUSY;
    loop {
        let copy = format!("create database {to} template {from} owner {OWNER_ROLE}");
        match run(connection, "copy the template", copy).await {
            // The server itself waits some seconds for the template to be left before it says so.
            Err(error) if is_in_use(&error) && Instant::now() < deadline => {}
            Err(error) => return Err(error),
            Ok(()) => return admit(connection, database).await,
        }
    }
}

/// 55006, `object_in_use`: somebody is connected to the template.
fn is_in_use(error: &Error) -> bool {
    if let Error::Statement { source: sqlx::Error::Database(answer), .. } = error {
        answer.code().as_deref() == Some("55006")
    } else {
        false
    }
}

/// Drops a database, with everybody in it. No error when it is not there.
pub async fn drop_database(superuser_url: &SecretString, database: &str) -> Result<(), Error> {
    let mut connection = open(&options(superuser_url)?).await?;
    let statement = format!("drop database if exists {} with (force)", name::ident(database)?);
    let done = run(&mut connection, "drop the database", statement).await;
    close(connection).await;
    done
}
