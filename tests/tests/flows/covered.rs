//! Every kind has its laws, or a reason why the engine's own laws are enough for it.

use std::collections::BTreeSet;

/// Kinds and where this suite plays them to every end.
const COVERED: &[(&str, &str)] = &[
    ("demo_signup", "laws.rs: forward and every way back, at every boundary"),
    ("allocate_number", "laws.rs as a child of demo_signup; numbers.rs"),
    ("send_sms", "laws.rs as a child of demo_signup; sms.rs"),
    ("serve_waitlist", "one transaction, which the engine's laws cover; numbers.rs"),
    ("sms_status", "one transaction, which the engine's laws cover; sms.rs"),
    ("clean_expired", "one transaction without deeds, which the engine's laws cover"),
];

#[test]
fn every_kind_is_in_the_table_of_laws() {
    let registry = workflows::registry(false);
    let kinds: BTreeSet<_> = registry.kinds().into_iter().collect();
    let covered: BTreeSet<_> = COVERED.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, covered, "a kind without laws, or laws without their kind");
}

#[test]
fn the_stage_knows_every_kind() {
    let all: BTreeSet<_> =
        workflows::registry(false).kinds().into_iter().map(ToOwned::to_owned).collect();
    let staged: BTreeSet<_> =
        crate::stage::without_clock().kinds().into_iter().map(ToOwned::to_owned).collect();
    assert_eq!(all, staged);
}
