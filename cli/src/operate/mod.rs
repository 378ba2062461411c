//! Operating a running system from the command line, over the same API as everybody else: a noun, a verb, and what the
//! verb needs. stdout has the answer, stderr everything else; how it ended is in the exit code.

mod backfill; // of a schedule, watched
mod client; // asking the API
mod doctor; // what is wrong now
mod ended; // errors with an exit code of their own
mod health; // how the system is, for people
mod input; // options and arguments
mod operation; // on many jobs, watched
mod pages; // a list, all of it
mod product; // what the product has, in the table
mod raw; // any endpoint
mod seeding; // three tenants to show
mod show; // answers for people, and for programs
mod table; // every operation
mod verify; // the records
mod watching; // looking again

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use serde_json::{Value, json};

use self::{
    client::Client,
    ended::usage,
    show::Format,
    table::{NOUNS, Operation},
};
pub(crate) use self::{
    client::Told, doctor::run as doctor, ended::of as ended, raw::run as ask, seeding::run as seed,
};
use crate::{args::Args, runtime};

/// The whole command line: what `Args` has, and the nouns of the table.
pub(crate) fn command() -> Command {
    let mut nouns: BTreeMap<&str, Vec<Command>> = BTreeMap::new();
    for operation in table::all() {
        nouns.entry(operation.noun).or_default().push(verb(operation));
    }
    nouns.entry("queue").or_default().push(drain());
    let mut command = Args::command();
    for (noun, about) in NOUNS {
        let verbs = nouns.remove(noun).unwrap_or_default();
        command = if command.find_subcommand(noun).is_some() {
            command.mut_subcommand(noun, |known| known.subcommands(verbs))
        } else {
            let new = Command::new(noun).about(about).subcommand_required(true);
            command.subcommand(new.arg_required_else_help(true).subcommands(verbs))
        };
    }
    command
}

fn verb(operation: &'static Operation) -> Command {
    let mut verb = Command::new(operation.verb).about(operation.about);
    for name in operation.parameters() {
        verb = verb.arg(Arg::new(name).required(true).value_name(name.to_uppercase()));
    }
    verb = verb.args(operation.inputs.iter().filter_map(input::Input::arg));
    if operation.method == "GET" {
        verb = verb.arg(watch_arg());
    } else {
        verb = verb.args(order_args());
        if input::is_tagged(operation) {
            verb = verb.arg(if_match_arg());
        }
    }
    if operation.is_paged() {
        verb = verb.args(page_args());
    }
    if operation.path == backfill::PATH {
        verb = verb.arg(backfill::watch_arg());
    }
    if operation.noun == "operation" && operation.method == "POST" {
        verb = verb.args(operation::args(operation.verb));
    }
    verb.args(common_args())
}

/// `queue drain`: a pause, and then until nothing of the queue runs any more.
fn drain() -> Command {
    let about = "Pause a queue, and wait until none of its jobs runs any more.";
    let name = Arg::new("name").required(true).value_name("NAME");
    Command::new("drain").about(about).arg(name).args(order_args()).args(common_args())
}

fn common_args() -> [Arg; 2] {
    let output = Arg::new("output").short('o').long("output").value_name("FORMAT");
    let output = output.value_parser(Format::WORDS).help("How to print it: a table if not said");
    let url = Arg::new("url").long("url").value_name("URL");
    [
        output,
        url.help(
            "Where the API is: TRUNKLINE_URL, or the dev instance that runs here, if not said",
        ),
    ]
}

fn order_args() -> [Arg; 3] {
    let reason = Arg::new("reason").long("reason").value_name("TEXT").help("Why; for the record");
    let key = Arg::new("idempotency_key").long("idempotency-key").value_name("KEY");
    let dry = Arg::new("dry_run").long("dry-run").action(ArgAction::SetTrue);
    [
        reason,
        key.help("Under which it is done once, however often it is sent; a new one if not said"),
        dry.help("Show what would be sent, and send nothing"),
    ]
}

fn if_match_arg() -> Arg {
    let arg = Arg::new("if_match").long("if-match").value_name("ETAG");
    arg.help("Only if it is still what was read: the etag that was shown with it, or *")
}

fn page_args() -> [Arg; 3] {
    let filter = Arg::new("filter").long("filter").value_name("NAME=VALUE …");
    let limit = Arg::new("limit").long("limit").value_name("N");
    let all = Arg::new("all").long("all").action(ArgAction::SetTrue);
    [
        filter
            .action(ArgAction::Append)
            .help("The API's own filters, such as 'state=failed since=1h'"),
        limit.value_parser(clap::value_parser!(u16).range(1..=100)).help("So many at most (20)"),
        all.help("All pages, not only the first").conflicts_with("limit"),
    ]
}

