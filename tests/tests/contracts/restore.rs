//! What becomes of live jobs after a restore: a kind that could reach somebody a second time is looked at before workers are
//! released, and which those are is a list in a script.

use std::collections::BTreeSet;

use crate::{files, source};

const SCRIPT: &str = "ops/backup/reconcile";

/// Parts of workflows that text somebody, or start a job that does, by their names in `workflows/src/`.
const REACHING_PARTS: [&str; 2] = ["alert", "resend"];

/// The words of a list in the script: `NAME='…'`, over several lines.
fn list(name: &str) -> BTreeSet<String> {
    let script = files::read(SCRIPT);
    let rest = script.split(&format!("\n{name}='\n")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("{SCRIPT} has no list {name}"));
    let words: Vec<_> = rest.split('\'').next().unwrap_or_default().split_whitespace().collect();
    let list: BTreeSet<String> = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(list.len(), words.len(), "{SCRIPT}: {name} has a kind twice");
    list
}

#[test]
fn every_kind_is_said_to_reach_somebody_again_after_a_restore_or_not_to() {
    let lists = ["again", "keyed", "harmless"].map(list);
    let said: BTreeSet<&str> = lists.iter().flatten().map(String::as_str).collect();
    let words: usize = lists.iter().map(BTreeSet::len).sum();
    assert_eq!(words, said.len(), "{SCRIPT} has a kind in two lists");
    let kinds: BTreeSet<&str> = workflows::registry(true).kinds().into_iter().collect();
    let unsaid: Vec<_> = kinds.difference(&said).collect();
    assert!(unsaid.is_empty(), "{SCRIPT}: does {unsaid:?} text, call or buy, or start what does?");
    let gone: Vec<_> = said.difference(&kinds).collect();
    assert!(gone.is_empty(), "{SCRIPT} names kinds that are gone: {gone:?}");
}

/// A kind's name, its type's name, and its file.
fn workflows() -> Vec<(String, String, String)> {
    let between = |text: &str, before: &str, after: &str| {
        text.split(before).nth(1)?.split(after).next().map(ToOwned::to_owned)
    };
    source::production()
        .into_iter()
        .filter(|file| file.room() == "workflows")
        .filter_map(|file| {
            let name = between(&file.text, "impl Workflow<Trunkline> for ", " {")?;
            let kind = between(&file.text, "const KIND: &'static str = \"", "\"")?;
            Some((kind, name, file.text))
        })
        .collect()
}

#[test]
fn no_kind_that_is_said_to_reach_nobody_starts_one_that_does() {
    let again = list("again");
    let workflows = workflows();
    let reaching: Vec<&str> = workflows
        .iter()
        .filter(|(kind, ..)| again.contains(kind))
        .map(|(_, name, _)| name.as_str())
        .chain(REACHING_PARTS)
        .collect();
    assert!(reaching.len() > 15, "{reaching:?}");
    for (kind, _, text) in workflows.iter().filter(|(kind, ..)| !again.contains(kind)) {
        for part in &reaching {
            assert!(!source::has_word(text, part), "{kind} has to do with {part}: see {SCRIPT}");
        }
    }
}

#[test]
fn every_kind_that_relies_on_keys_of_idempotency_is_said_to() {
    let (again, keyed) = (list("again"), list("keyed"));
    for (kind, _, text) in workflows() {
        let tells = text.contains("keyed(") && source::has_word(&text, "stripe");
        assert!(!tells || keyed.contains(&kind) || again.contains(&kind), "{kind}: see {SCRIPT}");
    }
}

#[test]
fn what_brings_in_calls_after_a_restore_is_paused_by_the_names_of_its_schedules() {
    let registry = workflows::registry(false);
    let named = list("brings_calls");
    for schedule in registry.schedules() {
        let brings = ["find_twilio_gaps", "call_sweep"].contains(&schedule.kind.as_str());
        assert_eq!(brings, named.contains(&schedule.name), "{}: see {SCRIPT}", schedule.name);
    }
    assert_eq!(named.len(), 2);
}

/// What is held and what is released are the same queues: the reason tells.
#[test]
fn what_a_restore_holds_is_what_the_reconciliation_releases() {
    let script = files::read(SCRIPT);
    let reason = script.split("\nheld_because='").nth(1).and_then(|rest| rest.split('\'').next());
    let reason = reason.unwrap_or_else(|| panic!("{SCRIPT} does not say what it releases"));
    assert!(reason.contains(SCRIPT), "whoever asks why a job does not run is told what is next");
    let hold = files::read("ops/backup/hold.sql");
    assert_eq!(hold.matches(&format!("'{reason}'")).count(), 2, "in the record, and as the pause");
    assert!(files::read("ops/backup/restore").contains("<\"$here/hold.sql\""));
}

/// Postgres without a server reads a statement up to a semicolon and an empty line.
#[test]
fn every_statement_that_holds_workers_ends_with_an_empty_line() {
    let hold = files::read("ops/backup/hold.sql");
    assert!(hold.ends_with(";\n\n"), "its last statement would not be read");
    let ends = hold.lines().filter(|line| line.ends_with(';')).count();
    assert_eq!(hold.matches(";\n\n").count(), ends);
}
