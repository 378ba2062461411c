//! From any version to this binary's.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use sqlx::{
    AssertSqlSafe, PgConnection, Row,
    migrate::{Migrate, MigrateError, Migration, Migrator},
};
use tracing::info;

use crate::{
    APP_ROLE, Error,
    connection::{STATEMENT, close, open, options, run, within},
    lock::{self, Lock},
    name,
};

/// The files of this folder, inside the binary. (The macro refuses a plain "." as a path.)
static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Where the applied ones are noted; sqlx's own name, so that its command line tool works too.
const TABLE: &str = "_sqlx_migrations";

/// How long a migrator waits for another one. The other may build a large index.
const LOCK: Duration = Duration::from_mins(30);

/// What one migration may take. An index over many million rows is built in less.
const ONE: Duration = Duration::from_hours(1);

/// One migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its timestamp.
    pub version: i64,
    /// What it does, from its file name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
}

/// What a call of [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What was applied now, in order; empty when the database was up to date.
    pub applied: Vec<Applied>,
}

/// A migration that this binary has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its timestamp.
    pub version: i64,
    /// What it does, from its file name.
    pub name: String,
}

/// How a database compares to this binary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Migrations that it lacks, oldest first.
    pub pending: Vec<Known>,
    /// Migrations that it has and this binary does not know. Harmless for a running binary (a newer one has
    /// migrated, and old code survives that), but this one must not migrate.
    pub unknown: Vec<i64>,
    /// Migrations whose text was another one when they were applied.
    pub changed: Vec<Known>,
}

impl State {
    /// Whether this binary can work with the database: it lacks nothing, and nothing in it is another history's.
    pub fn is_current(&self) -> bool {
        self.pending.is_empty() && self.changed.is_empty()
    }

    /// Whether the database is where this binary would leave it.
    pub fn is_same(&self) -> bool {
        self.is_current() && self.unknown.is_empty()
    }
}

/// Brings a database up to date. Takes the owner's URL, direct to the server, not through a pooler.
///
/// Any number of processes may call this at once: one works, the others wait and find nothing left to do.
pub async fn migrate(owner_url: &SecretString) -> Result<Report, Error> {
    let mut connection = open(&options(owner_url)?).await?;
    lock::hold(&mut connection, Lock::Migrate, LOCK).await?;
    let report = migrate_on(&mut connection).await;
    close(connection).await;
    report
}

/// Compares a database to this binary, and writes nothing. Any role may ask. Of a database that nobody has migrated, all is
/// pending.
pub async fn current(url: &SecretString) -> Result<State, Error> {
    let mut connection = open(&options(url)?).await?;
    let state = applied(&mut connection).await.map(|applied| compare(&applied));
    close(connection).await;
    state
}

