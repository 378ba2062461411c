//! Which test notices which bug.

use std::process::Command;

use tests::{fleet::Experiment, seed::seed};

/// Runs a test of this program as one of its own. Whether it passed.
fn passes(test: &str, bug: Option<&str>) -> bool {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", test]).env_remove("TRUNKLINE_PLANTED");
    if let Some(bug) = bug {
        program.env("TRUNKLINE_PLANTED", bug);
    }
    let done = program.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("running 1 test"), "there is no test {test}");
    done.status.success()
}

/// Each of these tests passes without the bug, and fails with it.
fn is_noticed(promise: u8, bug: &str, tests: &[&str]) {
    let mut blind = Vec::new();
    for test in tests {
        assert!(passes(test, None), "{test} fails without any bug");
        if passes(test, Some(bug)) {
            blind.push(*test);
        } else {
            println!("{bug}: noticed by {test}");
        }
    }
    Experiment {
        promise,
        experiment: format!("planted bug {bug}: noticed by the tests that should"),
        faults: u64::try_from(tests.len()).unwrap(),
        checked: u64::try_from(tests.len()).unwrap(),
        violations: u64::try_from(blind.len()).unwrap(),
        recovery_ms: None,
        seed: seed(),
    }
    .record();
    assert!(blind.is_empty(), "{bug} goes unnoticed by {blind:?}");
}

#[test]
fn writes_without_a_fence_are_noticed() {
    is_noticed(3, "no_fencing", &["leases::a_late_write_is_rejected_and_counted"]);
}

#[test]
fn answers_before_the_commit_are_noticed() {
    let test = "order::an_order_survives_the_death_of_its_worker_before_any_commit";
    is_noticed(1, "ack_before_commit", &[test]);
}

#[test]
fn a_clock_of_ones_own_is_noticed() {
    let tests = [
        "waiting::a_wait_has_an_end_by_the_clock_that_survives_crashes",
        "waiting::a_sleeper_holds_nothing",
        "order::an_order_that_nobody_confirms_is_taken_back_whatever_goes_wrong",
    ];
    is_noticed(2, "local_clock", &tests);
}

#[test]
fn uniqueness_by_looking_first_is_noticed() {
    is_noticed(
        4,
        "unique_by_select",
        &["enqueueing::fifty_race_for_a_unique_key_and_one_job_is_made"],
    );
}

#[test]
fn heartbeats_behind_other_work_are_noticed() {
    let test = "leases::a_worker_whose_connections_are_all_taken_keeps_its_lease";
    is_noticed(3, "heartbeat_on_shared_pool", &[test]);
}
