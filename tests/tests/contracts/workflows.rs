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