fn watch_arg() -> Arg {
    let watch = Arg::new("watch").short('w').long("watch").num_args(0..=1).value_name("SECS");
    let watch =
        watch.default_missing_value("2").value_parser(clap::value_parser!(u64).range(1..=3600));
    watch.help("Look again every so many seconds (2), until it is over or Ctrl-C")
}

/// Runs what was asked for, if it is one of these.
pub(crate) fn run(matches: &ArgMatches) -> Option<anyhow::Result<ExitCode>> {
    let (noun, matches) = matches.subcommand()?;
    let (verb, matches) = matches.subcommand()?;
    if (noun, verb) == ("queue", "drain") {
        return Some(start(watching::drain(matches)));
    }
    let operation = table::all().find(|it| (it.noun, it.verb) == (noun, verb))?;
    Some(start(carry_out(operation, matches)))
}

fn start(work: impl Future<Output = anyhow::Result<Told>>) -> anyhow::Result<ExitCode> {
    Ok(runtime()?.block_on(work)?.exit_code())
}

async fn carry_out(operation: &Operation, matches: &ArgMatches) -> anyhow::Result<Told> {
    let path = input::path(operation, matches);
    if operation.method != "GET" {
        let body = input::body(operation, matches).map_err(usage)?;
        if operation.noun == "operation" {
            return operation::order(operation.verb, &path, &body, matches).await;
        }
        if operation.path == backfill::PATH {
            return backfill::order(&path, &body, matches).await;
        }
        return order(operation.method, &path, &body, matches).await;
    }
    if operation.path == verify::PATH {
        return verify::run(matches).await;
    }
    let client = Client::find(matches)?;
    let mut query = input::query(operation, matches).map_err(usage)?;
    let format = Format::of(matches);
    if let Some(secs) = matches.get_one::<u64>("watch") {
        let every = Duration::from_secs(*secs);
        return watching::watch(&client, operation, &path, &query, format, every).await;
    }
    if operation.is_paged() {
        if matches.get_flag("all") {
            return pages::print(&client, operation, &path, query, format).await;
        }
        let limit = matches.get_one::<u16>("limit");
        query.extend(limit.map(|limit| ("limit".to_owned(), limit.to_string())));
    }
    let answer = client.get(&path, &query).await?;
    show::print(operation, &answer, format)
}

/// Sends an order, or shows it, and prints the answer.
async fn order(
    method: &str,
    path: &str,
    body: &Value,
    matches: &ArgMatches,
) -> anyhow::Result<Told> {
    match sent(method, path, body, matches).await? {
        Some(answer) => show::value(&answer, Format::of(matches)),
        None => Ok(Told::Done),
    }
}

/// Sends an order. `None`: it was only to be shown.
async fn sent(
    method: &str,
    path: &str,
    body: &Value,
    matches: &ArgMatches,
) -> anyhow::Result<Option<Result<Value, Told>>> {
    let if_match = matches.try_get_one::<String>("if_match").ok().flatten().map(String::as_str);
    if matches.get_flag("dry_run") {
        let mut order = json!({ "method": method, "path": path, "body": body });
        if let Some(tag) = if_match {
            order["if_match"] = tag.into();
        }
        eprintln!("Nothing was sent. This would be:");
        show::json(&order)?;
        return Ok(None);
    }
    let key = matches.get_one::<String>("idempotency_key").cloned();
    let key = key.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    let client = Client::find(matches)?;
    let method = method.parse().context("the method")?;
    Ok(Some(client.send(method, path, Some(body), (Some(&key), if_match)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_one_that_clap_accepts() {
        command().debug_assert();
    }

    /// The words of a line of a shell, without what quotes and dots of left-out text mean beyond that.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for c in line.chars() {
            match c {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_of_a_runbook_is_one_that_the_command_line_takes() {
        let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/../ops/runbooks");
        let mut seen = 0;
        for file in std::fs::read_dir(runbooks).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            // Spans stand between backticks, and lines of blocks by themselves.
            for code in text.split(['`', '\n']).filter(|code| code.starts_with("trunkline ")) {
                let code = code.split(['|', '#', ';']).next().unwrap_or_default();
                let (words, at) = (words(code), path.display());
                let taken = command().try_get_matches_from(&words);
                assert!(taken.is_ok(), "{at}: {code}: {}", taken.unwrap_err());
                seen += 1;
            }
        }
        assert!(seen > 70, "{seen} commands");
    }
}
