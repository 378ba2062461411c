//! Making, migrating and copying databases, against a server: `TRUNKLINE_TEST_POSTGRES_URL` holds its
//! superuser's URL (`./test` sets it; without it there is nothing to try this on, and that is said).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]

use migrations::{
    Error, Passwords, State, Urls, clone_database, current, drop_database, migrate, provision,
    template,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

#[expect(clippy::disallowed_methods, reason = "a test program has no config.rs")]
fn superuser() -> Option<SecretString> {
    let url = std::env::var("TRUNKLINE_TEST_POSTGRES_URL").ok().map(SecretString::from);
    if url.is_none() {
        eprintln!("skipped: TRUNKLINE_TEST_POSTGRES_URL is not set (./test sets it)");
    }
    url
}

/// A database that goes away at the end of the test.
struct Scratch {
    superuser: SecretString,
    name: String,
    urls: Urls,
}

impl Scratch {
    async fn empty(what: &str) -> Option<Self> {
        let superuser = superuser()?;
        let name = format!("mig_{what}_{}", std::process::id());
        let passwords = Passwords::derived(&superuser).unwrap();
        let urls = provision(&superuser, &name, &passwords).await.unwrap();
        Some(Self { superuser, name, urls })
    }

    async fn connect(&self, url: &SecretString) -> PgConnection {
        PgConnection::connect(url.expose_secret()).await.unwrap()
    }

    async fn drop(self) {
        drop_database(&self.superuser, &self.name).await.unwrap();
    }
}

#[tokio::test]
async fn several_migrators_at_once_apply_every_migration_once() {
    let Some(db) = Scratch::empty("race").await else { return };
    let owner = &db.urls.owner;
    let reports = tokio::join!(migrate(owner), migrate(owner), migrate(owner));
    let applied: Vec<usize> =
        [reports.0, reports.1, reports.2].map(|report| report.unwrap().applied.len()).into();
    assert_eq!(applied.iter().filter(|n| **n > 0).count(), 1, "{applied:?}");
    assert!(migrate(owner).await.unwrap().applied.is_empty(), "again is harmless");
    assert!(current(&db.urls.app).await.unwrap().is_current(), "the application may ask");
    db.drop().await;
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_binary_is_refused() {
    let Some(db) = Scratch::empty("newer").await else { return };
    migrate(&db.urls.owner).await.unwrap();
    let mut connection = db.connect(&db.urls.owner).await;
    let newer = "insert into _sqlx_migrations values (99991231235959, 'x', now(), true, '', 0)";
    sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    assert!(matches!(migrate(&db.urls.owner).await, Err(Error::Newer(99_991_231_235_959))));
    assert!(current(&db.urls.app).await.unwrap().is_current(), "a running binary goes on");
    connection.close().await.unwrap();
    db.drop().await;
}

#[tokio::test]
async fn what_a_database_lacks_and_what_nobody_knows_of_it_is_told_and_nothing_is_written() {
    let Some(db) = Scratch::empty("told").await else { return };
    let empty = current(&db.urls.app).await.unwrap();
    assert!(empty.pending.len() > 20 && !empty.is_current(), "{empty:?}");
    let mut connection = db.connect(&db.urls.owner).await;
    let table = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null");
    let is_there: bool = table.fetch_one(&mut connection).await.unwrap();
    assert!(!is_there, "who asks makes no table");
    migrate(&db.urls.owner).await.unwrap();
    let whole = current(&db.urls.app).await.unwrap();
    assert!(whole.is_same() && whole == State::default(), "{whole:?}");

    let [first, .., last] = empty.pending.as_slice() else { panic!("{empty:?}") };
    let spoil = format!(
        "insert into _sqlx_migrations values (99991231235959, 'x', now(), true, '', 0);
         update _sqlx_migrations set checksum = '' where version = {};
         delete from _sqlx_migrations where version = {};
         alter database {} set default_transaction_read_only = on",
        first.version, last.version, db.name
    );
    sqlx::raw_sql(AssertSqlSafe(spoil)).execute(&mut connection).await.unwrap();
    // Whoever comes from now on may only read.
    for url in [&db.urls.owner, &db.urls.app] {
        let state = current(url).await.unwrap();
        assert_eq!((&state.pending, &state.changed), (&vec![last.clone()], &vec![first.clone()]));
        assert_eq!(state.unknown, [99_991_231_235_959]);
        assert!(!state.is_current() && !state.is_same());
    }
    connection.close().await.unwrap();
    db.drop().await;
}

#[tokio::test]
async fn a_half_built_index_does_not_survive_the_next_migration() {
    let Some(db) = Scratch::empty("index").await else { return };
    let mut connection = db.connect(&db.urls.owner).await;
    // A unique index over duplicates fails to build and stays behind, invalid.
    sqlx::raw_sql("create table public.t as select 1 as a from generate_series(1, 2)")
        .execute(&mut connection)
        .await
        .unwrap();
    let built = sqlx::raw_sql("create unique index concurrently t_a on public.t (a)");
    assert!(built.execute(&mut connection).await.is_err());
    migrate(&db.urls.owner).await.unwrap();
    let left: bool = sqlx::query_scalar("select to_regclass('public.t_a') is not null")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!left);
    connection.close().await.unwrap();
    db.drop().await;
}

#[tokio::test]
async fn the_applications_role_owns_nothing_and_cannot_step_around_row_security() {
    let Some(db) = Scratch::empty("role").await else { return };
    let mut connection = db.connect(&db.urls.app).await;
    let powers: bool = sqlx::query_scalar(
        "select rolsuper or rolbypassrls or rolcreatedb or rolcreaterole
         from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(!powers);
    let create = sqlx::raw_sql("create schema mine").execute(&mut connection).await;
    assert!(create.is_err());
    connection.close().await.unwrap();
    db.drop().await;
}

#[tokio::test]
async fn a_copy_of_the_template_is_a_migrated_database() {
    let Some(superuser) = superuser() else { return };
    let passwords = Passwords::derived(&superuser).unwrap();
    let (one, two) =
        tokio::join!(template(&superuser, &passwords), template(&superuser, &passwords));
    let name = format!("mig_copy_{}", std::process::id());
    assert_eq!(one.unwrap(), two.unwrap());
    let from = migrations::template_name();
    let urls = clone_database(&superuser, &from, &name, &passwords).await.unwrap();
    assert!(current(&urls.app).await.unwrap().is_current());
    assert!(migrate(&urls.owner).await.unwrap().applied.is_empty());
    drop_database(&superuser, &name).await.unwrap();
}

#[tokio::test]
async fn a_schema_is_dumped_the_same_way_twice_and_without_partitions() {
    let Some(db) = Scratch::empty("dump").await else { return };
    #[expect(clippy::disallowed_methods, reason = "a test program has no config.rs")]
    let bin_dir = std::env::var("TRUNKLINE_TEST_POSTGRES_BIN").unwrap_or_default();
    if !std::path::Path::new(&bin_dir).join("pg_dump").is_file() {
        eprintln!("skipped: no pg_dump (the server's package has none)");
        return db.drop().await;
    }
    migrate(&db.urls.owner).await.unwrap();
    let dump = async || migrations::dump_schema(bin_dir.as_ref(), &db.urls.owner).await.unwrap();
    let text = dump().await;
    assert_eq!(text, dump().await);
    assert!(text.contains("CREATE TABLE") && !text.contains("PARTITION OF"), "{text}");
    assert!(!text.contains("_sqlx_migrations") && !text.contains("\\restrict"));
    db.drop().await;
}

/// The schema as people read it, beside the migrations that make it.
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql");

/// `pg_dump` words things anew with each major; this is the one whose words are committed.
const SCHEMA_MAJOR: &str = "15";

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test program has no config.rs")]
async fn the_committed_schema_is_what_the_migrations_lead_to() {
    let Ok(bin_dir) = std::env::var("TRUNKLINE_TEST_POSTGRES_BIN") else {
        return eprintln!("skipped: TRUNKLINE_TEST_POSTGRES_BIN is not set (./test sets it)");
    };
    let Some(db) = Scratch::empty("schema").await else { return };
    migrate(&db.urls.owner).await.unwrap();
    let mut connection = db.connect(&db.superuser).await;
    let version: String =
        sqlx::query_scalar("show server_version").fetch_one(&mut connection).await.unwrap();
    let bin_dir = std::path::Path::new(&bin_dir);
    if !version.starts_with(SCHEMA_MAJOR) || !bin_dir.join("pg_dump").exists() {
        db.drop().await;
        return eprintln!("skipped: needs pg_dump {SCHEMA_MAJOR}, and this server is {version}");
    }
    let made = migrations::dump_schema(bin_dir, &db.urls.owner).await.unwrap();
    db.drop().await;
    if std::env::var("TRUNKLINE_WRITE_SCHEMA").is_ok() {
        std::fs::write(SCHEMA, &made).unwrap();
    }
    let committed = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(
        committed == made,
        "migrations/schema.sql is out of date: TRUNKLINE_WRITE_SCHEMA=1 ./test unit writes it anew"
    );
}
