//! docs/coverage.md: every item has its row, and every test that a row names is one.

use std::collections::BTreeSet;

use crate::{documents, files};

const TABLE: &str = "docs/coverage.md";

/// The first wave without calls, by the numbers of the inventory.
const ITEMS: &[&[u16]] = &[
    &[7, 16, 35, 38, 39, 40, 41, 67, 68, 69, 70, 74, 75, 78, 90, 91, 92, 95, 96, 97, 98],
    &[105, 106, 107, 120, 134],
    &[140, 141, 147, 151, 152, 153, 158, 159, 160, 161, 162, 163, 164, 165, 177, 199, 200, 201],
    &[325, 326, 354, 356, 357, 358, 359, 360, 374, 375, 376, 377, 378],
];

#[test]
fn every_item_of_the_first_wave_has_one_row() {
    let rows = documents::rows(TABLE);
    let listed: Vec<u16> = rows.iter().filter_map(|row| row[0].parse().ok()).collect();
    assert_eq!(listed, ITEMS.concat());
}

#[test]
fn every_row_names_tests_that_exist_or_says_that_nothing_is_built() {
    for row in documents::rows(TABLE) {
        let [item, _, covered] = row.as_slice() else { panic!("{row:?} has three cells") };
        let named: BTreeSet<&str> =
            covered.split([',', ';', ' ']).filter(|word| word.contains(".rs::")).collect();
        assert!(!named.is_empty() || covered.contains("not built"), "{item}: {covered}");
        for test in named {
            let (path, name) = test.split_once("::").unwrap_or_default();
            let text = files::read(path);
            let at = text.find(&format!("fn {name}(")).unwrap_or_else(|| panic!("{item}: {test}"));
            // Attributes stand right above, in some order; a property's stand above its macro.
            let above: Vec<_> = text[..at].lines().rev().take(6).collect();
            assert!(above.iter().any(|line| line.contains("test")), "{item}: {test} is no test");
        }
    }
}
