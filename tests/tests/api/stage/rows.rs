//! Everything that is written, counted.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use tests::TestDb;

/// How many rows each table has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows(BTreeMap<String, i64>);

impl Rows {
    /// Counts all rows of all tables, the engine's and the product's.
    pub(crate) async fn count(db: &TestDb) -> Rows {
        let mut connection = db.superuser().await;
        let tables = "select schemaname || '.' || quote_ident(tablename) from pg_tables
                      where schemaname in ('trunkline', 'product') order by 1";
        let tables: Vec<String> =
            sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
        assert!(tables.len() > 20, "the schemas have other names now");
        let counts = tables.iter().map(|table| format!("select '{table}', count(*) from {table}"));
        let statement = counts.collect::<Vec<_>>().join(" union all ");
        let counts = sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut connection).await;
        Rows(counts.unwrap().into_iter().collect())
    }

    /// Whatever this table has.
    pub(crate) fn but_for(mut self, table: &str) -> Rows {
        assert!(self.0.remove(table).is_some(), "there is no {table}");
        self
    }
}
