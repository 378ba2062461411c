//! A running server, from start to stop.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::{
    Binaries, Error, Profile, Search, Version, cluster,
    error::Trying,
    guard::{self, Orders},
    home::Home,
    pidfile::PidFile,
};

/// From exec to "ready": 0.1 s as a rule; a large recovery on a slow disk may take long.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// A fast shutdown writes a checkpoint.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// An immediate one writes nothing.
const QUIT_WITHIN: Duration = Duration::from_secs(5);
/// How often we look whether a process or a file has changed; nothing tells us.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Between choosing a free port and its use somebody else may take it.
const PORT_TRIES: u32 = 5;

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder; one server per folder.
    pub home: PathBuf,
    /// What it is for.
    pub profile: Profile,
    /// Its TCP port on 127.0.0.1; 0 means any that is free.
    pub port: u16,
    /// Whether its folder is removed at the end.
    pub ephemeral: bool,
    /// Where its programs are looked for.
    pub search: Search,
    /// How our binary is called as a guard: program and arguments.
    pub guard: Vec<OsString>,
}

impl Options {
    /// A server that keeps its data in `home`.
    pub fn dev(home: impl Into<PathBuf>, search: Search) -> Self {
        let me = std::env::current_exe().unwrap_or_default();
        Self {
            home: home.into(),
            profile: Profile::Dev,
            port: 0,
            ephemeral: false,
            search,
            guard: vec![me.into(), guard::SUBCOMMAND.into()],
        }
    }

    /// A fast server that is gone afterwards.
    pub fn test(home: impl Into<PathBuf>, search: Search) -> Self {
        Self { profile: Profile::Test, ephemeral: true, ..Self::dev(home, search) }
    }

    /// Calls another binary as the guard; for test programs, which are no `trunkline` themselves.
    #[must_use]
    pub fn guarded_by(mut self, trunkline: impl Into<OsString>) -> Self {
        self.guard = vec![trunkline.into(), guard::SUBCOMMAND.into()];
        self
    }
}

/// What others need to know of a running server.
#[derive(Debug, Clone)]
pub struct Running {
    /// `postgres://postgres:…@127.0.0.1:port/postgres`.
    pub superuser_url: SecretString,
    /// Always 127.0.0.1.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// Its process id.
    pub pid: u32,
    /// Its data.
    pub data_dir: PathBuf,
    /// Its programs.
    pub bin_dir: PathBuf,
    /// Its Unix socket's folder, private to its user.
    pub socket_dir: PathBuf,
    /// Its log.
    pub log_file: PathBuf,
    /// Its version.
    pub version: Version,
}

/// A server that is ours. Dropping it stops it.
pub struct Server {
    running: Running,
    keeper: Keeper,
    _home: Home,
}

impl Server {
    /// Finds the programs, makes the data if need be, and starts. Blocks until the server takes connections.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let home = Home::take(&options.home, options.ephemeral)?;
        stop_leftover(&home)?;
        let binaries = options.search.find(cluster::major(&home))?;
        let password = cluster::ensure(&home, &binaries, options.profile)?;
        let sockets = home.sockets()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = if options.port == 0 { free_port()? } else { options.port };
            let settings = options.profile.settings(port, &sockets, binaries.version.major);
            match launch(options, &home, &binaries, &settings) {
                Ok(keeper) => {
                    let running = describe(&home, binaries, port, sockets, &password, keeper.pid);
                    return Ok(Self { running, keeper, _home: home });
                }
                Err(Error::NotStarted { tail, .. })
                    if options.port == 0 && tries < PORT_TRIES && tail.contains("in use") => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What others need to know.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Completes when the server has ended, whoever ended it. A process that lives on it should stop then.
    pub fn ended(&self) -> impl Future<Output = Result<(), ServerEnded>> + Send + 'static {
        let mut ended = self.keeper.ended.clone();
        async move {
            let status = ended.wait_for(Option::is_some).await;
            Err(ServerEnded(status.ok().and_then(|status| status.clone()).unwrap_or_default()))
        }
    }

    /// Stops it: at once for its sessions, cleanly for its data. Blocks until it is gone.
    pub fn stop(mut self) {
        self.keeper.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keeper.stop();
    }
}

/// The server is gone though nobody here asked it to stop.
#[derive(Debug, thiserror::Error)]
#[error("postgres ended ({0})")]
pub struct ServerEnded(String);

/// The thread that spawned the server, and waits for its end.
struct Keeper {
    pid: u32,
    thread: JoinHandle<()>,
    ended: watch::Receiver<Option<String>>,
}

