//! What is sealed is in no table in the clear.

use engine::{State, Workflow};

use crate::toy::{Rig, Secret};

const CODE: &str = "correct-horse-4711";

#[tokio::test]
async fn a_sealed_argument_is_nowhere_in_the_clear() {
    let rig = Rig::new().await;
    let code = rig.engine.sealer().seal(&CODE.to_owned()).unwrap();
    let id = rig.enqueue(Secret { code }.job()).await;
    let _worker = rig.worker().await;
    rig.becomes(id, State::Waiting).await;
    assert_eq!(tables_with(&rig, CODE).await, Vec::<String>::new());
    rig.signal(id, "go", 1.into(), None).await;
    let job = rig.becomes(id, State::Succeeded).await;
    assert_eq!(tables_with(&rig, CODE).await, Vec::<String>::new());
    assert!(!tables_with(&rig, "sealed").await.is_empty(), "the search finds what is there");
    let shown = serde_json::to_string(&job).unwrap();
    assert!(
        !shown.contains(CODE) && shown.contains("sealed") && !shown.contains("\"box\""),
        "{shown}"
    );
    let output = rig.engine.output(id).await.unwrap().unwrap();
    let output: engine::Sealed<String> = serde_json::from_value(output).unwrap();
    assert_eq!(rig.engine.sealer().open(&output).unwrap(), format!("{CODE}!"));
}

/// Looks for a text in every row of every table.
async fn tables_with(rig: &Rig, text: &str) -> Vec<String> {
    let mut connection = rig.db.superuser().await;
    let statement = "select table_schema || '.' || table_name from information_schema.tables
                     where table_schema in ('trunkline', 'public', 'toy') and table_type = 'BASE TABLE'";
    let tables: Vec<String> =
        sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 20);
    let mut found = Vec::new();
    for table in tables {
        let search = sqlx::AssertSqlSafe(format!(
            "select count(*) from {table} t where t::text like '%{text}%'"
        ));
        let rows: i64 = sqlx::query_scalar(search).fetch_one(&mut connection).await.unwrap();
        if rows > 0 {
            found.push(table);
        }
    }
    found
}
