//! What an operation is told: options of the command line that become members of a body or parameters of a query.

use std::io::{BufRead, IsTerminal, Read};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Map, Value, json};

use super::table::Operation;

/// Stands for a secret where an order is only shown.
const FROM_STDIN: &str = "(a line of stdin)";

/// No secret of a provider's is as long.
const LINE_BYTES_MAX: u64 = 4096;

/// One thing that can be said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// A number, or `none` for null.
    Nullable,
    /// There or not.
    Flag,
    /// JSON, as it is.
    Json,
    /// A line of stdin: what is an argument stands in the list of processes and in the shell's history.
    Secret,
}

const fn input(name: &'static str, kind: Kind, about: &'static str) -> Input {
    Input { name, kind, about }
}

pub(super) const fn text(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Text, about)
}

pub(super) const fn number(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Number, about)
}

pub(super) const fn nullable(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Nullable, about)
}

pub(super) const fn flag(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Flag, about)
}

pub(super) const fn json(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Json, about)
}

pub(super) const fn secret(name: &'static str, about: &'static str) -> Input {
    input(name, Kind::Secret, about)
}

impl Input {
    /// The option by which it is said; what comes by stdin has none.
    pub(super) fn arg(&self) -> Option<Arg> {
        let arg = Arg::new(self.name).long(self.name.replace('_', "-")).help(self.about);
        Some(match self.kind {
            Kind::Flag => arg.action(ArgAction::SetTrue),
            Kind::Json => arg.value_name("JSON"),
            Kind::Number => arg.value_name("N").allow_negative_numbers(true),
            Kind::Nullable => arg.value_name("N|none"),
            Kind::Text => arg.value_name("TEXT"),
            Kind::Secret => return None,
        })
    }

    /// What was said; `None`: nothing.
    fn read(&self, matches: &ArgMatches) -> anyhow::Result<Option<Value>> {
        if self.kind == Kind::Secret {
            // What is only to be shown is not asked for.
            let is_shown = matches.get_flag("dry_run");
            return Ok(Some(if is_shown { FROM_STDIN.into() } else { self.line()?.into() }));
        }
        if self.kind == Kind::Flag {
            return Ok(matches.get_flag(self.name).then_some(Value::Bool(true)));
        }
        let Some(said) = matches.get_one::<String>(self.name) else { return Ok(None) };
        let number = || said.parse::<i64>().with_context(|| format!("{}: not a number", self.name));
        Ok(Some(match self.kind {
            Kind::Nullable if said == "none" => Value::Null,
            Kind::Number | Kind::Nullable => number()?.into(),
            Kind::Json => {
                serde_json::from_str(said).with_context(|| format!("{}: not JSON", self.name))?
            }
            Kind::Text | Kind::Flag | Kind::Secret => said.clone().into(),
        }))
    }

    /// A line of stdin, without its end.
    fn line(&self) -> anyhow::Result<String> {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            eprintln!(
                "{} ({}), then Enter. It shows as you type: rather pipe it.",
                self.name, self.about
            );
        }
        let mut line = String::new();
        stdin.lock().take(LINE_BYTES_MAX).read_line(&mut line).context("stdin")?;
        let said = line.trim();
        if said.is_empty() {
            bail!("{}: expected as a line on stdin", self.name);
        }
        Ok(said.to_owned())
    }
}

/// Whether what an order changes has a tag.
pub(super) fn is_tagged(operation: &Operation) -> bool {
    let is_order = operation.method != "GET";
    is_order && api::TAGGED.iter().any(|it| it.changed_at.contains(&operation.path))
}

/// The path, with its parameters put in.
pub(super) fn path(operation: &Operation, matches: &ArgMatches) -> String {
    operation.parameters().fold(operation.path.to_owned(), |path, name| {
        let given = matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
        path.replace(&format!("{{{name}}}"), &segment(given))
    })
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The parameters of a query: what was said by options, and by `--filter 'name=value …'`.
pub(super) fn query(
    operation: &Operation,
    matches: &ArgMatches,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut query = Vec::new();
    for input in operation.inputs {
        if let Some(Value::String(said)) = input.read(matches)? {
            query.push((input.name.to_owned(), said));
        }
    }
    if operation.is_paged() {
        for filter in matches.get_many::<String>("filter").into_iter().flatten() {
            query.extend(terms(filter)?);
        }
    }
    Ok(query)
}

/// The terms of a filter: `state=failed kind=send_sms`.
fn terms(filter: &str) -> anyhow::Result<Vec<(String, String)>> {
    let term = |word: &str| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => bail!("{word}: a filter is made of name=value"),
    };
    filter.split_whitespace().map(term).collect()
}

/// The body of an order.
pub(super) fn body(operation: &Operation, matches: &ArgMatches) -> anyhow::Result<Value> {
    let mut body = Map::new();
    for input in operation.inputs {
        if let Some(value) = input.read(matches)? {
            body.insert(input.name.to_owned(), value);
        }
    }
    if let Some(reason) = matches.get_one::<String>("reason") {
        body.insert("reason".to_owned(), reason.clone().into());
    }
    if let Some(filters) = filters(matches) {
        for filter in filters {
            for (name, value) in terms(filter)? {
                body.insert(name, value.into());
            }
        }
    }
    reshape(operation, &mut body)?;
    Ok(Value::Object(body))
}

/// What `--filter` says, where there is one.
fn filters(matches: &ArgMatches) -> Option<impl Iterator<Item = &String>> {
    matches.try_get_many::<String>("filter").ok().flatten()
}

