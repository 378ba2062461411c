//! The guard: what our binary is between being spawned and becoming `postgres`.
//!
//! A parent that is killed with -9 cannot stop its children. The kernel can: it sends a chosen signal when the
//! parent dies. That has to be asked for in the child, after it has given up root (a change of user clears the
//! request) and before exec (which keeps it), and std has no safe hook there. So the child is this binary once
//! more, and this is all that it does.
//!
//! `main` must come here before it starts threads or a runtime.

use std::{
    convert::Infallible, ffi::OsString, io, os::unix::process::CommandExt, process::Command,
};

use rustix::process::getppid;

use super::identity::Identity;

/// The subcommand under which the binary is a guard.
pub const SUBCOMMAND: &str = "guard-postgres";

/// What the parent tells the guard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Orders {
    /// Who has to be alive.
    pub(super) parent: i32,
    /// Who to become.
    pub(super) user: Option<Identity>,
    /// The program and its arguments.
    pub(super) command: Vec<OsString>,
}

/// Why the guard did not become `postgres`.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Called by hand, or by another version.
    #[error(
        "guard-postgres is for `trunkline dev` to call: --parent PID [--user UID:GID] -- PROGRAM ARGS"
    )]
    Usage,
    /// The parent died before we could ask for the signal.
    #[error("the parent is gone")]
    Orphan,
    /// The operating system refused something.
    #[error("could not {0}")]
    Io(&'static str, #[source] io::Error),
}

/// Becomes `postgres`; returns only when that fails. `args` are those after the subcommand.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Result<Infallible, GuardError> {
    let orders = Orders::parse(args).ok_or(GuardError::Usage)?;
    let mut command = Command::new(&orders.command[0]);
    command.args(&orders.command[1..]);
    become_user(orders.user, &mut command)?;
    watch_parent()?;
    // The parent may have died before the kernel knew that we want to hear of it.
    if getppid().map(rustix::process::Pid::as_raw_pid) != Some(orders.parent) {
        return Err(GuardError::Orphan);
    }
    Err(GuardError::Io("start postgres", command.exec()))
}

#[cfg(target_os = "linux")]
fn become_user(user: Option<Identity>, _: &mut Command) -> Result<(), GuardError> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    let Some(Identity { uid, gid }) = user else { return Ok(()) };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    // The only thread of this process, so its user is the process's. Groups first: they need root.
    set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid))
        .map_err(|error| GuardError::Io("give up root", error.into()))
}

#[cfg(target_os = "linux")]
fn watch_parent() -> Result<(), GuardError> {
    // SIGINT is Postgres' "fast shutdown": sessions are cut, the data is left clean.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::INT))
        .map_err(|error| GuardError::Io("ask for the parent's death signal", error.into()))
}

/// Elsewhere there is no such signal to lose; the next start stops what was left over.
#[cfg(not(target_os = "linux"))]
fn become_user(user: Option<Identity>, command: &mut Command) -> Result<(), GuardError> {
    if let Some(Identity { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn watch_parent() -> Result<(), GuardError> {
    Ok(())
}

impl Orders {
    pub(super) fn args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["--parent".into(), self.parent.to_string().into()];
        if let Some(Identity { uid, gid }) = self.user {
            args.extend(["--user".into(), format!("{uid}:{gid}").into()]);
        }
        args.push("--".into());
        args.extend(self.command.iter().cloned());
        args
    }

    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let (mut parent, mut user) = (None, None);
        loop {
            match args.next()?.to_str()? {
                "--parent" => parent = args.next()?.to_str()?.parse().ok(),
                "--user" => {
                    let (uid, gid) = args
                        .next()?
                        .to_str()?
                        .split_once(':')
                        .map(|(u, g)| (u.parse(), g.parse()))?;
                    user = Some(Identity { uid: uid.ok()?, gid: gid.ok()? });
                }
                "--" => break,
                _ => return None,
            }
        }
        let command: Vec<OsString> = args.collect();
        (!command.is_empty()).then_some(Self { parent: parent?, user, command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_as_they_were_given() {
        let given = Orders {
            parent: 7,
            user: Some(Identity { uid: 101, gid: 104 }),
            command: vec!["/x/postgres".into(), "-D".into(), "/d".into()],
        };
        assert_eq!(Orders::parse(given.args()), Some(given));
    }

    #[test]
    fn a_guard_called_by_hand_says_what_it_is_for() {
        let error = run(["--help".into()]).unwrap_err();
        assert!(error.to_string().contains("--parent PID"));
    }

    #[test]
    fn a_guard_without_its_parent_starts_nothing() {
        // Process 0 is nobody's parent here.
        let args = ["--parent", "0", "--", "/bin/true"].map(OsString::from);
        let in_thread = std::thread::spawn(|| run(args)).join().unwrap();
        assert!(matches!(in_thread, Err(GuardError::Orphan)));
    }
}
