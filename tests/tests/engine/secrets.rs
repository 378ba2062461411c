//! What is sealed is in no table in the clear.

use std::sync::Arc;

use engine::{Sealed, Sealer, State, Workflow};
use tests::WorkerOptions;

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

/// A run before, one during, one after the exchange of a key; in the end the old key is gone and all can be opened.
#[tokio::test]
async fn a_key_is_exchanged_under_live_runs() {
    const OLD: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str = "next:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let rig = Rig::new().await;
    let seal =
        |text: &str| Secret { code: rig.engine.sealer().seal(&text.to_owned()).unwrap() }.job();
    let worker = rig.worker().await;
    let done = rig.enqueue(seal("done")).await;
    let waiting = rig.enqueue(seal("waiting")).await;
    for id in [done, waiting] {
        rig.becomes(id, State::Waiting).await;
    }
    let kept = rig.engine.sealer().seal(&"kept".to_owned()).unwrap();
    rig.signal(done, "go", serde_json::to_value(&kept).unwrap(), None).await;
    rig.becomes(done, State::Succeeded).await;
    worker.drain(std::time::Duration::from_secs(10)).await;

    let both = Sealer::parse(&format!("{NEW},{OLD}")).unwrap();
    let url = rig.db.app_url();
    let (one, two) = tokio::join!(engine::rewrap(url, &both), engine::rewrap(url, &both));
    let rewrapped = one.unwrap().rewrapped + two.unwrap().rewrapped;
    // Two arguments, two steps, an output, and the signal that the first run took, kept in its checkpoint.
    assert_eq!(rewrapped, 6);
    let again = engine::rewrap(url, &both).await.unwrap();
    assert!(again.found_nothing() && again.rows > 0, "{again:?}");
    assert_eq!(tables_with(&rig, "\"key\": \"test\"").await, Vec::<String>::new());

    let alone = Arc::new(Sealer::parse(NEW).unwrap());
    let config = engine::Config { sealer: Arc::clone(&alone), ..rig.db.engine_config() };
    let _worker = rig.worker_at(config, WorkerOptions::default()).await;
    rig.signal(waiting, "go", 1.into(), None).await;
    for (id, expected) in [(done, "done!"), (waiting, "waiting!")] {
        rig.becomes(id, State::Succeeded).await;
        let output: Sealed<String> =
            serde_json::from_value(rig.engine.output(id).await.unwrap().unwrap()).unwrap();
        assert_eq!(alone.open(&output).unwrap(), expected);
    }
    // The old key alone opens nothing any more, and says so.
    let old = engine::rewrap(url, &Sealer::parse(OLD).unwrap()).await.unwrap();
    assert_eq!((old.rewrapped, old.unopenable.get("next").copied()), (0, Some(7)));
}
