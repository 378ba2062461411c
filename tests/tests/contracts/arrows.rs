//! Who may depend on whom. Adding an arrow is a design decision: change ARCHITECTURE.md in the same commit.

use std::collections::BTreeSet;

use crate::files;

/// Ours, in the order of the workspace; each with those of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("migrations", &[]),
    ("engine", &[]),
    ("clients", &[]),
    ("domain", &[]),
    ("workflows", &["engine", "domain", "clients"]),
    ("workers", &["engine", "domain", "clients", "workflows", "daemon", "migrations"]),
    ("api", &["engine", "domain", "clients", "workflows", "daemon", "migrations"]),
    ("daemon", &[]),
    ("sandbox", &["clients"]),
    ("crash-matrix", &["engine", "migrations", "daemon"]),
    ("bench", &["clients", "daemon", "engine", "migrations", "workers"]),
    (
        "cli",
        &[
            "api",
            "bench",
            "clients",
            "daemon",
            "domain",
            "engine",
            "migrations",
            "sandbox",
            "workers",
            "workflows",
        ],
    ),
    (
        "tests",
        &[
            "api",
            "clients",
            "crash-matrix",
            "daemon",
            "domain",
            "engine",
            "migrations",
            "sandbox",
            "workers",
            "workflows",
        ],
    ),
];

/// Others' crates that are the mark of a room.
const MARKS: &[(&str, &[&str])] = &[
    // Statements: the engine's tables, the product's, and their history.
    ("sqlx", &["migrations", "engine", "domain", "crash-matrix", "bench", "tests"]),
    // Speaking to the outside.
    ("reqwest", &["clients", "cli", "sandbox", "tests"]),
    // Being spoken to: the API, probes, the sandbox's providers, live calls, a collector of spans.
    ("axum", &["api", "daemon", "sandbox", "workers", "tests"]),
    ("apalis", &["workers"]),
    ("apalis-core", &["workers"]),
    // Errors without a type are for programs, not for rooms.
    ("anyhow", &["cli", "crash-matrix", "bench", "tests"]),
];

/// A workspace of its own for what we are measured beside, and what its programs may know of ours: how to start a server
/// and how to make a database on it.
const PEERS: &str = "bench/peers";
const PEERS_MAY: [&str; 2] = ["daemon", "migrations"];

/// A section of a manifest, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Needs {
    dev: bool,
    name: String,
}

/// The dependencies of a manifest.
fn needs(manifest: &str) -> Vec<Needs> {
    let mut section = None;
    let mut needs = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']');
            // `[target.'…'.dependencies]` too; `[dependencies.x]` is not our way of writing.
            section = name.ends_with("dependencies").then(|| name.ends_with("dev-dependencies"));
        } else if let (Some(dev), false) = (section, line.is_empty() || line.starts_with('#')) {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            needs.push(Needs { dev, name: line[..end].to_owned() });
        }
    }
    needs
}

fn members() -> Vec<String> {
    let manifest = files::read("Cargo.toml");
    let list = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn needs_of(member: &str) -> Vec<Needs> {
    needs(&files::read(&format!("{member}/Cargo.toml")))
}

#[test]
fn every_member_of_the_workspace_has_its_row_of_arrows() {
    let known: Vec<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members(), known);
}

#[test]
fn no_crate_depends_on_another_without_an_arrow() {
    let ours: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (member, may) in ARROWS {
        for need in needs_of(member).iter().filter(|need| !need.dev) {
            let name = need.name.as_str();
            assert!(!ours.contains(name) || may.contains(&name), "{member} must not know {name}");
        }
    }
}

#[test]
fn nothing_depends_on_the_tests_not_even_for_its_own() {
    for (member, _) in ARROWS {
        assert!(needs_of(member).iter().all(|need| need.name != "tests"), "{member}");
    }
}

#[test]
fn the_peers_are_a_workspace_of_their_own_that_nobody_links() {
    assert!(files::read("Cargo.toml").contains(&format!("exclude = [\"{PEERS}\"]")));
    let all = files::with_extension("toml");
    let manifests: Vec<_> = all.iter().filter(|file| file.path.ends_with("Cargo.toml")).collect();
    for file in manifests {
        if file.path.starts_with(PEERS) {
            for need in needs(&file.text) {
                let is_ours = ARROWS.iter().any(|(name, _)| *name == need.name);
                let may = PEERS_MAY.contains(&need.name.as_str());
                assert!(!is_ours || may, "{} must not know {}", file.path, need.name);
            }
        } else if file.path != "Cargo.toml" {
            assert!(!file.text.contains("peers"), "{} must not know the peers", file.path);
        }
    }
}

#[test]
fn the_crates_that_mark_a_room_are_named_in_that_room_alone() {
    for (mark, rooms) in MARKS {
        for (member, _) in ARROWS {
            let names = needs_of(member).iter().any(|need| !need.dev && need.name == *mark);
            assert!(!names || rooms.contains(member), "{member} must not name {mark}");
        }
    }
}

#[test]
fn every_arrow_of_the_code_is_in_the_table_of_the_architecture() {
    let rows = crate::documents::rows("ARCHITECTURE.md");
    for (member, _) in ARROWS.iter().filter(|(member, _)| !["cli", "tests"].contains(member)) {
        let row = rows
            .iter()
            .find(|row| row.len() == 2 && row[0].split(", ").any(|name| name == *member));
        let row = row.unwrap_or_else(|| panic!("{member} has no row of arrows in ARCHITECTURE.md"));
        for need in needs_of(member).iter().filter(|need| !need.dev) {
            let is_ours = ARROWS.iter().any(|(name, _)| *name == need.name);
            assert!(!is_ours || row[1].contains(&need.name), "{member} → {} is missing", need.name);
        }
    }
}

#[test]
fn dependencies_are_read_from_every_section() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# no\nengine.workspace = true\n\
        [target.'cfg(unix)'.dependencies]\nsqlx = { version = \"1\" }\n[dev-dependencies]\ntower.workspace = true\n[lints]\nworkspace = true";
    let found: Vec<_> = needs(manifest).into_iter().map(|it| (it.name, it.dev)).collect();
    let wanted = [("engine", false), ("sqlx", false), ("tower", true)];
    assert_eq!(found, wanted.map(|(name, dev)| (name.to_owned(), dev)));
}
