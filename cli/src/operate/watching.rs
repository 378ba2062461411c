//! Looking again, until it is over.

use std::{io::IsTerminal, time::Duration};

use clap::ArgMatches;
use serde_json::{Value, json};

use super::{
    client::{Client, Told},
    order,
    show::{self, Format},
    table::Operation,
};
use crate::bar::{self, Bar};

/// How often a queue that is being drained is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Of a note, so that its line is one line of a terminal.
const NOTE_CHARS_MAX: usize = 40;

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Prints an answer, and again when it has changed, until what it shows is over.
pub(super) async fn watch(
    client: &Client,
    operation: &Operation,
    path: &str,
    query: &[(String, String)],
    format: Format,
    every: Duration,
) -> anyhow::Result<Told> {
    if operation.path == super::operation::PATH {
        return super::operation::watch(client, path, format, every).await;
    }
    let mut look = tokio::time::interval(every);
    let mut shown = String::new();
    let is_terminal = std::io::stdout().is_terminal();
    let shown_progress = Bar::new(format == Format::Table);
    loop {
        look.tick().await;
        let answer = match client.get(path, query).await? {
            Ok(answer) => answer,
            // What went away once may come back; what is not there or not allowed does not.
            Err(Told::Unreachable) => continue,
            Err(told) => return Ok(told),
        };
        let text = show::text(operation, &answer, format)?;
        if text != shown {
            shown_progress.clear()?;
            if is_terminal {
                eprint!("{CLEAR}");
            }
            show::print(operation, &Ok(answer.clone()), format)?;
            shown = text;
        }
        if answer["finished_at"].is_string() {
            shown_progress.clear()?;
            return Ok(Told::Done);
        }
        if let Some(line) = progress(&answer["progress"]) {
            shown_progress.show(&line)?;
        }
    }
}

/// What a job says of how far it is, if it says anything: a bar, where it knows of how much.
fn progress(said: &Value) -> Option<String> {
    let done = said["done"].as_u64()?;
    let note = said["note"].as_str().unwrap_or_default().chars();
    let note: String = note.filter(|c| !c.is_control()).take(NOTE_CHARS_MAX).collect();
    Some(match said["total"].as_u64() {
        Some(total) => bar::line(done, total, &note),
        None => format!("{done} so far: {note}"),
    })
}

/// Pauses a queue, and waits until none of its jobs runs.
pub(super) async fn drain(matches: &ArgMatches) -> anyhow::Result<Told> {
    let name = matches.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let queue = OPERATION_PATH.replace("{name}", &super::input::segment(name));
    let reason = matches.get_one::<String>("reason");
    let told =
        order("POST", &format!("{queue}/pause"), &json!({ "reason": reason }), matches).await?;
    if told != Told::Done || matches.get_flag("dry_run") {
        return Ok(told);
    }
    let client = Client::find(matches)?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut last = Value::Null;
    loop {
        look.tick().await;
        let running = match client.get(&queue, &[]).await? {
            Ok(answer) => answer["running"].clone(),
            Err(Told::Unreachable) => continue,
            Err(told) => return Ok(told),
        };
        if running != last {
            eprintln!("{running} of its jobs run");
            last = running;
        }
        if last == 0 {
            return Ok(Told::Done);
        }
    }
}

const OPERATION_PATH: &str = "/v1/admin/queues/{name}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_job_is_is_a_bar_where_it_knows_of_how_much_and_one_line_always() {
        let known = progress(&json!({ "done": 5, "total": 10, "note": "importing" })).unwrap();
        assert!(known.ends_with("] 5 of 10 importing") && known.contains("#-"), "{known}");
        let note = "x\u{1b}[2J\n".repeat(50);
        let unknown = progress(&json!({ "done": 7, "total": null, "note": note })).unwrap();
        assert!(unknown.starts_with("7 so far: x[2Jx[2J") && unknown.len() == 50, "{unknown}");
        assert_eq!(progress(&Value::Null), None);
    }
}
