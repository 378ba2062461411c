//! The private Postgres with real processes. This program is three: the tests, the guard (as which the server
//! is started), and a parent that owns a server until it is killed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no test functions"
)]
#![expect(clippy::print_stdout, reason = "the test runner and the parent of the tests read it")]

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use daemon::{
    config::Env,
    postgres::{Error, Options, Profile, Search, Server, TEST_URL, guard, run_with_server},
};
use secrecy::ExposeSecret;

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("a_server_starts_takes_connections_and_leaves_nothing_behind", starts_and_stops),
    ("kept_data_is_used_again_with_the_same_password", keeps_its_data),
    ("a_home_has_one_server_at_a_time", one_at_a_time),
    ("data_of_another_major_version_is_refused_with_both_ways_out", refuses_other_majors),
    (
        "a_server_whose_owner_is_killed_goes_too_and_its_home_can_be_used_at_once",
        dies_with_its_owner,
    ),
    ("the_end_of_a_server_is_noticed", its_end_is_noticed),
    ("a_server_wraps_a_command_and_hands_on_its_exit_code", wraps_a_command),
    ("a_machine_without_a_server_fetches_a_pinned_one", fetches_a_server),
    ("a_failed_start_shows_the_log", failed_start_shows_the_log),
];

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.first().and_then(|arg| arg.to_str()) {
        Some(guard::SUBCOMMAND) => {
            let Err(error) = guard::run(args.into_iter().skip(1));
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Some("own-a-server") => own_a_server(Path::new(&args[1])),
        _ => run_tests(&args),
    }
}

/// The little of libtest's command line that cargo and nextest use.
fn run_tests(args: &[OsString]) -> ExitCode {
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--list") {
        if !has("--ignored") {
            for (name, _) in TESTS {
                println!("{name}: test");
            }
        }
        return ExitCode::SUCCESS;
    }
    let filter = args.iter().filter_map(|arg| arg.to_str()).find(|arg| !arg.starts_with('-'));
    let chosen = |name: &str| {
        filter.is_none_or(|f| if has("--exact") { name == f } else { name.contains(f) })
    };
    for (name, test) in TESTS.iter().filter(|(name, _)| chosen(name)) {
        test();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

/// Starts a server, says so, and waits to be killed.
fn own_a_server(home: &Path) -> ExitCode {
    let server = Server::start(&kept(home)).unwrap();
    println!("{}", server.running().pid);
    loop {
        std::thread::park();
    }
}

fn search() -> Search {
    Search::read(&Env::of_process())
}

fn options(home: &Path) -> Options {
    Options::test(home, search())
}

/// One that stays where it was put.
fn kept(home: &Path) -> Options {
    Options { ephemeral: false, ..options(home) }
}

fn home(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("trunkline-test-{name}-{}", std::process::id()))
}

fn lives(pid: u32) -> bool {
    // A zombie has a folder in /proc but no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

fn starts_and_stops() {
    let server = Server::start(&options(&home("start"))).unwrap();
    let running = server.running().clone();
    assert!(TcpStream::connect((running.host.as_str(), running.port)).is_ok());
    assert!(running.version.major >= 15 && lives(running.pid));
    let password =
        running.superuser_url.expose_secret().split([':', '@']).nth(2).unwrap().to_owned();
    assert!(!format!("{running:?}").contains(&password));
    server.stop();
    assert!(!lives(running.pid));
    assert!(!running.data_dir.exists() && !running.socket_dir.exists());
}

fn keeps_its_data() {
    let home = home("keep");
    let kept = Options { profile: Profile::Dev, ..kept(&home) };
    let url = |server: &Server| {
        let url = server.running().superuser_url.expose_secret().to_owned();
        url.split('@').next().unwrap().to_owned()
    };
    let first = Server::start(&kept).unwrap();
    let before = url(&first);
    drop(first);
    let second = Server::start(&kept).unwrap();
    assert_eq!(before, url(&second));
    let dir = second.running().data_dir.parent().unwrap().to_owned();
    drop(second);
    fs::remove_dir_all(dir).unwrap();
}

fn one_at_a_time() {
    let home = home("one");
    let _first = Server::start(&options(&home)).unwrap();
    assert!(matches!(Server::start(&options(&home)), Err(Error::InUse { .. })));
}

fn refuses_other_majors() {
    let home = home("major");
    fs::create_dir_all(home.join("data")).unwrap();
    fs::write(home.join("data/PG_VERSION"), "9\n").unwrap();
    let message = Server::start(&kept(&home)).err().unwrap().to_string();
    assert!(message.contains("--fresh") && message.contains("TRUNKLINE_PG_BIN"), "{message}");
}

fn dies_with_its_owner() {
    let home = home("killed");
    let (mut owner, pid) = spawn_owner(&home);
    assert!(lives(pid));
    owner.kill().unwrap();
    assert_eq!(owner.wait().unwrap().signal(), Some(9));
    // At once: the old server may still be on its way out.
    let second = Server::start(&kept(&home)).unwrap();
    assert!(!lives(pid));
    drop(second);

    let (mut owner, pid) = spawn_owner(&home);
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the server's end", || !lives(pid));
    assert!(!home.join("data/postmaster.pid").exists(), "it ended cleanly");
    fs::remove_dir_all(home).unwrap();
}

fn spawn_owner(home: &Path) -> (Child, u32) {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .arg("own-a-server")
        .arg(home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (owner, line.trim().parse().unwrap())
}

fn its_end_is_noticed() {
    let server = Server::start(&options(&home("end"))).unwrap();
    let pid = rustix::process::Pid::from_raw(server.running().pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(server.ended()).unwrap_err();
    assert!(error.to_string().contains("exit status: 0"), "{error}");
}

fn wraps_a_command() {
    let script = format!("case ${TEST_URL} in postgres://*) exit 7;; esac");
    let args = ["-c".into(), script.into()];
    let code = run_with_server(&options(&home("wrap")), &"/bin/sh".into(), &args).unwrap();
    assert_eq!(code, 7);
}

/// Needs a package registry, so only the full run does it.
#[expect(clippy::disallowed_methods, reason = "the switch of ./test --full")]
fn fetches_a_server() {
    if std::env::var_os("TRUNKLINE_FULL").is_none() {
        return eprintln!("skipped: needs TRUNKLINE_FULL=1 and a package registry");
    }
    let cache = PathBuf::from(format!("/var/tmp/trunkline-fetch-{}", std::process::id()));
    let bare = Search {
        root: cache.join("empty"),
        cache: cache.clone(),
        fetch: true,
        ..Search::default()
    };
    let server =
        Server::start(&Options { search: bare.clone(), ..options(&home("fetch")) }).unwrap();
    assert_eq!(server.running().version.major, 18);
    drop(server);
    let again = Search { fetch: false, ..bare }.find(None).unwrap();
    assert!(again.dir.starts_with(&cache), "the second time it is in the cache");
    fs::remove_dir_all(cache).unwrap();
}

fn failed_start_shows_the_log() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let failed = Server::start(&Options { port, ..options(&home("port")) });
    let message = failed.err().unwrap().to_string();
    assert!(message.contains("in use"), "{message}");
}
