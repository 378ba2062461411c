//! docs/metrics.md against the lists of names that the crates keep.

use std::collections::BTreeSet;

use crate::documents;

fn emitted() -> BTreeSet<&'static str> {
    let names = [
        engine::metrics::NAMES.as_slice(),
        clients::metrics::NAMES.as_slice(),
        api::metrics::NAMES.as_slice(),
        workers::metrics::NAMES.as_slice(),
        workers::voice::metrics::NAMES.as_slice(),
        workflows::metrics::NAMES.as_slice(),
        daemon::telemetry::NAMES,
    ];
    names.concat().into_iter().collect()
}

#[test]
fn every_metric_is_in_the_table_and_every_row_is_a_metric() {
    let rows = documents::rows("docs/metrics.md");
    let written: BTreeSet<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(written, emitted());
}

#[test]
fn every_metric_says_its_unit_by_its_name() {
    const UNITS: [&str; 16] = [
        "_connections",
        "_slots",
        "_calls",
        "_tenants",
        "_numbers",
        "_total",
        "_seconds",
        "_bytes",
        "_fds",
        "_info",
        "_operations",
        "_threads",
        "_rows",
        "_jobs",
        "_ratio",
        "_transactions",
    ];
    for name in emitted() {
        assert!(UNITS.iter().any(|unit| name.ends_with(unit)), "{name}");
    }
}
