//! Why there is no server. Each message says what to do.

use std::{io, path::PathBuf};

use super::Version;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binaries anywhere, and none could be fetched.
    #[error(
        "no PostgreSQL server found (looked in {looked}); fetching one failed too: {fetch}\n  \
         Debian, Ubuntu:  sudo apt-get install -y postgresql\n  \
         macOS:           brew install postgresql@17\n  \
         elsewhere:       set TRUNKLINE_PG_BIN to the folder that holds initdb and postgres, \
         or DATABASE_URL to a server"
    )]
    NotFound {
        /// The places, separated by commas.
        looked: String,
        /// Why nothing could be fetched.
        fetch: String,
    },
    /// The folder that was asked for holds no server.
    #[error("TRUNKLINE_PG_BIN is {0}, but initdb and postgres do not run there")]
    NotAServer(PathBuf),
    /// The data was made by another major version.
    #[error(
        "{home} was made by PostgreSQL {data}, but the server here is {}; either wipe it (./dev --fresh), \
         or set TRUNKLINE_PG_BIN to the bin folder of a PostgreSQL {data}",
        .binaries.text
    )]
    MajorMismatch {
        /// The server's folder.
        home: PathBuf,
        /// The data's major version.
        data: u32,
        /// The binaries' version.
        binaries: Version,
    },
    /// Another process owns this server.
    #[error(
        "{home} is in use by another running process; stop that first, or start with --ephemeral"
    )]
    InUse {
        /// The server's folder.
        home: PathBuf,
    },
    /// A folder belongs to somebody else.
    #[error("{path} belongs to user {owner}, not to us; remove it or run as that user")]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// The server is there but its password is not.
    #[error("{home} has data but no password file; wipe it (./dev --fresh)")]
    PasswordLost {
        /// The server's folder.
        home: PathBuf,
    },
    /// A program ended with an error.
    #[error("{program} failed ({status}):\n{output}")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The server did not come up, or ended at once.
    #[error("postgres did not start: {why}\nthe end of {log}:\n{tail}")]
    NotStarted {
        /// What was seen.
        why: String,
        /// Its log file.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// A server from before does not end.
    #[error("a PostgreSQL left over from before (process {pid}) does not stop")]
    Stuck {
        /// Its process id.
        pid: i32,
    },
    /// The operating system refused something.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Gives an I/O error the sentence that it lacks.
pub(super) trait Trying<T> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}
