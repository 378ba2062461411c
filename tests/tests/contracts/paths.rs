//! The files and items that the documents name exist. A span such as `engine/src/tx.rs::Tx::commit` names both.

use std::path::{Path, PathBuf};

use crate::{
    documents::{self, Found},
    files::{self, File},
    source,
};

/// A bare name with one of these endings is a file, too.
const ENDINGS: [&str; 7] = [".md", ".toml", ".rs", ".sql", ".sh", ".json", ".yml"];

/// Spans that look like paths and are none.
const NO_PATHS: [&str; 2] = ["application/problem+json", "application/json"];

/// Made by programs: a fresh clone has none of it.
const MADE: [&str; 2] = ["target/", ".trunkline"];

/// A file that is named, and the items in it.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    path: &'a str,
    items: Vec<&'a str>,
}

fn named(span: &str) -> Option<Named<'_>> {
    let mut parts = span.split("::");
    let path = parts.next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_path = path.contains('/') || ENDINGS.iter().any(|ending| path.ends_with(ending));
    let is_ours = is_path
        && path.chars().all(is_plain)
        && !path.starts_with(['/', '-'])
        && !MADE.iter().any(|made| path.starts_with(made))
        && !ENDINGS.contains(&path) // an ending alone is about files of that kind
        && !NO_PATHS.contains(&span);
    is_ours.then(|| Named { path, items: parts.map(|item| item.trim_end_matches("()")).collect() })
}

/// From the root, or from the document's own folder.
fn find(found: &Found, path: &str) -> Option<PathBuf> {
    [Path::new(""), Path::new(&found.folder)]
        .iter()
        .map(|base| files::root().join(base).join(path))
        .find(|candidate| candidate.exists())
}

/// A bare name may stand for every file that is called so.
fn is_common_name(name: &str, files: &[File]) -> bool {
    !name.contains('/') && files.iter().any(|file| file.path.ends_with(&format!("/{name}")))
}

fn defines(text: &str, item: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "impl", "for", "macro_rules!"]
        .iter()
        .any(|keyword| source::has_word(text, &format!("{keyword} {item}")))
        // A variant, or a line of a table.
        || source::has_word(text, item) && item.starts_with(char::is_uppercase)
}

#[test]
fn every_file_that_a_document_names_exists() {
    let files = files::all();
    for document in documents::all() {
        for found in documents::spans(&document) {
            let Some(named) = named(&found.text) else { continue };
            let exists = find(&found, named.path).is_some() || is_common_name(named.path, &files);
            assert!(exists, "{}: no {}", found.place, named.path);
        }
        for found in documents::links(&document) {
            assert!(find(&found, &found.text).is_some(), "{}: no {}", found.place, found.text);
        }
    }
}

#[test]
fn every_item_that_a_document_names_is_in_its_file() {
    for document in documents::all() {
        for found in documents::spans(&document) {
            let Some(named) = named(&found.text) else { continue };
            let Some(path) = find(&found, named.path).filter(|path| path.is_file()) else {
                continue;
            };
            let text = std::fs::read_to_string(path).unwrap_or_default();
            for item in &named.items {
                assert!(defines(&text, item), "{}: no {item} in {}", found.place, named.path);
            }
        }
    }
}

#[test]
fn every_folder_of_the_root_is_on_the_map() {
    let map = files::read("README.md");
    for file in files::all().iter().filter(|file| file.path.contains('/')) {
        let room = file.room();
        let is_shown = room.starts_with('.') || map.contains(&format!("`{room}/`"));
        assert!(is_shown, "{room}/ is not on the map of the README");
    }
}

#[test]
fn paths_are_told_from_other_spans() {
    let tx = Named { path: "engine/src/tx.rs", items: vec!["Tx", "commit"] };
    assert_eq!(named("engine/src/tx.rs::Tx::commit()"), Some(tx));
    assert!(named("deny.toml").is_some() && named("docs/").is_some() && named("./dev").is_some());
    for span in ["/api/me", "engine::Tx", "a / b", "<x>/y", "application/json", "ready"] {
        assert!(named(span).is_none(), "{span}");
    }
}
