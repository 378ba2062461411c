//! The seam in the database: counts the commits of workers about jobs of a workflow, and stops or refuses one of them.
//!
//! A deferred trigger fires inside the COMMIT itself. A session that is stopped there has done all its work; whether it is
//! written is decided by what happens to the session next.

use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use crate::{Fault, TestDb, cutter::WORKER, holds, stand::Wanted, wait_until};

/// The seam. Only a test's own database has it.
const SEAM: &str = "
    drop schema if exists laws cascade;
    create schema laws;
    create table laws.gate (place bigint, refuse boolean not null);
    insert into laws.gate values (null, false);
    create table laws.kinds (name text not null);
    create sequence laws.passed;
    create sequence laws.refused;
    create function laws.pass() returns trigger language plpgsql security definer
        set search_path = pg_catalog, trunkline, laws as $$
    declare
        mine constant text := txid_current()::text;
        gate laws.gate;
    begin
        -- A commit of anybody else is none of a worker's.
        if current_setting('application_name') <> 'crash_matrix_worker'
           -- One commit is one boundary, however many rows it writes.
           or current_setting('laws.passing', true) = mine
           or not exists (select from trunkline.jobs j join trunkline.kinds k using (kind_id)
                          join laws.kinds mine on mine.name = k.name where j.job_id = new.job_id) then
            return null;
        end if;
        perform set_config('laws.passing', mine, true);
        select * into gate from laws.gate;
        if nextval('laws.passed') = gate.place then
            if gate.refuse then
                perform nextval('laws.refused');
                raise exception 'refused by the gate' using errcode = 'serialization_failure';
            end if;
            perform pg_advisory_xact_lock_shared(7091);
        end if;
        return null;
    end $$;
    create constraint trigger pass after insert on trunkline.checkpoints
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger pass after insert or update on trunkline.effects
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger pass after insert on trunkline.outcomes
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger pass after insert on trunkline.failures
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger pass after insert on trunkline.waits
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger pass after insert on trunkline.leases
        deferrable initially deferred for each row execute function laws.pass();
    create constraint trigger turn after update on trunkline.leases
        deferrable initially deferred for each row when (old.course <> new.course) execute function laws.pass();";

/// Sessions that are stopped at the gate.
const STOPPED: &str = "
    select pid from pg_locks where locktype = 'advisory' and objid = 7091 and not granted
    and database = (select oid from pg_database where datname = current_database())";

/// The seam of one database, as its keeper holds it.
pub struct Gate {
    keeper: Mutex<PgConnection>,
}

impl Gate {
    /// Puts the seam in: commits about jobs of these kinds are boundaries.
    pub async fn install(db: &TestDb, kinds: &[String]) -> Gate {
        sqlx::raw_sql(SEAM).execute(db.owner()).await.expect("a seam");
        let named = "insert into laws.kinds select unnest($1::text[])";
        sqlx::query(named).bind(kinds).execute(db.owner()).await.expect("kinds");
        Gate { keeper: Mutex::new(db.superuser().await) }
    }

    /// Counts from here, and lets this boundary go wrong.
    pub(crate) async fn arm(&self, wanted: Wanted) {
        let mut keeper = self.keeper.lock().await;
        let (place, fault) = wanted.unzip();
        sqlx::raw_sql("select pg_advisory_lock(7091); select setval('laws.passed', 1, false), setval('laws.refused', 1, false)")
            .execute(&mut *keeper)
            .await
            .expect("armed");
        sqlx::query("update laws.gate set place = $1, refuse = $2")
            .bind(place)
            .bind(fault == Some(Fault::Refused))
            .execute(&mut *keeper)
            .await
            .expect("armed");
    }

    /// Lets everything pass. Says how many passed since it was armed.
    pub(crate) async fn disarm(&self) -> i64 {
        let mut keeper = self.keeper.lock().await;
        sqlx::raw_sql(
            "update laws.gate set place = null, refuse = false; select pg_advisory_unlock_all()",
        )
        .execute(&mut *keeper)
        .await
        .expect("disarmed");
        count(&mut keeper, "laws.passed").await
    }

    /// The session that is stopped in its commit, if one is.
    pub(crate) async fn caught(&self) -> Option<i32> {
        let mut keeper = self.keeper.lock().await;
        sqlx::query_scalar(STOPPED).fetch_optional(&mut *keeper).await.expect("a look")
    }

    /// Whether the commit was refused.
    pub(crate) async fn refused(&self) -> bool {
        count(&mut *self.keeper.lock().await, "laws.refused").await > 0
    }

    /// Whether somebody waits for what this session has locked.
    pub(crate) async fn blocks(&self, pid: i32) -> bool {
        let waiting =
            "select exists (select from pg_stat_activity where $1 = any (pg_blocking_pids(pid)))";
        let mut keeper = self.keeper.lock().await;
        sqlx::query_scalar(waiting).bind(pid).fetch_one(&mut *keeper).await.expect("a look")
    }

    /// The commit fails, and the session ends.
    pub(crate) async fn roll_back(&self, pid: i32) {
        let mut keeper = self.keeper.lock().await;
        let ended = "select pg_terminate_backend($1)";
        sqlx::query(ended).bind(pid).execute(&mut *keeper).await.expect("it ends");
        gone(&mut keeper).await;
    }

    /// Ends the sessions of workers that stand between two statements of a transaction.
    pub(crate) async fn end_idle(&self) {
        let mut keeper = self.keeper.lock().await;
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and application_name = $1 and state like 'idle in transaction%'";
        sqlx::query(end).bind(WORKER).execute(&mut *keeper).await.expect("they end");
    }

    /// The commit goes on; returns when it is done.
    pub(crate) async fn let_through(&self, pid: i32) {
        let mut keeper = self.keeper.lock().await;
        sqlx::raw_sql("select pg_advisory_unlock_all()").execute(&mut *keeper).await.expect("open");
        let busy = "select count(*) from pg_stat_activity where pid = $1 and state = 'active'";
        wait_until("the commit is done", async || {
            let count: i64 =
                sqlx::query_scalar(busy).bind(pid).fetch_one(&mut *keeper).await.ok()?;
            holds(count == 0)
        })
        .await;
    }

    /// After a crash of the server: a new keeper, and nothing more is to go wrong.
    pub(crate) async fn reopen(&self, db: &TestDb) {
        let mut keeper = self.keeper.lock().await;
        *keeper = db.superuser().await;
        let pass = "update laws.gate set place = null";
        sqlx::raw_sql(pass).execute(&mut *keeper).await.expect("disarmed");
    }

    /// Takes the keeper's connection away.
    pub(crate) async fn close(self) {
        self.keeper.into_inner().close().await.ok();
    }
}

async fn gone(keeper: &mut PgConnection) {
    wait_until("the session is gone", async || {
        let stopped: Option<i32> =
            sqlx::query_scalar(STOPPED).fetch_optional(&mut *keeper).await.ok()?;
        holds(stopped.is_none())
    })
    .await;
}

/// How often a sequence was asked since it was set back.
async fn count(keeper: &mut PgConnection, sequence: &str) -> i64 {
    let statement = if sequence == "laws.passed" {
        "select case when is_called then last_value else 0 end from laws.passed"
    } else {
        "select case when is_called then last_value else 0 end from laws.refused"
    };
    sqlx::query_scalar(statement).fetch_one(keeper).await.expect("a count")
}
