//! docs/promises.md against the tests that it names.

use std::collections::BTreeSet;

use crate::{documents, files};

const TABLE: &str = "docs/promises.md";

/// So many promises the engine makes.
const PROMISES: u8 = 8;

/// The tests that a cell names, as file and function.
fn tests(cell: &str) -> Vec<(String, String)> {
    let one = |part: &str| {
        let (file, name) = part.trim().split_once("::")?;
        Some((file.to_owned(), name.to_owned()))
    };
    cell.split(',').filter_map(one).collect()
}

#[test]
fn every_promise_has_a_test_that_tries_to_break_it() {
    let mut kept = BTreeSet::new();
    for row in documents::rows(TABLE) {
        let number = row[0].split('.').next().unwrap_or_default();
        let Ok(number) = number.parse::<u8>() else { continue };
        assert!(!tests(&row[1]).is_empty(), "promise {number}: {row:?}");
        kept.insert(number);
    }
    assert_eq!(kept, (1..=PROMISES).collect());
}

#[test]
fn every_test_that_a_promise_names_exists() {
    for row in documents::rows(TABLE) {
        for (file, name) in row.iter().flat_map(|cell| tests(cell)) {
            let is_there = files::read(&file).contains(&format!("fn {name}("));
            assert!(is_there, "{TABLE} names {name}, which is not in {file}");
        }
    }
}

#[test]
fn every_planted_bug_is_in_the_table_with_what_notices_it() {
    let source = files::read("engine/src/planted.rs");
    let words: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Bug::")?.split('"').nth(1))
        .collect();
    let table: Vec<_> = documents::rows(TABLE);
    assert_eq!(words.len(), 5);
    for word in words {
        let row = table.iter().find(|row| row[0] == word);
        let row = row.unwrap_or_else(|| panic!("{word} is not in {TABLE}"));
        assert!(!tests(row.last().expect("cells")).is_empty(), "{word} is noticed by nothing");
    }
}

#[test]
fn no_crate_plants_bugs_by_default() {
    for manifest in
        files::with_extension("toml").iter().filter(|file| file.path.ends_with("Cargo.toml"))
    {
        for line in manifest.text.lines().filter(|line| line.contains("planted-bugs")) {
            let may = match manifest.path.as_str() {
                "engine/Cargo.toml" => line == "planted-bugs = []",
                "tests/Cargo.toml" => {
                    line == "planted-bugs = [\"engine/planted-bugs\"]"
                        || line == "required-features = [\"planted-bugs\"]"
                }
                _ => false,
            };
            assert!(may, "{}: {line}", manifest.path);
        }
        assert!(!manifest.text.contains("\ndefault = ["), "{} has default features", manifest.path);
    }
}
