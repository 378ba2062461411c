//! One direct connection: not pooled, so that a session lock on it means something.

use std::{future::Future, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::Error;

/// What an ordinary statement may take; copying a database is the slowest of them.
pub(crate) const STATEMENT: Duration = Duration::from_mins(1);

/// A server that is starting or failing over answers late, one that is gone never.
const CONNECT: Duration = Duration::from_secs(10);

/// Reads a URL, without ever showing it.
pub(crate) fn options(url: &SecretString) -> Result<PgConnectOptions, Error> {
    PgConnectOptions::from_str(url.expose_secret()).map_err(|_| Error::Url)
}

/// Connects. The server's log stays free of our statements, some of which hold passwords.
pub(crate) async fn open(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let options =
        options.clone().application_name("trunkline-migrations").disable_statement_logging();
    within("connect", CONNECT, options.connect()).await
}

/// Says goodbye; a server that does not answer is not waited for.
pub(crate) async fn close(connection: PgConnection) {
    let _ = tokio::time::timeout(CONNECT, connection.close()).await;
}

/// Waits for the database, but not for ever: neither sqlx nor the kernel would notice a dead network for minutes.
pub(crate) async fn within<T>(
    what: &str,
    limit: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, asked).await {
        Ok(result) => result.map_err(|source| Error::Statement { what: what.to_owned(), source }),
        Err(_) => Err(Error::Timeout { what: what.to_owned(), secs: limit.as_secs() }),
    }
}

/// Runs a statement that takes no parameters, such as those on roles and databases. Its names and texts have
/// gone through [`crate::name`].
pub(crate) async fn run(
    connection: &mut PgConnection,
    what: &str,
    statement: String,
) -> Result<(), Error> {
    within(what, STATEMENT, sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection)).await?;
    Ok(())
}
