//! What no source file does, beyond what the compiler's lints can see.

use crate::{files, source};

/// What production code does not contain, with what to do instead. Clippy says most of it too; this says it also of code
/// that clippy does not see, such as another platform's.
const NEVER: &[(&str, &str)] = &[
    (".unwrap()", "handle it, or `expect` with the reason why it holds"),
    ("todo!(", "finish it, or leave it out"),
    ("unimplemented!(", "finish it, or leave it out"),
    ("dbg!(", "log it"),
    ("thread::sleep(", "wait for what is waited for"),
    ("#[allow(", "#[expect(…, reason = …)] complains when it is no longer needed"),
];

/// Where one of them has to be, with the reason.
const EXCEPT: &[(&str, &str, &str)] = &[(
    "daemon/src/postgres/server.rs",
    "thread::sleep(",
    "another process's files wake nobody; it looks again on a thread, outside of the runtime",
)];

/// Marks of unfinished work: an issue has a place, a comment is forgotten.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders and papers of whoever built this, which a reader of this repository does not have.
const NOT_OURS: [&str; 5] = [
    concat!("sha", "red/"),
    concat!("/wo", "rk/"),
    concat!("inter", "faces.md"),
    concat!("inven", "tory.md"),
    concat!("provi", "ders.md"),
];

#[test]
fn production_code_keeps_to_the_habits() {
    for file in source::production() {
        for (never, instead) in NEVER {
            let is_known = EXCEPT.iter().any(|(path, what, _)| *path == file.path && what == never);
            for (number, _) in file.text.lines().enumerate().filter(|(_, it)| it.contains(never)) {
                assert!(is_known, "{}:{}: {never} — {instead}", file.path, number + 1);
            }
        }
    }
}

#[test]
fn nothing_is_marked_as_unfinished() {
    for file in files::rust() {
        for mark in MARKS {
            assert!(!source::has_word(&file.text, mark), "{} has a {mark}", file.path);
        }
    }
}

#[test]
fn no_file_speaks_of_what_only_its_builders_have() {
    for file in files::all() {
        // The one place that looks for optional inputs beside the checkout.
        if file.path == ".ci/run" {
            continue;
        }
        for name in NOT_OURS {
            // A path of ours may end in the same letters.
            let stray = file.text.match_indices(name).any(|(at, _)| {
                !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
            });
            assert!(!stray, "{} speaks of {name}", file.path);
        }
    }
}
