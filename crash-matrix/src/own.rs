//! A Postgres of one test's own, which may crash.

use std::{
    cell::RefCell,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};

use crate::server;

thread_local! {
    /// Tests of one thread have one runtime of one thread.
    static OWN: RefCell<Option<SecretString>> = const { RefCell::new(None) };
}

/// A server of this test's own. Every [`crate::TestDb`] that is made on this thread while it lives is on it. Dropped, it is
/// stopped.
pub struct OwnServer(Child);

impl OwnServer {
    /// Starts one, which takes seconds.
    ///
    /// # Panics
    /// When there is none to be had.
    pub fn start() -> OwnServer {
        std::fs::create_dir_all(server::folder()).expect("a folder");
        let mut holder = Command::new(server::program().expect("a program"))
            .arg(server::OWN)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(server::open("log").expect("a log"))
            .spawn()
            .expect("a server");
        let url = server::heard(&mut holder).expect("a server");
        OWN.set(Some(url));
        OwnServer(holder)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        OWN.set(None);
        drop(self.0.stdin.take()); // it stops when nobody listens
        self.0.wait().ok();
    }
}

/// The superuser's URL of the server of this thread's own, if it has one.
pub(crate) fn url() -> Option<SecretString> {
    OWN.with_borrow(Clone::clone)
}

/// Kills a process of this server, which is a crash of all of it.
pub(crate) fn kill(superuser: &SecretString, pid: i32) {
    let is_own = url().is_some_and(|own| own.expose_secret() == superuser.expose_secret());
    assert!(is_own, "a server that others use must not crash: start an OwnServer first");
    let pid = Pid::from_raw(pid).expect("a process");
    kill_process(pid, Signal::KILL).expect("it dies");
}
