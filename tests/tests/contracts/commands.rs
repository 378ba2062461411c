//! The commands that the documents name: subcommands and options of `trunkline`, options and suites of the scripts.

use std::collections::BTreeSet;

use crate::{documents, files, source};

const PROGRAM: &str = "trunkline ";

/// Not for people, so not in the help; but written about.
const HIDDEN: [&str; 1] = ["guard-postgres"];

/// The scripts, whose options stand in their texts.
const SCRIPTS: [&str; 8] = [
    "dev",
    "test",
    ".ci/sqlx",
    ".ci/run",
    "ops/backup/backup",
    "ops/backup/drill",
    "ops/backup/reconcile",
    "ops/backup/restore",
];

/// The same routes under other names, for whoever knows them by these: one name is enough for a command.
const ALIASES: [&str; 1] = ["/api/health/detailed"];

/// What the documents show as code: spans and blocks.
fn code() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for document in documents::all() {
        let spans = documents::spans(&document).into_iter();
        lines.extend(spans.map(|found| (found.place, found.text)));
        for block in documents::blocks(&document) {
            let shown = block.text.lines().map(|line| (document.path.clone(), line.to_owned()));
            lines.extend(shown);
        }
    }
    lines
}

/// Where the nouns of operators, their verbs and what these are told stand.
const OPERATIONS: [&str; 2] = ["cli/src/operate/table.rs", "cli/src/operate/product.rs"];
const OPERATIONS_OPTIONS: [&str; 3] = [OPERATIONS[0], OPERATIONS[1], "cli/src/operate/mod.rs"];

/// The variants of the command line's enum, as they are typed, and the nouns of the table of operations.
fn subcommands() -> Vec<String> {
    let mut all = variants();
    all.extend(operations().into_iter().map(|operation| operation.noun));
    all
}

fn variants() -> Vec<String> {
    let args = files::read("cli/src/args.rs");
    let body = args.split("pub(crate) enum Command {").nth(1).and_then(|it| it.split('}').next());
    let variant = |line: &str| {
        let name: String = line.trim().chars().take_while(|c| c.is_alphanumeric()).collect();
        name.starts_with(char::is_uppercase).then(|| kebab(&name))
    };
    body.expect("the enum is there").lines().filter_map(variant).collect()
}

/// An operation that has a noun and a verb: `get("job", "list", "/v1/admin/jobs", …)`.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    noun: String,
    verb: String,
    method: &'static str,
    path: String,
}

fn operations() -> Vec<Operation> {
    let text = OPERATIONS.map(|path| {
        let text = files::read(path);
        text.split("const OPERATIONS: ").nth(1).unwrap_or_default().to_owned()
    });
    let table = text.concat();
    let mut found = Vec::new();
    for (method, call) in [("GET", " get("), ("POST", " post("), ("PATCH", " patch(")] {
        for rest in table.split(call).skip(1) {
            let mut words = rest.split('"').skip(1).step_by(2).map(ToOwned::to_owned);
            if let (Some(noun), Some(verb), Some(path)) = (words.next(), words.next(), words.next())
            {
                found.push(Operation { noun, verb, method, path });
            }
        }
    }
    found
}

#[test]
fn every_operation_of_the_operators_api_has_a_noun_and_a_verb() {
    let ours: BTreeSet<_> = operations().into_iter().map(|it| (it.method, it.path)).collect();
    let routes: BTreeSet<_> = api::ROUTES
        .iter()
        .filter(|route| route.guard == api::Guard::AdminKey && !ALIASES.contains(&route.path))
        .map(|route| (route.method, route.path.to_owned()))
        .collect();
    assert_eq!(ours, routes);
}