/// Where the command line is flatter than the body.
fn reshape(operation: &Operation, body: &mut Map<String, Value>) -> anyhow::Result<()> {
    match (operation.noun, operation.verb) {
        ("job", "redrive") => {
            let despite = body.remove("despite_deeds");
            match (body.remove("step"), despite) {
                (None, None) => {}
                (None, Some(_)) => bail!("--despite-deeds goes with --step"),
                (Some(_), _) if body.contains_key("from") => bail!("either --from or --step"),
                (Some(step), despite) => {
                    let despite = despite.is_some();
                    let from = json!({ "step": step, "despite_deeds": despite });
                    body.insert("from".to_owned(), from);
                }
            }
        }
        ("key", "create") => {
            if let Some(Value::String(scopes)) = body.remove("scopes") {
                body.insert("scopes".to_owned(), scopes.split(',').map(str::trim).collect());
            }
        }
        ("queue", "set") => {
            if let Some(fair) = body.remove("fair") {
                let fair: bool = fair
                    .as_str()
                    .and_then(|word| word.parse().ok())
                    .context("--fair is true or false")?;
                body.insert("fair".to_owned(), fair.into());
            }
        }
        ("tenant", "suspend") => {
            body.insert("status".to_owned(), "SUSPENDED".into());
        }
        ("tenant", "reactivate") => {
            body.insert("status".to_owned(), "ACTIVE".into());
        }
        ("number", "put-back") => {
            body.insert("enabled".to_owned(), false.into());
        }
        // `normal` turns all of them off, and says so by itself.
        ("switch", "off") if body.get("mode").is_some_and(|mode| mode != "normal") => {
            body.insert("enabled".to_owned(), false.into());
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::{command, table};

    fn read(words: &[&str]) -> anyhow::Result<(String, Value)> {
        let words = ["trunkline"].iter().chain(words);
        let matches = command().try_get_matches_from(words)?;
        let (noun, matches) = matches.subcommand().unwrap();
        let (verb, matches) = matches.subcommand().unwrap();
        let find = |it: &&Operation| (it.noun, it.verb) == (noun, verb);
        let operation = table::all().find(find).unwrap();
        Ok((path(operation, matches), body(operation, matches)?))
    }

    #[test]
    fn options_become_members_of_the_body_and_arguments_parts_of_the_path() {
        let (path, body) = read(&["job", "cancel", "a b/c", "--mode", "graceful"]).unwrap();
        assert_eq!(
            (path.as_str(), body),
            ("/v1/admin/jobs/a%20b%2Fc/cancel", json!({ "mode": "graceful" }))
        );
        let (_, body) = read(&["job", "redrive", "x", "--step", "pay", "--despite-deeds"]).unwrap();
        assert_eq!(body, json!({ "from": { "step": "pay", "despite_deeds": true } }));
        let words =
            ["queue", "set", "sms", "--at-once-max", "none", "--fair", "true", "--reason", "r"];
        let (_, body) = read(&words).unwrap();
        assert_eq!(body, json!({ "at_once_max": null, "fair": true, "reason": "r" }));
        let words = ["key", "create", "--name", "ada", "--scopes", "read, jobs"];
        let (_, body) = read(&words).unwrap();
        assert_eq!(body, json!({ "name": "ada", "scopes": ["read", "jobs"] }));
        let (path, body) = read(&["tenant", "suspend", "x", "--reason", "r"]).unwrap();
        assert_eq!(path, "/v1/admin/businesses/x");
        assert_eq!(body, json!({ "status": "SUSPENDED", "reason": "r" }));
        let (_, body) = read(&["switch", "off", "--mode", "sms_bypass"]).unwrap();
        assert_eq!(body, json!({ "mode": "sms_bypass", "enabled": false }));
        let (_, body) = read(&["switch", "off", "--mode", "normal"]).unwrap();
        assert_eq!(body, json!({ "mode": "normal" }));
        let words = ["credential", "set", "twilio_auth_token", "--dry-run", "--reason", "r"];
        let (path, body) = read(&words).unwrap();
        assert_eq!(path, "/v1/admin/provider-credentials/twilio_auth_token");
        assert_eq!(body, json!({ "secret": FROM_STDIN, "reason": "r" }));
        let words = ["job", "enqueue", "--kind", "noop", "--args", "{\"n\":1}", "--priority", "-5"];
        let (_, body) = read(&words).unwrap();
        assert_eq!(body, json!({ "kind": "noop", "args": { "n": 1 }, "priority": -5 }));
    }

    #[test]
    fn an_operation_takes_the_filter_of_the_list() {
        let filter = "state=failed kind=send_sms since=24h";
        let words =
            ["operation", "preview", "--deed", "retry", "--filter", filter, "--canary", "5"];
        let (path, body) = read(&words).unwrap();
        assert_eq!(path, "/v1/admin/operations");
        let wanted = json!({ "deed": "retry", "state": "failed", "kind": "send_sms", "since": "24h", "canary": 5 });
        assert_eq!(body, wanted);
        let (_, body) =
            read(&["operation", "start", "x", "--expect", "7", "--reason", "r"]).unwrap();
        assert_eq!(body, json!({ "expect": 7, "reason": "r" }));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_it_is() {
        for words in [
            &["job", "redrive", "x", "--despite-deeds"][..],
            &["job", "redrive", "x", "--from", "start", "--step", "a"],
            &["job", "edit", "x", "--args", "{"],
            &["queue", "set", "x", "--fair", "perhaps"],
            &["queue", "set", "x", "--at-once-max", "many"],
            &["job", "cancel"],
            &["job", "cancel", "x", "--now"],
            &["credential", "set", "openai_api_key", "--secret", "x", "--reason", "r"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
        assert!(terms("state=failed kind").is_err() && terms("=x").is_err());
        assert_eq!(terms("a=1  b=c=d").unwrap().len(), 2);
    }
}
