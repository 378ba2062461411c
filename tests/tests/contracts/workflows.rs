//! How a workflow's file begins: with a table of its steps, what each does, how it is undone, and what the customer sees if we
//! stop there.

use crate::source;

const HEAD: &str = "//! | step | effect | undo | what the customer sees if we stop here |";

/// Without a table: kinds for trying, and chores of one step whose sentence says all.
fn is_simple(path: &str, text: &str) -> bool {
    let deeds = ["ctx.change(", "ctx.effect(", "ctx.child(", "ctx.spawn(", "ctx.wait_for"];
    path.contains("/try_kinds/") || !deeds.iter().any(|deed| text.contains(deed))
}

#[test]
fn every_workflow_with_deeds_begins_with_their_table() {
    for file in source::production() {
        let is_workflow = file.room() == "workflows" && file.text.contains("impl Workflow<");
        if is_workflow && !is_simple(&file.path, &file.text) {
            let text = crate::files::read(&file.path);
            assert!(text.contains(HEAD), "{} has no table of steps", file.path);
        }
    }
}

#[test]
fn every_workflow_begins_by_saying_what_it_does() {
    for file in crate::files::rust().iter().filter(|file| file.path.starts_with("workflows/src/")) {
        assert!(file.text.starts_with("//! "), "{} has no head", file.path);
    }
}

/// The name by which a workflow's type is written, by its kind.
fn types() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in source::production().iter().filter(|file| file.room() == "workflows") {
        let between = |text: &str, before: &str, after: &str| {
            let rest = text.split(before).nth(1)?;
            rest.split(after).next().map(ToOwned::to_owned)
        };
        let name = between(&file.text, "impl Workflow<Trunkline> for ", " {");
        let kind = between(&file.text, "const KIND: &'static str = \"", "\"");
        found.extend(kind.zip(name));
    }
    found
}

#[test]
fn every_workflow_is_played_with_every_fault_at_every_boundary() {
    let table = crate::files::read("tests/tests/flows/covered.rs");
    let types = types();
    assert!(types.len() >= 12, "{types:?}");
    for (kind, name) in types {
        let row = table.lines().find(|line| line.contains(&format!("(\"{kind}\", ")));
        let row = row.unwrap_or_else(|| panic!("{kind} has no crash matrix (flows/covered.rs)"));
        let file = row.split('"').nth(3).unwrap_or_default();
        let test = crate::files::read(&format!("tests/tests/flows/{file}"));
        // Played by itself, or among the kinds of another's run.
        let stage = crate::files::read("tests/tests/flows/stage.rs");
        let sign_up = stage.split("const SIGN_UP").nth(1).and_then(|it| it.split("];").next());
        let among = sign_up.is_some_and(|kinds| kinds.contains(&format!("\"{kind}\"")));
        let by_itself = test.contains("CrashMatrix::of") && source::has_word(&test, &name);
        let in_a_run = test.contains("crash_matrix!(") && among;
        assert!(by_itself || in_a_run, "{kind} is not played in {file}");
    }
}
