//! The documents, read as far as it matters: code spans, fenced blocks, links and rows of tables.

use crate::files::{self, File};

/// A block between fences.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands behind the opening fence.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// What was found, and where.
#[derive(Debug)]
pub(crate) struct Found {
    /// `path:line`, for the message.
    pub(crate) place: String,
    /// The document's folder, for what is relative to it.
    pub(crate) folder: String,
    pub(crate) text: String,
}

/// What people read to learn what is there. The CHANGELOG is not among them: it may speak of what is gone.
pub(crate) fn all() -> Vec<File> {
    files::with_extension("md")
        .into_iter()
        .filter(|file| {
            ["docs", "ops"].contains(&file.room())
                || ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].contains(&&*file.path)
        })
        .collect()
}

/// The code spans outside of blocks.
pub(crate) fn spans(document: &File) -> Vec<Found> {
    let inside = |line: &str| -> Vec<String> {
        line.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
    };
    find(document, inside)
}

/// The targets of links, without those that lead out of the repository.
pub(crate) fn links(document: &File) -> Vec<Found> {
    let targets = |line: &str| -> Vec<String> {
        line.split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|target| !target.contains("://") && !target.starts_with('#'))
            .map(|target| target.split('#').next().unwrap_or_default().to_owned())
            .collect()
    };
    find(document, targets)
}

fn find(document: &File, pick: impl Fn(&str) -> Vec<String>) -> Vec<Found> {
    let folder = document.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fenced = false;
    let mut found = Vec::new();
    for (number, line) in document.text.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(pick(line).into_iter().map(|text| Found {
                place: format!("{}:{}", document.path, number + 1),
                folder: folder.to_owned(),
                text,
            }));
        }
    }
    found
}

/// The fenced blocks.
pub(crate) fn blocks(document: &File) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in document.text.lines() {
        match (open.as_mut(), line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a fence is not closed", document.path);
    blocks
}

/// The rows of all tables, as cells without their back-ticks; heads and rules are left out.
pub(crate) fn rows(path: &str) -> Vec<Vec<String>> {
    let text = files::read(path);
    let lines: Vec<_> = text.lines().collect();
    let is_rule = |line: Option<&&str>| line.is_some_and(|line| line.starts_with("| ---"));
    (0..lines.len())
        .filter(|at| lines[*at].starts_with("| "))
        .filter(|at| !is_rule(lines.get(*at)) && !is_rule(lines.get(at + 1)))
        .map(|at| {
            let line = lines[at].trim_matches('|');
            line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect()
        })
        .collect()
}

#[test]
fn spans_links_and_blocks_are_told_apart() {
    let text = "Use `a/b.rs`, see [x](docs/x.md#y) and [z](https://z).\n```sh\n./dev `c`\n```\n";
    let document = File { path: "README.md".into(), text: text.into() };
    let texts =
        |found: Vec<Found>| -> Vec<String> { found.into_iter().map(|found| found.text).collect() };
    assert_eq!(texts(spans(&document)), ["a/b.rs"]);
    assert_eq!(texts(links(&document)), ["docs/x.md"]);
    let blocks = blocks(&document);
    assert_eq!((blocks[0].language.as_str(), blocks[0].text.as_str()), ("sh", "./dev `c`\n"));
}
