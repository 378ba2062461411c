//! The code that the documents show is the code that is there. A block of Rust follows a line
//! `<!-- excerpt: path -->` and stands in that file, line by line; a line `// …` stands for what is left out.

use crate::{documents, files};

const MARK: &str = "<!-- excerpt: ";

/// Compiled and run by the engine's tests, which is more.
const COMPILED: &str = "docs/writing-workflows.md";

/// What is left out.
const GAP: &str = "// …";

/// Lines without their indentation and without empty ones.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The parts of an excerpt follow each other in the text, in their order.
fn is_excerpt(excerpt: &str, text: &str) -> Result<(), String> {
    let all = lines(text);
    let excerpt = lines(excerpt);
    let mut from = 0;
    for part in excerpt.split(|line| *line == GAP).filter(|part| !part.is_empty()) {
        let at = all[from..].windows(part.len()).position(|window| window == part);
        let at =
            at.ok_or_else(|| format!("the part that begins with {:?} is not there", part[0]))?;
        from += at + part.len();
    }
    Ok(())
}

#[test]
fn every_piece_of_rust_in_a_document_is_an_excerpt() {
    for document in documents::all().into_iter().filter(|document| document.path != COMPILED) {
        let shown = documents::blocks(&document);
        let blocks = shown.iter().filter(|block| block.language == "rust");
        let sources = document.text.lines().filter_map(|line| {
            line.strip_prefix(MARK).map(|rest| rest.trim_end_matches("-->").trim())
        });
        let (blocks, sources): (Vec<_>, Vec<_>) = (blocks.collect(), sources.collect());
        assert_eq!(blocks.len(), sources.len(), "{}: blocks of Rust and marks", document.path);
        for (block, path) in blocks.iter().zip(sources) {
            if let Err(why) = is_excerpt(&block.text, &files::read(path)) {
                panic!("{}: not what {path} says: {why}", document.path);
            }
        }
    }
}

#[test]
fn what_is_compiled_is_compiled() {
    let head = files::read("engine/src/lib.rs");
    assert!(head.contains(&format!("#[doc = include_str!(\"../../{COMPILED}\")]")), "{COMPILED}");
}

#[test]
fn an_excerpt_may_leave_out_lines_but_not_change_them() {
    let text = "fn a() {\n    one();\n    two();\n\n    three();\n}\n";
    assert!(is_excerpt("fn a() {\n    one();\n    // …\n    three();\n}", text).is_ok());
    assert!(is_excerpt("fn a() {\n    two();", text).is_err());
    assert!(is_excerpt("three();\n// …\none();", text).is_err());
}
