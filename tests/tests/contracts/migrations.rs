//! The history of the schema: append-only, one idea a file, and a head that says what it is for.

use crate::files::{self, File};

/// What a migration can do, by the first word of its name.
const VERBS: &[&str] = &[
    "add", "alter", "backfill", "create", "drop", "gate", "grant", "index", "rename", "validate",
    "widen",
];

const DIGITS: usize = 14;

fn history() -> Vec<File> {
    files::with_extension("sql")
        .into_iter()
        .filter(|file| file.path.starts_with("migrations/") && file.path.matches('/').count() == 1)
        .filter(|file| file.path != "migrations/schema.sql")
        .collect()
}

fn version_of(file: &File) -> &str {
    file.path.trim_start_matches("migrations/").split('_').next().unwrap_or_default()
}

#[test]
fn every_migration_is_named_by_time_verb_and_noun() {
    let history = history();
    assert!(!history.is_empty());
    for file in &history {
        let name = file.path.trim_start_matches("migrations/").trim_end_matches(".sql");
        let mut words = name.split('_');
        let (version, verb, noun) = (words.next(), words.next(), words.next());
        let is_time =
            version.is_some_and(|it| it.len() == DIGITS && it.chars().all(|c| c.is_ascii_digit()));
        let is_verb = verb.is_some_and(|verb| VERBS.contains(&verb));
        assert!(is_time && is_verb && noun.is_some_and(|it| !it.is_empty()), "{}", file.path);
    }
}

#[test]
fn no_two_migrations_have_one_version() {
    let history = history();
    for pair in history.windows(2) {
        assert!(version_of(&pair[0]) < version_of(&pair[1]), "{}", pair[1].path);
    }
}

#[test]
fn every_migration_begins_by_saying_what_it_is_for() {
    for file in history() {
        assert!(file.text.starts_with("-- "), "{} has no head", file.path);
    }
}

#[test]
fn an_index_that_is_built_concurrently_is_alone_in_its_file() {
    for file in history() {
        let text = file.text.to_lowercase();
        if text.contains("index concurrently") {
            assert!(text.starts_with("-- no-transaction"), "{}", file.path);
            assert_eq!(text.matches(';').count(), 1, "{}", file.path);
        }
    }
}
