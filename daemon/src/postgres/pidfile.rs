//! What a server writes about itself into `postmaster.pid`.

use std::path::{Path, PathBuf};

/// One reading of the file. Lines that are not written yet are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) data: PathBuf,
    pub(super) status: Option<String>,
}

impl PidFile {
    /// Reads the file of a data folder; `None` when there is none, or nothing sensible in it.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// Lines: process, data folder, start time, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok().filter(|pid| *pid > 0)?,
            data: PathBuf::from(lines.get(1)?),
            status: lines.get(7).filter(|status| !status.is_empty()).map(|s| (*s).to_owned()),
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.status.as_deref() == Some("ready")
    }

    /// Whether that process lives and is the server of that folder, not a stranger with a recycled number.
    pub(super) fn is_alive(&self) -> bool {
        let command_line = match std::fs::read(format!("/proc/{}/cmdline", self.pid)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).replace('\0', " "),
            Err(_) => ps(self.pid),
        };
        command_line.contains("postgres") && command_line.contains(&*self.data.to_string_lossy())
    }
}

/// The command line where there is no /proc (macOS).
fn ps(pid: i32) -> String {
    std::process::Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_still_being_written_is_not_ready() {
        let begun = PidFile::parse("42\n/d\n1700000000\n").unwrap();
        assert_eq!((begun.pid, begun.is_ready()), (42, false));
        let full = "42\n/d\n1700000000\n5432\n/tmp/x\n127.0.0.1\n  1 2\nready   \n";
        assert!(PidFile::parse(full).unwrap().is_ready());
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(
            PidFile::parse("-1\n/d\n"),
            None,
            "a negative number would signal a whole group"
        );
    }

    #[test]
    fn a_stranger_with_a_recycled_number_is_not_our_server() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(!PidFile { pid, data: "/no/such/data".into(), status: None }.is_alive());
    }
}
