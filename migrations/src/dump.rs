//! The schema as text: what the migrations lead to, for people to read and for a test to compare.

use std::{path::Path, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;
use url::Url;

use crate::{
    Error,
    connection::{STATEMENT, close, open, options, within},
};

/// A schema is dumped in a second.
const DUMP: Duration = Duration::from_mins(1);

/// Dumps the schema of a migrated database, without the partitions (they come and go with the calendar) and
/// without what differs between one dump and the next. `bin_dir` holds the server's own `pg_dump`.
pub async fn dump_schema(bin_dir: &Path, url: &SecretString) -> Result<String, Error> {
    let mut address = Url::parse(url.expose_secret()).map_err(|_| Error::Url)?;
    let password = address.password().unwrap_or_default().to_owned();
    address.set_password(None).map_err(|()| Error::Url)?;

    let mut command = Command::new(bin_dir.join("pg_dump"));
    // An argument can be read by every user of the machine, a variable cannot.
    command.env("PGPASSWORD", password).arg("--dbname").arg(address.as_str());
    command.args(["--schema-only", "--no-owner", "--exclude-table=_sqlx_migrations"]);
    for partition in partitions(url).await? {
        command.arg(format!("--exclude-table={partition}"));
    }
    let output = tokio::time::timeout(DUMP, command.kill_on_drop(true).output())
        .await
        .map_err(|_| Error::Timeout { what: "dump the schema".to_owned(), secs: DUMP.as_secs() })?
        .map_err(|error| Error::Dump(error.to_string()))?;
    if !output.status.success() {
        return Err(Error::Dump(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(normalise(&String::from_utf8_lossy(&output.stdout)))
}

async fn partitions(url: &SecretString) -> Result<Vec<String>, Error> {
    let mut connection = open(&options(url)?).await?;
    let asked = sqlx::query_scalar(
        "select format('%I.%I', relnamespace::regnamespace::text, relname)
         from pg_class where relispartition and relkind = 'r'",
    );
    let found = within("list the partitions", STATEMENT, asked.fetch_all(&mut connection)).await;
    close(connection).await;
    found
}

/// Takes out of a dump what says nothing about the schema: comments, settings, random keys, blank lines.
pub fn normalise(dump: &str) -> String {
    let noise = |line: &&str| {
        let line = line.trim_end();
        !(line.starts_with("--")
            || line.starts_with('\\') // \restrict and \unrestrict, with a key that differs each time
            || line.starts_with("SET ")
            || line.starts_with("SELECT pg_catalog.set_config"))
    };
    let mut text = String::with_capacity(dump.len());
    let mut blank_before = true;
    for line in dump.lines().filter(noise).map(str::trim_end) {
        if !(line.is_empty() && blank_before) {
            text.push_str(line);
            text.push('\n');
        }
        blank_before = line.is_empty();
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_dumps_of_one_schema_are_equal() {
        let dump = |key: &str, version: &str| {
            format!(
                "--\n-- PostgreSQL database dump\n--\n\n\\restrict {key}\n\n-- Dumped by {version}\n\n\
                 SET lock_timeout = 0;\n\nCREATE SCHEMA trunkline;\n\n\n--\n-- done\n\\unrestrict {key}\n\n"
            )
        };
        assert_eq!(normalise(&dump("abc", "15.1")), normalise(&dump("xyz", "15.18")));
        assert_eq!(normalise(&dump("abc", "15.1")), "CREATE SCHEMA trunkline;\n");
    }
}
