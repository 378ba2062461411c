//! How tests are called: a sentence about what holds, so that a failure reads as one that does not.

use crate::files;

const WORDS_MIN: usize = 3;

/// The functions behind `#[test]` and its like.
fn tests_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let (true, Some(rest)) =
            (is_test, line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")))
        {
            names.extend(rest.split('(').next());
            is_test = false;
        }
    }
    names
}

#[test]
fn every_test_is_called_by_a_sentence() {
    for file in files::rust() {
        for name in tests_in(&file.text) {
            let words = name.split('_').count();
            let is_sentence = words >= WORDS_MIN && !name.starts_with(concat!("te", "st_"));
            assert!(is_sentence, "{}: {name} is no sentence", file.path);
        }
    }
}

#[test]
fn tests_of_all_kinds_are_found() {
    let text = "#[test]\nfn a_b_c() {\n#[tokio::test(flavor = \"x\")]\n#[expect(x)]\nasync fn d_e_f() {\nfn g() {";
    assert_eq!(tests_in(text), ["a_b_c", "d_e_f"]);
}
