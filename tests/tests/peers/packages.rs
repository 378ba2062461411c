//! Packages of others, installed once and kept below `target/peers`.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use daemon::config::Env;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// Where the pins stand.
const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");

/// A slow mirror needs a minute for the largest; one that does not answer must not hold the whole suite up.
const INSTALLED_WITHIN: Duration = Duration::from_mins(4);

/// The interpreter of a virtual environment with the packages of `python/<set>.txt`. `None`: they could not be installed,
/// and that was said.
pub(crate) async fn python(set: &str) -> Option<PathBuf> {
    python_with(set, &[]).await
}

/// The same, where the pins are all that is installed, whatever the packages themselves ask for.
pub(crate) async fn python_as_it_stands(set: &str) -> Option<PathBuf> {
    python_with(set, &["--no-deps"]).await
}

async fn python_with(set: &str, options: &[&str]) -> Option<PathBuf> {
    let pins = Path::new(PINS).join("python").join(format!("{set}.txt"));
    let home = home().join(format!("python-{set}"));
    let pip = home.join("bin/pip");
    let venv = Command::new("python3").arg("-m").arg("venv").arg(&home).tap();
    let install = Command::new(&pip)
        .args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "--timeout=20"])
        .args(options)
        .args(["--retries=1", "--requirement"])
        .arg(&pins)
        .tap();
    let pins = fs::read_to_string(&pins).expect("the pins are in the repository");
    let installed = install_once(&home, &pins, vec![venv, install]).await;
    said(&installed, &format!("Python packages of {set}.txt")).then(|| home.join("bin/python"))
}

/// The folder of the programs of `node/package-lock.json`. `None`: they could not be installed, and that was said.
pub(crate) async fn node() -> Option<PathBuf> {
    let home = home().join("node");
    let lock = Path::new(PINS).join("node/package-lock.json");
    let copy = |name: &str| {
        let from = Path::new(PINS).join("node").join(name);
        Command::new("cp").arg(from).arg(&home).tap()
    };
    let install = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(&home)
        .tap();
    let folder = Command::new("mkdir").arg("-p").arg(&home).tap();
    let pins = fs::read_to_string(lock).expect("the pins are in the repository");
    let steps = vec![folder, copy("package.json"), copy("package-lock.json"), install];
    let installed = install_once(&home, &pins, steps).await;
    said(&installed, "Node packages").then(|| home.join("node_modules/.bin"))
}

/// A provider's own description of its API: the file that `TWILIO_OPENAPI` names. `None`: it names none, and that was said.
pub(crate) fn twilio_openapi() -> Option<PathBuf> {
    let named = Env::of_process().var("TWILIO_OPENAPI").text().optional().map(PathBuf::from);
    let found = match named {
        Some(path) if path.is_file() => Ok(path),
        Some(_) => Err("TWILIO_OPENAPI names no file".to_owned()),
        None => Err("TWILIO_OPENAPI is not set".to_owned()),
    };
    match found {
        Ok(path) => Some(path),
        Err(why) => {
            skip("Twilio's description of its API", &why);
            None
        }
    }
}

/// Says loudly that something is not tested.
pub(crate) fn skip(what: &str, why: &str) {
    let line = format!("{what}: {why}");
    eprintln!("!! SKIPPED: {line}");
    fs::create_dir_all(home()).expect("a folder");
    let file = OpenOptions::new().append(true).create(true).open(home().join("skipped"));
    writeln!(file.expect("a file"), "{line}").expect("a line");
}

/// Where all of it is.
pub(crate) fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers")
}

/// Runs the steps unless they have been run for these pins; one process at a time. What could not be installed is not
/// tried again before `./test` removes the mark.
async fn install_once(home: &Path, pins: &str, steps: Vec<Command>) -> Result<(), String> {
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", home.display()));
    fs::create_dir_all(home.parent().expect("it is below target")).expect("a folder");
    let lock = File::create(beside("lock")).expect("a file");
    lock.lock().expect("a lock");
    if fs::read_to_string(beside("installed")).is_ok_and(|of| of == pins) {
        return Ok(());
    }
    if let Ok(why) = fs::read_to_string(beside("failed")) {
        return Err(why);
    }
    fs::remove_dir_all(home).ok();
    for step in steps {
        if let Err(why) = run(step).await {
            fs::write(beside("failed"), &why).expect("a mark");
            return Err(why);
        }
    }
    fs::write(beside("installed"), pins).expect("a mark");
    Ok(())
}

fn said(installed: &Result<(), String>, what: &str) -> bool {
    if let Err(why) = installed {
        skip(what, why);
    }
    installed.is_ok()
}

/// One program to its end, with all that it started if it takes too long.
async fn run(mut command: Command) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.process_group(0).kill_on_drop(true).spawn();
    let child = child.map_err(|error| format!("{name} cannot be started: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let Ok(ended) = tokio::time::timeout(INSTALLED_WITHIN, child.wait_with_output()).await else {
        group.map(|group| kill_process_group(group, Signal::KILL));
        return Err(format!("{name} took longer than {INSTALLED_WITHIN:?}"));
    };
    let ended = ended.map_err(|error| error.to_string())?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("{name} failed: {last}"))
}

/// A command as a value, after calls that lend it.
trait Tap {
    fn tap(&mut self) -> Command;
}

impl Tap for Command {
    fn tap(&mut self) -> Command {
        std::mem::replace(self, Command::new("false"))
    }
}
