//! A database for each test: a copy of one that is migrated once per run, with a clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use engine::Sealer;
use migrations::{Passwords, Urls, clone_database, drop_database, template, urls};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};

use crate::{leftovers, own, server};

/// The clock of tests, and the pieces of the history that the first worker of a day would make. Part of the template's name:
/// change `V` with it.
const CLOCK: &str = "
    create table trunkline.clock_offset (ahead interval not null);
    insert into trunkline.clock_offset values ('0');
    grant select on trunkline.clock_offset to trunkline_app;
    create or replace function trunkline.now() returns timestamptz language sql stable parallel safe
        as 'select pg_catalog.statement_timestamp() + (select ahead from trunkline.clock_offset)';
    select trunkline.partitions_make(trunkline.now(), 2)";
const V: u32 = 2;

/// One at a time makes the template; the number means nothing but that.
const LOCK: i64 = 0x7465_7374;

/// The server goes on dropping after that. It waits for every session that is just logging in, and one of this very
/// process cannot: its runtime stands still meanwhile.
const DROP_MAX: Duration = Duration::from_secs(1);

/// A key for sealing, the same in all processes of a test.
const SEAL_KEY: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// How many this process has made.
static COPIES: AtomicU32 = AtomicU32::new(0);

/// A database of one test. Dropping it drops the database, and fails the test if jobs are left in it.
pub struct TestDb {
    name: String,
    superuser: SecretString,
    urls: Urls,
    owner: PgPool,
    may_leave: AtomicBool,
}

impl TestDb {
    /// Copies the template, which takes about 100 ms.
    pub async fn new() -> TestDb {
        let superuser = own::url().unwrap_or_else(server::superuser);
        let passwords = Passwords::derived(&superuser).expect("a URL");
        let template = clocked_template(&superuser, &passwords).await;
        let copy = COPIES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{copy}", std::process::id());
        drop_database(&superuser, &name).await.expect("an old database of the same name goes");
        let urls = clone_database(&superuser, &template, &name, &passwords).await.expect("a copy");
        let owner = PgPoolOptions::new()
            .max_connections(4)
            .connect_lazy(urls.owner.expose_secret())
            .expect("a URL");
        TestDb { name, superuser, urls, owner, may_leave: AtomicBool::new(false) }
    }

    /// As the application's role, which the code under test uses.
    pub fn app_url(&self) -> &SecretString {
        &self.urls.app
    }

    /// As the owner, for what no application may do.
    pub fn owner_url(&self) -> &SecretString {
        &self.urls.owner
    }