#[test]
fn every_verb_that_a_document_names_exists() {
    let operations = operations();
    for (place, line) in code() {
        for (at, _) in line.match_indices(PROGRAM) {
            let mut words = line[at + PROGRAM.len()..].split_whitespace();
            let (Some(noun), Some(verb)) = (words.next(), words.next()) else { continue };
            let is_verb = verb.starts_with(|c: char| c.is_ascii_lowercase())
                && verb.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            // `webhook` has verbs of its own, `queue drain` is made of two operations.
            let is_ours = operations.iter().any(|it| it.noun == noun) && noun != "webhook";
            if is_ours && is_verb && (noun, verb) != ("queue", "drain") {
                let exists = operations.iter().any(|it| (&*it.noun, &*it.verb) == (noun, verb));
                assert!(exists, "{place}: there is no `trunkline {noun} {verb}`");
            }
        }
    }
}

fn kebab(name: &str) -> String {
    let mut typed = String::new();
    for (at, c) in name.chars().enumerate() {
        if at > 0 && c.is_uppercase() {
            typed.push('-');
        }
        typed.extend(c.to_lowercase());
    }
    typed
}

#[test]
fn every_command_that_the_console_shows_exists_with_its_options() {
    let (operations, options) = (operations(), OPERATIONS_OPTIONS.map(files::read).concat());
    let text = files::read("api/src/console/command.rs");
    let table = text.split("const COMMANDS").nth(1).and_then(|it| it.split("];").next());
    let table = table.expect("the table is there");
    let mut found = 0;
    for command in table.split('"').filter_map(|it| it.strip_prefix(PROGRAM)) {
        let words: Vec<_> = command.split(' ').collect();
        let exists = operations.iter().any(|it| [&*it.noun, &*it.verb] == words[..2]);
        assert!(exists, "there is no `trunkline {command}`");
        for name in words.iter().filter_map(|word| word.strip_prefix("--")) {
            assert!(source::has_word(&options, &name.replace('-', "_")), "{command}: --{name}");
        }
        found += 1;
    }
    assert!(found > 20, "{found}");
}

#[test]
fn every_subcommand_that_a_document_names_exists() {
    let known = subcommands();
    assert!(known.iter().any(|name| name == "dev"), "{known:?}");
    for (place, line) in code() {
        for (at, _) in line.match_indices(PROGRAM) {
            // `-p cli --bin trunkline -- dev`: what follows the dashes is the subcommand.
            let rest = line[at + PROGRAM.len()..].trim_start_matches("-- ");
            let word: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if !word.is_empty() && !word.starts_with('-') {
                let exists = known.contains(&word) || HIDDEN.contains(&word.as_str());
                assert!(exists, "{place}: there is no `trunkline {word}`");
            }
        }
    }
}

#[test]
fn every_option_that_a_document_names_exists() {
    let options = OPERATIONS_OPTIONS.map(files::read).concat() + &files::read("cli/src/args.rs");
    let scripts = SCRIPTS.map(files::read).concat();
    for (place, line) in code() {
        let about_us =
            [PROGRAM, "./dev", "./test", ".ci/", "ops/backup/"].iter().any(|it| line.contains(it));
        for word in line.split_whitespace().filter(|word| about_us && word.len() > 2) {
            let word = word.trim_matches(|c: char| "[]()|,.".contains(c));
            let Some(option) = word.strip_prefix("--").filter(|it| !it.is_empty()) else {
                continue;
            };
            let name = option.split('=').next().unwrap_or_default();
            let exists = source::has_word(&options, &name.replace('-', "_"))
                || scripts.contains(&format!("--{name}"));
            assert!(exists, "{place}: there is no --{name}");
        }
    }
}

#[test]
fn every_suite_that_a_document_names_exists() {
    for (place, line) in code() {
        let Some(rest) = line.split("./test ").nth(1) else { continue };
        let words = rest.split('#').next().unwrap_or_default().split_whitespace();
        for suite in words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
            let exists = suite == "unit"
                || files::root().join(format!("tests/tests/{suite}/main.rs")).exists();
            assert!(exists, "{place}: there is no suite {suite}");
        }
    }
}

#[test]
fn subcommands_are_typed_with_dashes() {
    assert_eq!(kebab("Dev"), "dev");
    assert_eq!(kebab("GuardPostgres"), "guard-postgres");
}