async fn migrate_on(connection: &mut PgConnection) -> Result<Report, Error> {
    let applied = applied(connection).await?;
    check(&applied)?;
    let mut report = Report::default();
    let pending = || MIGRATOR.iter().filter(|migration| !applied.contains_key(&migration.version));
    if pending().next().is_none() {
        return Ok(report);
    }
    bounded("create", connection.ensure_migrations_table(TABLE)).await?;
    drop_half_built_indexes(connection).await?;
    for migration in pending() {
        let took = apply(connection, migration).await?;
        info!(version = migration.version, "migrated: {}", migration.description);
        report.applied.push(Applied {
            version: migration.version,
            name: migration.description.to_string(),
            took,
        });
    }
    // Readiness is asked by the application's role.
    let grant = format!("grant select on {TABLE} to {}", name::ident(APP_ROLE)?);
    run(connection, "let the application read the version", grant).await?;
    Ok(report)
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<Duration, Error> {
    let what = format!("apply migration {}", migration.version);
    match tokio::time::timeout(ONE, connection.apply(TABLE, migration)).await {
        Ok(result) => result.map_err(|source| Error::Migration {
            version: migration.version,
            name: migration.description.to_string(),
            source,
        }),
        Err(_) => Err(Error::Timeout { what, secs: ONE.as_secs() }),
    }
}

async fn bounded<T>(
    verb: &str,
    asked: impl Future<Output = Result<T, MigrateError>>,
) -> Result<T, Error> {
    let asked = async {
        asked.await.map_err(|error| {
            if let MigrateError::Execute(source) = error {
                source
            } else {
                sqlx::Error::Configuration(error.into())
            }
        })
    };
    within(&format!("{verb} the table of migrations"), STATEMENT, asked).await
}

/// Versions and checksums of what the database has.
async fn applied(connection: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, Error> {
    let asked = sqlx::query_scalar("select to_regclass($1) is not null").bind(TABLE);
    let exists: bool =
        within("look for the table of migrations", STATEMENT, asked.fetch_one(&mut *connection))
            .await?;
    if !exists {
        return Ok(BTreeMap::new());
    }
    let list = bounded("read", connection.list_applied_migrations(TABLE)).await?;
    Ok(list.into_iter().map(|one| (one.version, one.checksum.to_vec())).collect())
}

/// What the content of the history is recognised by.
pub(crate) fn checksums() -> impl Iterator<Item = &'static [u8]> {
    MIGRATOR.iter().map(|migration| migration.checksum.as_ref())
}

fn compare(applied: &BTreeMap<i64, Vec<u8>>) -> State {
    let known = |migration: &Migration| Known {
        version: migration.version,
        name: migration.description.to_string(),
    };
    let mut state = State::default();
    for migration in MIGRATOR.iter() {
        match applied.get(&migration.version) {
            None => state.pending.push(known(migration)),
            Some(sum) if *sum != migration.checksum.as_ref() => {
                state.changed.push(known(migration));
            }
            Some(_) => {}
        }
    }
    let unknown = applied.keys().filter(|version| !MIGRATOR.version_exists(**version));
    state.unknown.extend(unknown);
    state
}

/// Refuses what a migrator must not touch: a newer database, a rewritten history.
fn check(applied: &BTreeMap<i64, Vec<u8>>) -> Result<(), Error> {
    let state = compare(applied);
    if let Some(version) = state.unknown.last() {
        return Err(Error::Newer(*version));
    }
    state.changed.first().map_or(Ok(()), |changed| Err(Error::Changed(changed.version)))
}

/// An index whose concurrent build was cut is there but invalid, and `if not exists` would be content with it.
async fn drop_half_built_indexes(connection: &mut PgConnection) -> Result<(), Error> {
    let found = sqlx::query(
        "select format('%I.%I', namespace.nspname, class.relname) as name
         from pg_index as index
         join pg_class as class on class.oid = index.indexrelid
         join pg_namespace as namespace on namespace.oid = class.relnamespace
         where not index.indisvalid
           and class.relkind = 'i' -- an index of a partitioned table is invalid until all parts have theirs
           and not class.relispartition
           and pg_has_role(class.relowner, 'usage')",
    );
    let rows =
        within("look for half-built indexes", STATEMENT, found.fetch_all(&mut *connection)).await?;
    for row in rows {
        let index: String = row.get("name");
        info!("dropping {index}, whose build was cut");
        let drop =
            sqlx::raw_sql(AssertSqlSafe(format!("drop index concurrently if exists {index}")));
        within("drop a half-built index", ONE, drop.execute(&mut *connection)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_named_by_time_verb_and_noun() {
        for migration in MIGRATOR.iter() {
            assert_eq!(migration.version.to_string().len(), 14, "{}", migration.version);
            assert!(migration.description.split(' ').count() >= 2, "{}", migration.description);
        }
    }

    #[test]
    fn a_newer_database_and_a_rewritten_history_are_refused() {
        let newer = BTreeMap::from([(99_991_231_235_959, vec![])]);
        assert!(matches!(check(&newer), Err(Error::Newer(99_991_231_235_959))));
        assert!(!compare(&BTreeMap::new()).is_current() || MIGRATOR.iter().next().is_none());
        for migration in MIGRATOR.iter().take(1) {
            let rewritten = BTreeMap::from([(migration.version, vec![0])]);
            assert!(matches!(check(&rewritten), Err(Error::Changed(_))));
            assert_eq!(compare(&rewritten).changed[0].version, migration.version);
        }
    }
}
