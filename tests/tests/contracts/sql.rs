//! Where statements may stand: one place for the engine's tables, one for the product's, one for their history,
//! one for what they are measured against.

use crate::source;

/// The benchmarks are beside what is theirs to measure against: plain SQL.
const PLACES: [&str; 4] = ["engine/src/store/", "domain/src/", "migrations/src/", "bench/src/"];

#[test]
fn statements_stand_with_their_tables() {
    let strays: Vec<_> = source::production()
        .into_iter()
        .filter(|file| file.text.contains("sqlx::query") || file.text.contains("QueryBuilder"))
        .map(|file| file.path)
        .filter(|path| !PLACES.iter().any(|place| path.starts_with(place)))
        .collect();
    assert!(strays.is_empty(), "SQL outside of {PLACES:?}: {strays:?}");
}

#[test]
fn every_token_takes_its_lane_along() {
    // One that forgot it would step around the job's gates.
    for file in
        source::production().iter().filter(|file| file.path.starts_with("engine/src/store/"))
    {
        for table in ["trunkline.ready (", "trunkline.waits (", "trunkline.leases ("] {
            for statement in file.text.split(&format!("insert into {table}")).skip(1) {
                let until = statement.find("insert into").unwrap_or(statement.len());
                let statement: String = statement[..until].chars().take(700).collect();
                assert!(
                    statement.contains("lane"),
                    "{}: insert into {table}{statement}",
                    file.path
                );
            }
        }
    }
}

#[test]
fn the_engine_knows_nothing_of_the_product() {
    for file in source::production().iter().filter(|file| file.room() == "engine") {
        for word in ["from product", "into product", "update product", "twilio", "stripe", "phone"]
        {
            assert!(!file.text.to_lowercase().contains(word), "{} speaks of {word}", file.path);
        }
    }
}
