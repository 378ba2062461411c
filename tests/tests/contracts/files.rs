//! The files of this repository: what a fresh clone has, and what is about to be added to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Made by tools, or by the programs themselves.
const NOT_OURS: [&str; 5] = [".git", ".sqlx", ".trunkline", "node_modules", "target"];

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the repository's root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The crate, or whatever other folder it is in.
    pub(crate) fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

/// One file that has to be there.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All text files, sorted by path.
pub(crate) fn all() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        // What vanishes while we look is no file of ours.
        let entries = fs::read_dir(root().join(&folder)).into_iter().flatten().flatten();
        for entry in entries {
            let path = folder.join(entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !is_made(&path) {
                folders.push(path);
            } else if kind.is_file() && !is_made(&path) {
                // What is no text has no contract here.
                let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
                files.push(File { path: path.to_string_lossy().into_owned(), text });
            }
        }
    }
    files.sort_by(|one, two| one.path.cmp(&two.path));
    files
}

/// All Rust files.
pub(crate) fn rust() -> Vec<File> {
    with_extension("rs")
}

pub(crate) fn with_extension(extension: &str) -> Vec<File> {
    let ends = |file: &File| Path::new(&file.path).extension().is_some_and(|it| it == extension);
    all().into_iter().filter(ends).collect()
}

fn is_made(folder: &Path) -> bool {
    // (In a second worktree, `.git` is a file.)
    // Cargo marks its target folders, wherever they are.
    NOT_OURS.iter().any(|name| folder.ends_with(name))
        || root().join(folder).join("CACHEDIR.TAG").exists()
}
