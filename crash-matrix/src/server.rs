//! One Postgres for all processes of a run (nextest gives each test a process of its own).
//!
//! `./test` starts one and passes its address in the environment. Without that, and without `DATABASE_URL`, the first
//! test process starts `test-postgres`, which goes by itself when no test has been there for a while.
//!
//! Three files in the folder of the run settle who does what; their locks go with the processes that hold them:
//! `users` (shared: a test is alive), `starter` (exclusive: somebody looks whether there is a server), `url` (where).

use std::{
    fs::{self, File, TryLockError},
    io::{BufRead, BufReader, Write},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use daemon::{
    config::Env,
    postgres::{Options, Search, Server, TEST_URL, guard, sweep_abandoned},
};
use secrecy::{ExposeSecret, SecretString};

/// A server without tests is not needed for longer than it takes to compile the next try.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Nothing tells us that the last test has gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The superuser's URL of the server of this run. Starts one if there is none.
///
/// # Panics
/// When there is no server to be had: nothing can be tested then.
pub fn superuser() -> SecretString {
    static URL: OnceLock<SecretString> = OnceLock::new();
    let env = Env::of_process();
    URL.get_or_init(|| {
        let given = env.var([TEST_URL, "DATABASE_URL"]).text().optional();
        given.map_or_else(|| find_or_start().expect("a Postgres for tests"), SecretString::from)
    })
    .clone()
}

/// The argument of `test-postgres` for a server of a single test's own.
pub(crate) const OWN: &str = "own";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.trunkline/test/shared")
}

pub(crate) fn open(name: &str) -> Result<File> {
    let path = folder().join(name);
    File::create(&path).with_context(|| format!("open {}", path.display()))
}

/// Held until this process ends, however it ends.
static USING: OnceLock<File> = OnceLock::new();

fn find_or_start() -> Result<SecretString> {
    fs::create_dir_all(folder())?;
    let starter = open("starter")?;
    starter.lock()?;
    let users = open("users")?;
    users.lock_shared()?;
    USING.set(users).ok();
    if is_free("holder")? { start() } else { Ok(fs::read_to_string(folder().join("url"))?.into()) }
}

fn is_free(name: &str) -> Result<bool> {
    match open(name)?.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// `test-postgres`, which cargo has put beside the folder of this very program.
pub(crate) fn program() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let program =
        me.ancestors().skip(1).map(|dir| dir.join("test-postgres")).find(|path| path.is_file());
    program.context("test-postgres is not built: cargo build -p tests")
}

/// Starts the server of the run.
fn start() -> Result<SecretString> {
    let mut holder = Command::new(program()?)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(open("log")?)
        // Its own group: Ctrl-C ends the tests, and then it goes by itself.
        .process_group(0)
        .spawn()?;
    heard(&mut holder)
}

/// Where the server is that a program has just started.
pub(crate) fn heard(holder: &mut Child) -> Result<SecretString> {
    let mut url = String::new();
    if let Some(out) = holder.stdout.take() {
        BufReader::new(out).read_line(&mut url)?;
    }
    if url.is_empty() {
        bail!("no server: {}", fs::read_to_string(folder().join("log"))?);
    }
    Ok(url.trim().to_owned().into())
}

/// What the program `test-postgres` does, in full: it holds a server for as long as there are tests, or one of a single
/// test's own (`own`) for as long as that one listens; and it is the guard of both.
pub fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|arg| arg == guard::SUBCOMMAND).is_some() {
        let Err(error) = guard::run(args);
        report(&error);
        return ExitCode::FAILURE;
    }
    let held = if args.next().is_some_and(|arg| arg == OWN) { hold_own() } else { idle() };
    held.map_or_else(
        |error| {
            report(&error);
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn report(error: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{error:#}");
}

/// A server of a single test's own, until nobody listens any more.
fn hold_own() -> Result<()> {
    let env = Env::of_process();
    let home = folder().join("homes").join(std::process::id().to_string());
    let server = Server::start(&Options::test(home, Search::read(&env)))?;
    say_where(server.running().superuser_url.expose_secret())?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    server.stop();
    Ok(())
}

fn say_where(url: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{url}")?;
    Ok(out.flush()?)
}

fn idle() -> Result<()> {
    fs::create_dir_all(folder())?;
    let holder = open("holder")?;
    holder.lock()?;
    let env = Env::of_process();
    let search = Search::read(&env);
    let homes = folder().join("homes");
    sweep_abandoned(&homes);
    let server = Server::start(&Options::test(homes.join(std::process::id().to_string()), search))?;
    let url = server.running().superuser_url.expose_secret();
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder().join("url"))?;
    file.write_all(url.as_bytes())?;
    say_where(url)?;
    until_nobody_comes()?;
    server.stop();
    Ok(())
}

/// Returns with the starter's lock held for good: whoever comes now waits until this process is gone.
fn until_nobody_comes() -> Result<()> {
    let mut seen = Instant::now();
    loop {
        std::thread::sleep(LOOK_EVERY);
        if !is_free("users")? {
            seen = Instant::now();
        } else if seen.elapsed() > IDLE_MAX {
            let starter = open("starter")?;
            if starter.try_lock().is_ok() && is_free("users")? {
                std::mem::forget(starter);
                return Ok(());
            }
        }
    }
}
