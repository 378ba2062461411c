//! docs/configuration.md against the variables that the programs read.

use std::collections::BTreeSet;

use crate::{documents, files, source};

const TABLE: &str = "docs/configuration.md";

/// In quotes and in capitals, but no variable of ours.
const NO_VARIABLES: &[(&str, &str)] = &[
    ("PG_VERSION", "a file of Postgres"),
    ("LC_ALL", "set for initdb and postgres, not read"),
    ("SMS_DELIVERY_ERROR", "an event in the log"),
    ("WEBHOOK_VALIDATION_FAILED", "an event in the log"),
];

/// The scripts at the root and in .ci, which are configured by variables too.
const SCRIPTS: [&str; 4] = ["dev", "test", ".ci/sqlx", ".ci/run"];

/// What production code names in quotes, what tests ask the environment for, and what the scripts name with our prefix.
fn read() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in source::production() {
        names.extend(quoted(&file.text));
    }
    for file in files::rust() {
        names.extend(quoted(&file.text).filter(|name| {
            ["var(", "var_os("].iter().any(|call| file.text.contains(&format!("{call}\"{name}\"")))
                && name.starts_with("TRUNKLINE_")
        }));
    }
    for script in SCRIPTS {
        let text = files::read(script);
        let ours = source::shouted(&text).filter(|name| name.starts_with("TRUNKLINE_"));
        names.extend(ours.map(ToOwned::to_owned));
    }
    names.retain(|name| !NO_VARIABLES.iter().any(|(known, _)| known == name));
    names
}

/// Quoted words in capitals, without those that the compiler sets (`env!("CARGO_…")`).
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| source::shouted(word).next() == Some(word) && !word.starts_with("CARGO_"))
        .map(ToOwned::to_owned)
}

/// The variables in the first cells of the table.
fn written() -> BTreeSet<String> {
    let rows = documents::rows(TABLE);
    rows.iter()
        .flat_map(|row| row[0].split(", ").map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let written = written();
    let missing: Vec<_> = read().into_iter().filter(|name| !written.contains(name)).collect();
    assert!(missing.is_empty(), "{TABLE} lacks {missing:?}");
}

#[test]
fn every_variable_in_the_table_is_read_somewhere() {
    let scripts = SCRIPTS.map(files::read).concat();
    let code = files::rust().into_iter().map(|file| file.text).collect::<String>() + &scripts;
    for name in written() {
        assert!(source::has_word(&code, &name), "{TABLE}: nobody reads {name}");
    }
}

#[test]
fn every_variable_that_a_document_names_is_in_the_table() {
    let written = written();
    // Constants of the code are written alike.
    let constants = files::rust().into_iter().map(|file| file.text).collect::<String>();
    for document in documents::all() {
        for found in documents::spans(&document) {
            for name in source::shouted(&found.text).filter(|name| !name.ends_with('_')) {
                let known = written.contains(name) || constants.contains(&format!("const {name}:"));
                assert!(known, "{}: nobody reads {name}", found.place);
            }
        }
    }
}

#[test]
fn variables_are_told_from_other_words_in_quotes() {
    let text = r#"env.var("DATABASE_URL"); env!("CARGO_PKG_VERSION"); say("A word_ID");"#;
    assert_eq!(quoted(text).collect::<Vec<_>>(), ["DATABASE_URL"]);
}
