//! `.env.example`: every variable that a process in production reads, as docs/configuration.md describes it. Made from that
//! document, so that there is one place to describe a variable.

use std::fs;

use daemon::config::Env;

use crate::files;

const DOCUMENT: &str = "docs/configuration.md";
const EXAMPLE: &str = ".env.example";

/// Writes it anew instead of comparing it.
const WRITE: &str = "TRUNKLINE_WRITE_SCHEMA";

/// Who reads variables in production. What only dev, tests and scripts read is not for a deployment.
const PROCESSES: [&str; 5] = ["api", "worker", "migrate", "deploy", "all"];

const HEAD: &str = "\
# Every variable that a process reads, made from docs/configuration.md. Copy it, fill in what has no value, and take the mark
# off what you want otherwise. What stands behind a mark is the default; a blank value counts as not set.
";

/// The example that belongs to a document.
fn example(document: &str) -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for line in document.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = Some(title);
        }
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, readers, default, meaning] = cells[..] else { continue };
        let is_deployed = readers.split(", ").any(|it| PROCESSES.contains(&it));
        if !names.starts_with('`') || !is_deployed {
            continue;
        }
        if let Some(title) = section.take() {
            text.extend(["\n# ---- ", title, "\n"]);
        }
        // Of several names the first goes before the others.
        let name = names.split(", ").next().unwrap_or(names).trim_matches('`');
        text.extend([
            "\n# ",
            &plain(meaning),
            "\n# (",
            readers,
            "; default: ",
            &plain(default),
            ")\n",
        ]);
        text += &entry(name, default);
    }
    text
}

fn plain(cell: &str) -> String {
    cell.replace('`', "")
}

fn entry(name: &str, default: &str) -> String {
    if default.split(" (").next() == Some("required") {
        return format!("{name}=\n");
    }
    format!("#{name}={}\n", value(default))
}

/// The value in the words of a default: what is quoted, or a number that stands alone. Anything else has to be read.
fn value(default: &str) -> &str {
    let first = default.split(" (").next().unwrap_or(default);
    match first.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(quoted) if !quoted.contains('`') => quoted,
        _ if first.bytes().all(|byte| byte.is_ascii_digit()) => first,
        _ => "",
    }
}

#[test]
fn the_example_of_an_environment_has_every_variable_of_the_document() {
    let made = example(&files::read(DOCUMENT));
    if Env::of_process().is_set(WRITE) {
        fs::write(files::root().join(EXAMPLE), &made).expect("written");
    }
    assert!(
        made == files::read(EXAMPLE),
        "{EXAMPLE} is not what {DOCUMENT} says: {WRITE}=1 cargo nextest run -p tests --test contracts example"
    );
}

#[test]
fn a_default_is_told_from_a_sentence_about_it() {
    assert_eq!(value("`https://api.twilio.com`"), "https://api.twilio.com");
    assert_eq!(value("120 (dev: 2)"), "120");
    assert_eq!(value("a fifth of the pool, 1 to 10"), "");
    assert_eq!(value("api `127.0.0.1:8080`, worker `127.0.0.1:0`"), "");
    assert_eq!(entry("A", "required"), "A=\n");
    assert_eq!(entry("A", "required (dev: its own)"), "A=\n");
    assert_eq!(entry("A", "none"), "#A=\n");
}