    /// As the owner, for looking and arranging. Row-level security binds the owner too.
    pub fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// As superuser in this database: sees every row.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(self.superuser_url().as_str()).await.expect("a connection")
    }

    /// The same, for as many statements as come.
    pub fn every_row(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy(self.superuser_url().as_str())
            .expect("a URL")
    }

    /// What an engine on this database needs to know.
    pub fn engine_config(&self) -> engine::Config {
        self.engine_config_at(self.urls.app.clone())
    }

    /// The same by another way (a proxy).
    pub fn engine_config_at(&self, url: SecretString) -> engine::Config {
        engine::Config {
            direct_url: Some(url.clone()),
            url,
            product_connections: 8,
            sealer: Arc::new(Sealer::parse(SEAL_KEY).expect("a key")),
        }
    }

    /// Moves the clock that decides, for everything but the leases of live workers: they would all be dead at once.
    pub async fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("less than ages");
        let statement = "
            with moved as (update trunkline.clock_offset set ahead = ahead + $1 * interval '1 microsecond')
            update trunkline.workers set expires_at = expires_at + $1 * interval '1 microsecond'
            where expires_at > trunkline.now()";
        sqlx::query(statement).bind(micros).execute(&self.owner).await.expect("the clock moves");
    }

    /// Moves the clock that decides, and spares nobody: leases end that are not renewed after it.
    pub async fn leap(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("less than ages");
        let statement =
            "update trunkline.clock_offset set ahead = ahead + $1 * interval '1 microsecond'";
        sqlx::query(statement).bind(micros).execute(&self.owner).await.expect("the clock moves");
    }

    /// How far the clock that decides is ahead of the machine's.
    pub async fn ahead(&self) -> Duration {
        let statement = "select extract(epoch from ahead)::float8 from trunkline.clock_offset";
        let seconds: f64 =
            sqlx::query_scalar(statement).fetch_one(&self.owner).await.expect("a clock");
        Duration::from_secs_f64(seconds)
    }

    /// How long until the last lease of a live worker ends.
    pub async fn leases_left(&self) -> Duration {
        let statement =
            "select coalesce(extract(epoch from max(expires_at) - trunkline.now()), 0)::float8
                         from trunkline.workers";
        let seconds: f64 =
            sqlx::query_scalar(statement).fetch_one(&self.owner).await.expect("workers");
        Duration::from_secs_f64(seconds.max(0.0))
    }

    /// Crashes the server by the death of one of its processes, as an immediate shutdown or a lost machine would, and
    /// waits until it has recovered from its log.
    ///
    /// # Panics
    /// When the server is not this test's own ([`crate::OwnServer`]): others would lose theirs.
    pub async fn crash(&self, pid: i32) {
        let mut witness = self.superuser().await;
        crate::own::kill(&self.superuser, pid);
        crate::wait_until("Postgres has crashed", async || {
            crate::holds(sqlx::query("select 1").execute(&mut witness).await.is_err())
        })
        .await;
        crate::wait_until("Postgres has recovered", async || {
            let mut connection = PgConnection::connect(self.superuser_url().as_str()).await.ok()?;
            let ready = sqlx::query("select 1").execute(&mut connection).await.ok();
            connection.close().await.ok();
            ready.map(drop)
        })
        .await;
    }

    fn superuser_url(&self) -> url::Url {
        let mut url: url::Url = self.superuser.expose_secret().parse().expect("a URL");
        url.set_path(&self.name);
        url
    }

    /// The database's now.
    pub async fn now(&self) -> chrono::DateTime<chrono::Utc> {
        sqlx::query_scalar("select trunkline.now()").fetch_one(&self.owner).await.expect("a clock")
    }

    /// Lets the lease of the worker with this pool's name end now, as if it had been silent for long.
    pub async fn end_lease_of(&self, pool: &str) {
        let statement = "update trunkline.workers set expires_at = trunkline.now() - interval '1 second' where pool = $1";
        sqlx::query(statement).bind(pool).execute(&self.owner).await.expect("the lease ends");
    }

    /// A number that a statement gives, read as the superuser.
    pub async fn number(&self, statement: &str) -> i64 {
        let mut connection = self.superuser().await;
        let statement = AssertSqlSafe(format!("select count(*)::int8 from ({statement}) as t"));
        let count =
            sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("a count");
        connection.close().await.ok();
        count
    }

    /// A text that a statement gives, read as the superuser.
    pub async fn text(&self, statement: &str) -> String {
        let mut connection = self.superuser().await;
        let text = sqlx::query_scalar(AssertSqlSafe(statement.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("a text");
        connection.close().await.ok();
        text
    }

    /// Ends every session of the application, as a failover does. Returns how many there were.
    pub async fn end_sessions(&self) -> i64 {
        let mut connection = self.superuser().await;
        let statement =
            "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
                         where datname = current_database() and usename = 'trunkline_app'";
        let count =
            sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("sessions end");
        connection.close().await.ok();
        count
    }

    /// This test leaves jobs behind on purpose.
    pub fn may_leave_jobs(&self) {
        self.may_leave.store(true, Ordering::Relaxed);
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (name, superuser) = (self.name.clone(), self.superuser.clone());
        let may_leave = self.may_leave.load(Ordering::Relaxed);
        let failing = std::thread::panicking();
        // A thread of its own, because this may be inside a runtime.
        let cleared = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let faults = if failing {
                    Vec::new()
                } else {
                    leftovers::of(&superuser, &name, may_leave).await
                };
                let _ = tokio::time::timeout(DROP_MAX, drop_database(&superuser, &name)).await;
                faults
            })
        });
        let faults = cleared
            .join()
            .unwrap_or_else(|_| vec!["the database could not be looked at".to_owned()]);
        assert!(faults.is_empty() || failing, "the test left behind: {}", faults.join("; "));
    }
}

/// The template of the migrations, plus the clock.
async fn clocked_template(superuser: &SecretString, passwords: &Passwords) -> String {
    let base = template(superuser, passwords).await.expect("the migrations apply");
    let name = format!("{base}_clock{V}");
    let mut connection = PgConnection::connect(superuser.expose_secret()).await.expect("a server");
    let is_there =
        "select exists (select from pg_database where datname = $1 and not datallowconn)";
    let there = async |connection: &mut PgConnection| -> bool {
        sqlx::query_scalar(is_there).bind(&name).fetch_one(connection).await.expect("an answer")
    };
    if !there(&mut connection).await {
        sqlx::query("select pg_advisory_lock($1)")
            .bind(LOCK)
            .execute(&mut connection)
            .await
            .expect("a lock");
        if !there(&mut connection).await {
            drop_database(superuser, &name).await.expect("an unfinished one goes");
            clone_database(superuser, &base, &name, passwords).await.expect("a copy");
            let owner = urls(superuser, &name, passwords).expect("a URL").owner;
            let mut inside = PgConnection::connect(owner.expose_secret()).await.expect("the copy");
            sqlx::raw_sql(CLOCK).execute(&mut inside).await.expect("a clock");
            inside.close().await.expect("goodbye");
            let close = AssertSqlSafe(format!("alter database {name} allow_connections false"));
            sqlx::raw_sql(close).execute(&mut connection).await.expect("the template closes");
        }
    }
    connection.close().await.ok();
    name
}
