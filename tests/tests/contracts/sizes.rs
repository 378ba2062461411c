//! How long a file may be: a sitting, not a shelf.

use crate::files;

const LINES_MAX: usize = 400;

/// Longer ones, with the reason. This list only shrinks.
const LONGER: &[(&str, &str)] = &[];

/// A README is for the first five minutes.
const README_LINES_MAX: usize = 200;

#[test]
fn no_file_is_longer_than_a_sitting_without_a_reason() {
    let long: Vec<_> = ["rs", "sql", "sh"]
        .iter()
        .flat_map(|extension| files::with_extension(extension))
        .filter(|file| file.path != "migrations/schema.sql") // generated
        .filter(|file| file.text.lines().count() > LINES_MAX)
        .filter(|file| !LONGER.iter().any(|(path, _)| *path == file.path))
        .map(|file| file.path)
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:?}");
}

#[test]
fn every_exception_is_still_needed() {
    for (path, reason) in LONGER {
        let lines = files::read(path).lines().count();
        assert!(lines > LINES_MAX && !reason.is_empty(), "{path} has {lines} lines");
    }
}

#[test]
fn the_readme_can_be_read_at_once() {
    assert!(files::read("README.md").lines().count() < README_LINES_MAX);
}