impl Keeper {
    fn spawn(mut command: Command) -> Result<Self, Error> {
        let (started, start) = mpsc::channel();
        let (end, ended) = watch::channel(None);
        let thread = thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || match command.spawn() {
                Ok(mut child) => {
                    let _ = started.send(Ok(child.id()));
                    let status = child.wait().map(|status| status.to_string());
                    end.send_replace(Some(status.unwrap_or_else(|error| error.to_string())));
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .trying(|| "start a thread".to_owned())?;
        let pid = start
            .recv()
            .unwrap_or_else(|_| Err(std::io::Error::other("the keeper thread died")))
            .trying(|| "start the guard of postgres".to_owned())?;
        Ok(Self { pid, thread, ended })
    }

    fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn stop(&mut self) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        for (signal, patience) in
            [(Signal::INT, STOP_WITHIN), (Signal::QUIT, QUIT_WITHIN), (Signal::KILL, QUIT_WITHIN)]
        {
            if self.has_ended() {
                return;
            }
            // Not reaped while the keeper waits for it, so the number is still its own.
            let _ = pid.map(|pid| kill_process(pid, signal));
            wait_until(patience, || self.has_ended());
        }
    }
}

fn launch(
    options: &Options,
    home: &Home,
    binaries: &Binaries,
    settings: &[String],
) -> Result<Keeper, Error> {
    let mut postgres: Vec<OsString> =
        vec![binaries.dir.join("postgres").into(), "-D".into(), home.data().into()];
    postgres.extend(settings.iter().flat_map(|setting| ["-c".into(), setting.into()]));
    let parent = rustix::process::getpid().as_raw_pid();
    let orders = Orders { parent, user: home.user, command: postgres };

    let log = home.log();
    let _ = fs::rename(&log, log.with_extension("log.old"));
    let file = File::create(&log).trying(|| format!("create {}", log.display()))?;
    let out = file.try_clone().trying(|| format!("share {}", log.display()))?;

    let mut guard = Command::new(&options.guard[0]);
    guard
        .args(&options.guard[1..])
        .args(orders.args())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir(&home.dir)
        // Its own group: Ctrl-C in a terminal must reach us, not the server under our feet.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(file);
    let mut keeper = Keeper::spawn(guard)?;

    let ready = || {
        PidFile::read(&home.data())
            .is_some_and(|file| u32::try_from(file.pid) == Ok(keeper.pid) && file.is_ready())
    };
    wait_until(READY_WITHIN, || ready() || keeper.has_ended());
    if ready() && !keeper.has_ended() {
        return Ok(keeper);
    }
    let why = match &*keeper.ended.borrow() {
        Some(status) => format!("it ended ({status})"),
        None => format!("it was not ready after {} s", READY_WITHIN.as_secs()),
    };
    keeper.stop();
    let tail = cluster::last_lines(&fs::read_to_string(&log).unwrap_or_default());
    Err(Error::NotStarted { why, log, tail })
}

fn describe(
    home: &Home,
    binaries: Binaries,
    port: u16,
    sockets: PathBuf,
    password: &SecretString,
    pid: u32,
) -> Running {
    let (user, password) = (cluster::SUPERUSER, password.expose_secret());
    Running {
        superuser_url: format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres").into(),
        host: "127.0.0.1".to_owned(),
        port,
        pid,
        data_dir: home.data(),
        bin_dir: binaries.dir,
        socket_dir: sockets,
        log_file: home.log(),
        version: binaries.version,
    }
}

/// We hold the home's lock, so a server that still runs there has lost its owner.
fn stop_leftover(home: &Home) -> Result<(), Error> {
    let Some(leftover) = PidFile::read(&home.data()).filter(PidFile::is_alive) else {
        return Ok(());
    };
    for (signal, patience) in [(Signal::INT, STOP_WITHIN), (Signal::QUIT, QUIT_WITHIN)] {
        let _ = Pid::from_raw(leftover.pid).map(|pid| kill_process(pid, signal));
        if wait_until(patience, || !leftover.is_alive()) {
            return Ok(());
        }
    }
    Err(Error::Stuck { pid: leftover.pid })
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).trying(|| "find a free port".to_owned())?;
    Ok(listener.local_addr().trying(|| "find a free port".to_owned())?.port())
}

/// Looks again and again until something holds; `false` when the time is over.
fn wait_until(patience: Duration, holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_fits_however_deep_the_home_is() {
        let deep = std::env::temp_dir().join(format!("{}-{}", "x".repeat(200), std::process::id()));
        let home = Home::take(&deep, true).unwrap();
        let socket = home.sockets().unwrap().join(".s.PGSQL.65535");
        // 107 bytes on Linux, 103 on macOS.
        assert!(socket.as_os_str().len() <= 103);
    }
}
