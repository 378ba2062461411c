//! Operations on many jobs: what a preview has found, and how far one is.

use std::time::Duration;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

use super::{
    client::{Client, Told},
    sent,
    show::{self, Format},
};
use crate::bar::{self, Bar};

/// Where one is looked at.
pub(super) const PATH: &str = "/v1/admin/operations/{id}";

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What its orders have beside those of all orders.
pub(super) fn args(verb: &str) -> Vec<Arg> {
    match verb {
        "preview" => {
            let filter = Arg::new("filter").long("filter").value_name("NAME=VALUE …");
            let help = "The filters of the list of jobs, such as 'state=failed since=1h'";
            vec![filter.action(ArgAction::Append).help(help)]
        }
        "start" | "undo" => {
            let watch = Arg::new("watch").short('w').long("watch").action(ArgAction::SetTrue);
            vec![watch.help("Wait until it is over, and show how far it is")]
        }
        _ => Vec::new(),
    }
}

/// Gives an order. A preview is waited for; what was started or is being undone, if that was asked for.
pub(super) async fn order(
    verb: &str,
    path: &str,
    body: &Value,
    matches: &ArgMatches,
) -> anyhow::Result<Told> {
    let answer = match sent("POST", path, body, matches).await? {
        None => return Ok(Told::Done),
        Some(Err(told)) => return Ok(told),
        Some(Ok(answer)) => answer,
    };
    let format = Format::of(matches);
    let is_preview = verb == "preview";
    let is_watched = is_preview || matches.try_get_one("watch").ok().flatten() == Some(&true);
    if !is_watched {
        return show::value(&Ok(answer), format);
    }
    let id = answer["id"].as_str().context("an answer without an id")?;
    let (client, path) = (Client::find(matches)?, PATH.replace("{id}", id));
    let is_enough = |it: &Value| if is_preview { it["state"] != "freezing" } else { is_over(it) };
    let found = match until(&client, &path, LOOK_EVERY, is_enough).await? {
        Ok(found) => found,
        Err(told) => return Ok(told),
    };
    show::value(&Ok(found.clone()), format)?;
    if is_preview && found["state"] == "frozen" {
        let count = &found["matched"];
        eprintln!(
            "{count} jobs. To do it: trunkline operation start {id} --expect {count} --reason …"
        );
    }
    Ok(if is_preview { Told::Done } else { told(&found) })
}

/// Looks at one until it is over, and prints it then.
pub(super) async fn watch(
    client: &Client,
    path: &str,
    format: Format,
    every: Duration,
) -> anyhow::Result<Told> {
    match until(client, path, every, is_over).await? {
        Ok(found) => {
            show::value(&Ok(found.clone()), format)?;
            Ok(told(&found))
        }
        Err(told) => Ok(told),
    }
}

/// Looks again and again, with a bar for whoever sits before it.
async fn until(
    client: &Client,
    path: &str,
    every: Duration,
    is_enough: impl Fn(&Value) -> bool,
) -> anyhow::Result<Result<Value, Told>> {
    let shown = Bar::new(true);
    let mut look = tokio::time::interval(every);
    loop {
        look.tick().await;
        let found = match client.get(path, &[]).await? {
            Ok(found) => found,
            // What went away once may come back; what is not there or not allowed does not.
            Err(Told::Unreachable) => continue,
            Err(told) => return Ok(Err(told)),
        };
        shown.show(&line(&found))?;
        if is_enough(&found) {
            shown.leave()?;
            return Ok(Ok(found));
        }
    }
}

fn is_over(found: &Value) -> bool {
    found["finished_at"].is_string()
}

/// How it ended, for the exit code.
fn told(found: &Value) -> Told {
    let left = ["refused", "not_undone"].iter().any(|name| number(found, name) > 0);
    match found["state"].as_str() {
        Some("done" | "undone") if !left => Told::Done,
        _ => Told::Partly,
    }
}

/// `[#########---------------------] 300 of 1000 working`.
fn line(found: &Value) -> String {
    let state = found["state"].as_str().unwrap_or("?");
    let is_back = matches!(state, "undoing" | "undone");
    let (total, seen) = if is_back {
        (number(found, "done"), number(found, "undone") + number(found, "not_undone"))
    } else {
        (number(found, "matched"), number(found, "done") + number(found, "refused"))
    };
    bar::line(seen, total, state)
}

fn number(found: &Value, name: &str) -> u64 {
    found[name].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is() {
        let half = json!({ "state": "working", "matched": 10, "done": 4, "refused": 1 });
        assert_eq!(line(&half), format!("[{}{}] 5 of 10 working", "#".repeat(15), "-".repeat(15)));
        let back = json!({ "state": "undoing", "matched": 10, "done": 4, "undone": 4 });
        assert_eq!(line(&back), format!("[{}] 4 of 4 undoing", "#".repeat(30)));
        assert!(line(&json!({ "state": "freezing", "matched": 0 })).ends_with("0 of 0 freezing"));
    }

    #[test]
    fn what_was_not_seen_to_shows_in_how_it_ended() {
        assert_eq!(told(&json!({ "state": "done", "refused": 0 })), Told::Done);
        assert_eq!(told(&json!({ "state": "done", "refused": 1 })), Told::Partly);
        assert_eq!(told(&json!({ "state": "stopped", "refused": 0 })), Told::Partly);
    }
}
