//! What the monitoring's own programs say of our alerts: promtool and amtool, as Debian has them. Where they cannot be had,
//! these tests are skipped, and that is said. What needs no program is in the suite `contracts`.

mod sbom; // what we are built from

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use daemon::config::Env;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

/// The folder of the programs. `None`: they cannot be had, and that was said.
fn tools() -> Option<PathBuf> {
    let found = Command::new(root().join("ops/prometheus/tools"))
        .stdin(Stdio::null())
        .output()
        .expect("the script can be started");
    if found.status.success() {
        return Some(PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()));
    }
    skipped(
        "alerts by promtool and amtool: they are not installed, and their packages cannot be had",
    );
    None
}

/// Says that something was not tested; it is told again at the end of `./test`.
fn skipped(line: &str) {
    eprintln!("!! SKIPPED: {line}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
    fs::create_dir_all(&folder).expect("a folder");
    let file = OpenOptions::new().append(true).create(true).open(folder.join("skipped"));
    writeln!(file.expect("a file"), "{line}").expect("a line");
}

/// The files of a folder below `ops/prometheus`.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("ops/prometheus").join(folder)).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() > 5, "{folder} has {} files", files.len());
    files
}

fn run(program: &Path, words: &[&str], files: &[PathBuf]) -> Output {
    let output = Command::new(program)
        .args(words)
        .args(files)
        .current_dir(root())
        .stdin(Stdio::null())
        .output();
    output.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

#[test]
fn every_alert_fires_when_it_should_and_is_quiet_otherwise() {
    let Some(tools) = tools() else { return };
    let tested = run(&tools.join("promtool"), &["test", "rules"], &files("tests"));
    assert!(tested.status.success(), "{}", said(&tested));
}

#[test]
fn a_rule_with_another_threshold_is_noticed() {
    let Some(tools) = tools() else { return };
    let scratch = std::env::temp_dir().join(format!("trunkline-rules-{}", std::process::id()));
    for folder in ["rules", "tests"] {
        fs::create_dir_all(scratch.join(folder)).unwrap();
    }
    let read = |path: &str| fs::read_to_string(root().join("ops/prometheus").join(path)).unwrap();
    let rules = read("rules/database.yml");
    let changed = rules.replace("> 900", "> 90000");
    assert_ne!(rules, changed);
    fs::write(scratch.join("rules/database.yml"), changed).unwrap();
    let tests = scratch.join("tests/database.yml");
    fs::write(&tests, read("tests/database.yml")).unwrap();
    let tested = run(&tools.join("promtool"), &["test", "rules"], &[tests]);
    fs::remove_dir_all(&scratch).unwrap();
    assert!(!tested.status.success());
    assert!(said(&tested).contains("SnapshotHeld"), "{}", said(&tested));
}

/// A minute and more, so that it is played by `./test --full` alone.
#[test]
fn a_restore_to_an_instant_loses_nothing_and_sends_nothing_twice() {
    if !Env::of_process().is_set("TRUNKLINE_FULL") {
        skipped(
            "the drill of a restore, with pruning and the monthly look: ./test --full plays it",
        );
        return;
    }
    let script = root().join("ops/backup/drill");
    let binary = tests::fleet::binary();
    let words = ["--signups", "5", "--binary", binary.to_str().expect("a path that is text")];
    let drill = run(&script, &words, &[]);
    assert!(drill.status.success() && said(&drill).contains("DONE"), "{}", said(&drill));
}

/// What the scripts of a restore show, and that they do what they did where nobody looks: with input, output and exit code.
#[test]
fn a_bar_of_the_scripts_is_a_line_and_nothing_where_nobody_looks() {
    let bash = |script: &str| {
        let whole = format!("set -euo pipefail; . ops/backup/bar; {script}");
        run(Path::new("bash"), &["-c", &whole], &[])
    };
    let lines = bash(
        "for seen in 0 5 10 11; do bar_line $seen 10 MB; echo; done; bar_line '' 0 files; echo",
    );
    let (full, half) = ("#".repeat(30), "#".repeat(15) + &"-".repeat(15));
    let empty = "-".repeat(30);
    let wanted = format!(
        "[{empty}] 0 of 10 MB\n[{half}] 5 of 10 MB\n[{full}] 10 of 10 MB\n[{full}] 11 of 10 MB\n[{empty}] 0 of 0 files\n"
    );
    assert_eq!(said(&lines), wanted);
    let quiet = bash("bar_say x; far() { echo 1; }; echo through | with_bar 2 MB far cat");
    assert_eq!((quiet.status.code(), said(&quiet)), (Some(0), "through\n".to_owned()));
    let failed = bash("far() { echo 1; }; with_bar 2 MB far bash -c 'exit 7'; echo not reached");
    assert_eq!((failed.status.code(), said(&failed)), (Some(7), String::new()));
}

#[test]
fn prometheus_and_alertmanager_take_their_configuration() {
    let Some(tools) = tools() else { return };
    let config = PathBuf::from("ops/prometheus/prometheus.yml");
    let checked = run(&tools.join("promtool"), &["check", "config"], &[config]);
    assert!(checked.status.success(), "{}", said(&checked));
    let config = PathBuf::from("ops/alertmanager/alertmanager.yml");
    let checked = run(&tools.join("amtool"), &["check-config"], &[config]);
    assert!(checked.status.success(), "{}", said(&checked));
}
