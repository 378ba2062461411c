//! The version before, on this schema: what it asks is still answered, and whoever is at work when it arrives goes on.

use std::{cell::Cell, fs, process::Stdio};

use engine::State;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Column, Connection, Either, Executor, PgConnection, SqlSafeStr, Statement,
    TypeInfo,
};
use tests::TestDb;

use crate::toy::{Act, Rig, registry};

/// What the version before asked of its database: its recorded statements, and the first version of a migration that it did
/// not know. Written by `.ci/statements-before` when a version is released.
#[derive(Deserialize)]
struct Before {
    before: u64,
    statements: Vec<Asked>,
}

/// A statement, with the types of what it takes and the names and types of what it gives. `None`: one of our own types.
#[derive(Deserialize)]
struct Asked {
    query: String,
    takes: Vec<Option<String>>,
    gives: Vec<(String, Option<String>)>,
}

const ROOM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");

fn before() -> Before {
    let text = fs::read(format!("{ROOM}/statements-before.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Whether a type of the server's is the one that was recorded: `INT8[]` and `Int8Array`.
fn is_type(now: &str, recorded: Option<&String>) -> bool {
    let plain = |name: &str| name.to_lowercase().replace("[]", "array").replace('"', "");
    recorded.is_none_or(|recorded| plain(now) == plain(recorded))
}

#[tokio::test]
async fn every_statement_of_the_version_before_is_taken_by_this_schema() {
    let db = TestDb::new().await;
    let mut connection = PgConnection::connect(db.app_url().expose_secret()).await.unwrap();
    let before = before();
    assert!(before.statements.len() > 400, "{} statements", before.statements.len());
    for Asked { query, takes, gives } in &before.statements {
        let prepared = connection.prepare(AssertSqlSafe(query.clone()).into_sql_str()).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{error}: {query}"));
        let Some(Either::Left(types)) = prepared.parameters() else { panic!("no types: {query}") };
        assert_eq!(types.len(), takes.len(), "{query}");
        for (now, recorded) in types.iter().zip(takes) {
            assert!(is_type(now.name(), recorded.as_ref()), "{} {recorded:?}: {query}", now.name());
        }
        let columns = prepared.columns();
        assert_eq!(columns.len(), gives.len(), "{query}");
        for (now, (name, recorded)) in columns.iter().zip(gives) {
            assert_eq!(now.name(), name, "{query}");
            let kind = now.type_info().name();
            assert!(is_type(kind, recorded.as_ref()), "{name}: {kind} {recorded:?}: {query}");
        }
    }
    connection.close().await.unwrap();
}

/// What the server says where it came as far as looking at the values: nobody's data, and a NULL where there must be none.
/// Whatever else it says, such as a right that is missing or a name that is gone (class 42), the version before would hear.
const OF_VALUES: [&str; 3] = ["22", "23", "P0"];

#[tokio::test]
async fn every_statement_of_the_version_before_may_run_on_this_schema() {
    let db = TestDb::new().await;
    let mut connection = PgConnection::connect(db.app_url().expose_secret()).await.unwrap();
    let mut run = async |statement: String| {
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
        done.map(drop)
    };
    let mut came_to_an_end = 0;
    for Asked { query, takes, .. } in &before().statements {
        // Rights are asked for when a statement begins to run, and names inside of functions are looked up there: what a
        // prepared statement has not met yet.
        let nulls = vec!["null"; takes.len()].join(", ");
        let values = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        run("begin; select set_config('trunkline.scope', 'platform', true)".to_owned())
            .await
            .unwrap();
        let ran = run(format!("prepare asked as {query}\n; execute asked{values}")).await;
        run("rollback; deallocate all".to_owned()).await.unwrap();
        match ran {
            Ok(()) => came_to_an_end += 1,
            Err(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                let is_of_values = OF_VALUES.iter().any(|class| code.starts_with(class));
                assert!(is_of_values, "{code} {error}: {query}");
            }
            Err(error) => panic!("{error}: {query}"),
        }
    }
    assert!(came_to_an_end > 300, "{came_to_an_end}");
    connection.close().await.unwrap();
}

/// The schema as the version before made it.
async fn back(db: &TestDb, before: u64) {
    let wipe = format!(
        "drop schema trunkline cascade; drop schema product cascade;
         delete from _sqlx_migrations where version >= {before}"
    );
    sqlx::raw_sql(AssertSqlSafe(wipe)).execute(db.owner()).await.unwrap();
    let files = fs::read_dir(ROOM).unwrap().map(|file| file.unwrap().path());
    let version = |path: &std::path::Path| -> Option<u64> {
        let is_one = path.extension().is_some_and(|it| it == "sql");
        path.file_name()?.to_str()?.split('_').next()?.parse().ok().filter(|_| is_one)
    };
    let mut files: Vec<_> =
        files.filter_map(|path| Some((version(&path).filter(|it| *it < before)?, path))).collect();
    files.sort();
    for (_, path) in files {
        let sql = AssertSqlSafe(fs::read_to_string(&path).unwrap());
        sqlx::raw_sql(sql).execute(db.owner()).await.unwrap_or_else(|error| {
            panic!("{}: {error}", path.display());
        });
    }
}

#[tokio::test]
async fn a_schema_that_moves_on_under_busy_workers_stops_and_repeats_nothing() {
    let db = TestDb::new().await;
    back(&db, before().before).await;
    let rig = Rig::on(db, registry()).await;
    let (_one, _other) = (rig.worker().await, rig.worker().await);
    let jobs = async |is_over: &dyn Fn(usize) -> bool| {
        let mut made = Vec::new();
        while !is_over(made.len()) {
            let line = format!("{}", made.len());
            made.push(rig.play([Act::Line(line), Act::Step("after".to_owned())]).await);
        }
        made
    };
    // Some are under way when it begins, and some come afterwards.
    let mut all = jobs(&|made| made >= 50).await;
    let is_migrated = Cell::new(false);
    let is_over = |_: usize| is_migrated.get();
    let (report, during) = tokio::join!(
        async {
            let report = migrations::migrate(rig.db.owner_url()).await.unwrap();
            is_migrated.set(true);
            report
        },
        jobs(&is_over),
    );
    assert!(!report.applied.is_empty(), "nothing was new");
    assert!(!during.is_empty(), "nobody was at work");
    all.extend(during);
    all.extend(jobs(&|made| made >= 50).await);
    for job in &all {
        rig.becomes(*job, State::Succeeded).await;
    }
    let lines = rig.db.number("select from toy.ledger where undone = 0").await;
    assert_eq!(usize::try_from(lines).unwrap(), all.len(), "each exactly once");
    assert_eq!(rig.db.number("select from trunkline.failures").await, 0, "no job noticed");
}

#[tokio::test]
async fn whether_a_database_is_at_this_version_is_told_by_an_exit_code_and_nothing_is_written() {
    let db = TestDb::new().await;
    let check = async |words: &[&str]| {
        let mut command = tokio::process::Command::new(tests::fleet::binary());
        command.args(["migrate", "--check"]).args(words).env_clear();
        command.env("DATABASE_URL", db.app_url().expose_secret());
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer: Value = serde_json::from_slice(&output.stdout).expect(&said);
        (output.status.code(), answer, said)
    };
    let change = async |statement: &'static str| {
        sqlx::raw_sql(statement).execute(db.owner()).await.unwrap();
    };
    let (code, answer, said) = check(&[]).await;
    assert!(code == Some(0) && answer["current"] == true, "{answer} {said}");

    change("insert into _sqlx_migrations values (99991231235959, 'x', now(), true, '', 0)").await;
    let (code, answer, said) = check(&[]).await;
    assert!(code == Some(4) && said.contains("unknown: 99991231235959"), "{answer} {said}");
    let (code, answer, said) = check(&["--or-newer"]).await;
    assert!(code == Some(0) && answer["current"] == true, "{answer} {said}");

    change(
        "delete from _sqlx_migrations where version =
             (select max(version) from _sqlx_migrations where version < 99991231235959);
         do $$ begin
             execute format('alter database %I set default_transaction_read_only = on', current_database());
         end $$",
    )
    .await;
    // It may only read now, and that is enough.
    let (code, answer, said) = check(&["--or-newer"]).await;
    assert!(code == Some(4) && said.contains("missing: "), "{answer} {said}");
    assert_eq!(answer["missing"].as_array().map(Vec::len), Some(1), "{answer}");
}
