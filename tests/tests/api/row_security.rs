//! The second wall: what the database itself lets the application's role see and write of a tenant's rows. Every table and view
//! of the product that says whose a row is, is tried, as the catalogue names them; the engine's own have no policies, since
//! they are read by operators' routes and by workers alone.

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tests::TestDb;
use uuid::Uuid;

const OURS: Uuid = Uuid::from_u128(0x0190_a0a0_0000_7000_8000_0000_0000_000a);
const THEIRS: Uuid = Uuid::from_u128(0x0190_a0a0_0000_7000_8000_0000_0000_000b);

/// Of tenants, but for operators alone: a tenant sees none of it, not even what is about itself.
const OPERATORS_ONLY: &[&str] = &["product.erasures"];

/// What the database says where a policy or a missing grant refuses.
const REFUSED: &str = "42501";

/// Takes away whatever asks for more of a row than whose it is, so that each table can be given the same three rows: one of
/// ours, one of theirs, and one of nobody's. What is tried is not touched: policies, grants, owners.
const BARE: &str = "
do $$
declare it record;
begin
    for it in select c.conrelid::regclass as relation, c.conname as name from pg_constraint c
              where c.connamespace = 'product'::regnamespace and c.contype in ('c', 'f', 'p', 'u', 'x')
                and c.conrelid <> 0
    loop
        execute format('alter table %s drop constraint if exists %I cascade', it.relation, it.name);
    end loop;
    for it in select a.attrelid::regclass as relation, a.attname as name
              from pg_attribute a join pg_class c on c.oid = a.attrelid
              where c.relnamespace = 'product'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
                and not a.attisdropped and a.attnotnull and a.attidentity = ''
    loop
        execute format('alter table %s alter column %I drop not null', it.relation, it.name);
    end loop;
end $$";

/// Something that says whose its rows are.
struct Relation {
    name: String,
    is_view: bool,
}

async fn relations(every_row: &mut PgConnection) -> Vec<Relation> {
    let statement = "
        select n.nspname || '.' || quote_ident(c.relname) as name, c.relkind = 'v' as is_view
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'product' and c.relkind in ('r', 'p', 'v')
          and exists (select from pg_attribute a
                      where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        order by 1";
    let rows = sqlx::query(statement).fetch_all(every_row).await.unwrap();
    rows.iter().map(|row| Relation { name: row.get("name"), is_view: row.get("is_view") }).collect()
}

/// A database in which every table has the three rows.
async fn filled() -> (TestDb, Vec<Relation>) {
    let db = TestDb::new().await;
    let mut every_row = db.superuser().await;
    run(&mut every_row, BARE).await.unwrap();
    let relations = relations(&mut every_row).await;
    for Relation { name, .. } in relations.iter().filter(|it| !it.is_view) {
        let rows =
            format!("insert into {name} (tenant_id) values ('{OURS}'), ('{THEIRS}'), (null)");
        run(&mut every_row, &rows).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    every_row.close().await.unwrap();
    (db, relations)
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await?;
    Ok(done.rows_affected())
}

/// How many rows a statement met as the application, working for us; `None` where it was refused. Nothing of it stays.
async fn tried(app: &mut PgConnection, statement: &str) -> Option<u64> {
    let scope = format!(
        "begin; select set_config('trunkline.scope', 'tenant', true),
                       set_config('trunkline.tenant', '{OURS}', true)"
    );
    run(app, &scope).await.unwrap();
    let met = run(app, statement).await;
    run(app, "rollback").await.unwrap();
    match met {
        Ok(rows) => Some(rows),
        Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some(REFUSED) => None,
        Err(other) => panic!("{statement}: {other}"),
    }
}

/// What a tenant could do that it must not; empty if the walls stand.
async fn holes(db: &TestDb, relations: &[Relation]) -> Vec<String> {
    let mut app = PgConnection::connect(db.app_url().expose_secret()).await.unwrap();
    let mut holes = Vec::new();
    for relation in relations {
        holes.extend(holes_of(&mut app, relation).await);
    }
    app.close().await.unwrap();
    holes
}

async fn holes_of(app: &mut PgConnection, relation: &Relation) -> Vec<String> {
    let Relation { name, is_view } = relation;
    let own = u64::from(!OPERATORS_ONLY.contains(&name.as_str()));
    let mut holes = Vec::new();
    // Without a word of whose rows: the policy alone decides which there are.
    let seen = tried(app, &format!("select tenant_id from {name}")).await;
    if seen != Some(own) {
        holes.push(format!("{name}: {seen:?} rows are seen, and not {own}"));
    }
    let theirs = format!("select tenant_id from {name} where tenant_id is distinct from '{OURS}'");
    if tried(app, &theirs).await != Some(0) {
        holes.push(format!("{name}: others' rows are seen"));
    }
    let nobody = run(app, &format!("select tenant_id from {name}")).await.unwrap();
    if nobody != 0 {
        holes.push(format!("{name}: {nobody} rows are seen by whoever says nothing"));
    }
    if *is_view {
        return holes;
    }
    for whose in [format!("'{THEIRS}'"), "null".to_owned()] {
        let insert = format!("insert into {name} (tenant_id) values ({whose})");
        if tried(app, &insert).await.is_some() {
            holes.push(format!("{name}: a row of {whose} is put in"));
        }
        // A row that is not seen is not met, and what is ours does not become theirs.
        let give_away = format!("update {name} set tenant_id = {whose}");
        if !matches!(tried(app, &give_away).await, None | Some(0)) {
            holes.push(format!("{name}: a row is given to {whose}"));
        }
    }
    for (verb, statement) in [
        ("taken", format!("update {name} set tenant_id = '{OURS}'")),
        ("deleted", format!("delete from {name}")),
    ] {
        if !matches!(tried(app, &statement).await, None | Some(0 | 1)) {
            holes.push(format!("{name}: others' rows are {verb}"));
        }
    }
    holes
}

#[tokio::test]
async fn a_tenant_neither_sees_nor_writes_another_s_row_in_any_table_whatever_the_application_asks()
{
    let (db, relations) = filled().await;
    assert!(relations.len() > 30, "the schema has another name now");
    assert!(relations.iter().any(|it| it.is_view));
    assert_eq!(holes(&db, &relations).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_that_lets_everybody_in_is_noticed_on_whichever_side_it_is_open() {
    let (db, relations) = filled().await;
    let mut every_row = db.superuser().await;
    let only_ones_own =
        "using (product.may_see(tenant_id)) with check (product.may_see(tenant_id))";
    for (open, noticed) in [
        ("using (true) with check (true)", "others' rows are seen"),
        ("using (true) with check (product.may_see(tenant_id))", "others' rows are seen"),
        ("using (product.may_see(tenant_id)) with check (true)", "is put in"),
    ] {
        run(&mut every_row, &format!("alter policy only_ones_own on product.calls {open}"))
            .await
            .unwrap();
        let holes = holes(&db, &relations).await;
        assert!(holes.iter().any(|hole| hole.contains(noticed)), "{open}: {holes:?}");
        assert!(holes.iter().all(|hole| hole.starts_with("product.calls:")), "{holes:?}");
    }
    let closed = format!(
        "alter policy only_ones_own on product.calls {only_ones_own};
         alter table product.calls disable row level security"
    );
    run(&mut every_row, &closed).await.unwrap();
    let holes = holes(&db, &relations).await;
    assert!(holes.iter().any(|hole| hole.starts_with("product.calls:")), "{holes:?}");
    every_row.close().await.unwrap();
}
