//! Rust, read as lines: enough to tell what runs in production from what does not, without a parser.

use std::collections::BTreeSet;

use crate::files::{self, File};

/// What is built for tests alone.
const FOR_TESTS: [&str; 2] = ["crash-matrix", "tests"];

/// A workspace of its own, beside which we are measured.
const PEERS: &str = "bench/peers/";

/// What runs in production: no comments, no tests, and none of what exists for tests only.
pub(crate) fn production() -> Vec<File> {
    let all = files::rust();
    let for_tests: BTreeSet<String> = all.iter().flat_map(test_files).collect();
    all.into_iter()
        .filter(|file| file.path.contains("/src/") && !FOR_TESTS.contains(&file.room()))
        .filter(|file| !file.path.starts_with(PEERS))
        .filter(|file| !for_tests.contains(&file.path))
        .map(|file| File { text: without_tests(&file.text), path: file.path })
        .collect()
}

/// The files that a file declares under `#[cfg(test)]`.
fn test_files(file: &File) -> Vec<String> {
    let folder = match file.path.rsplit_once('/') {
        Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
        _ => file.path.trim_end_matches(".rs"),
    };
    let lines: Vec<_> = file.text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'))
        .map(|name| format!("{folder}/{name}.rs"))
        .collect()
}

/// What is for tests only goes, and comments go, so that a rule can be written about. Lines keep their numbers.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = if line.trim_start().starts_with("//") { "" } else { line };
        if ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|it| line.trim().starts_with(it)) {
            let indent = line.len() - line.trim_start().len();
            kept.extend(std::iter::repeat_n('\n', 1 + item_lines(lines.clone(), indent)));
            lines.nth(item_lines(lines.clone(), indent).saturating_sub(1));
            continue;
        }
        kept.push_str(code.split(" // ").next().unwrap_or_default());
        kept.push('\n');
    }
    kept
}

/// How many lines the item has that begins here: one that ends with a semicolon, or all to its closing brace.
fn item_lines<'a>(lines: impl Iterator<Item = &'a str>, indent: usize) -> usize {
    let end = format!("{:indent$}}}", "");
    let mut count = 0;
    let mut is_first = true;
    for line in lines {
        count += 1;
        let is_attribute = line.trim_start().starts_with("#[");
        if line == end || is_first && !is_attribute && line.ends_with([';', '}']) {
            break;
        }
        is_first &= is_attribute;
    }
    count
}

/// Whether a word stands in a text as a word.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

/// Words such as `DATABASE_URL`.
pub(crate) fn shouted(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.trim_end_matches('_').contains('_')
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

#[test]
fn only_what_runs_in_production_is_kept() {
    let text = "//! words\nlet a = 1; // more\n    #[cfg(test)]\n    const B: u8 = 1;\nc();\n\
        #[cfg(test)]\nmod tests {\n    fn d() {\n    }\n}\ne();\n";
    assert_eq!(without_tests(text), "\nlet a = 1;\n\n\nc();\n\n\n\n\n\ne();\n");
    let lib = File { path: "x/src/a.rs".into(), text: "#[cfg(test)]\nmod b;".into() };
    assert_eq!(test_files(&lib), ["x/src/a/b.rs"]);
}

#[test]
fn words_are_found_as_words_alone() {
    assert!(has_word("fn commit(self)", "commit"));
    assert!(!has_word("fn committed()", "commit"));
    let found: Vec<_> = shouted("`DATABASE_URL`, TWILIO_*, Db_X, URL").collect();
    assert_eq!(found, ["DATABASE_URL"]);
}
