//! How the server is configured: all on its command line, so that nothing in its folder goes stale.

use std::path::Path;

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Keeps its data, even when the power goes.
    Dev,
    /// Forgets it then. Killed processes lose nothing either way: the page cache is the kernel's.
    Test,
    /// Keeps its data as a production server would, with room to work, so that what is measured on it means something.
    Bench,
}

/// Every pool of every process of a large test, and then some.
const CONNECTIONS_MAX: u32 = 300;

impl Profile {
    /// How the server asks for a password. SCRAM hashes it four thousand times at our end, which is meant to be slow: a tenth
    /// of what all tests cost, since each of them opens dozens of connections to a server that is gone afterwards.
    pub(super) const fn authentication(self) -> &'static str {
        match self {
            Self::Dev | Self::Bench => "scram-sha-256",
            Self::Test => "md5",
        }
    }

    /// The settings, as `name=value`.
    pub(super) fn settings(self, port: u16, sockets: &Path, major: u32) -> Vec<String> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", sockets.display()),
            format!("max_connections={CONNECTIONS_MAX}"),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            // Short statements only: compiling them costs more than it gains.
            "jit=off".to_owned(),
            // Partitions take a lock each; the default counts on few tables.
            "max_locks_per_transaction=256".to_owned(),
            // A statement in the log may hold a person's data.
            "log_min_error_statement=panic".to_owned(),
            "log_parameter_max_length_on_error=0".to_owned(),
        ];
        match self {
            Self::Dev => {
                settings.extend(["shared_buffers=128MB", "max_wal_size=2GB"].map(str::to_owned));
            }
            Self::Bench => settings.extend(
                ["shared_buffers=1GB", "max_wal_size=8GB", "fsync=on", "synchronous_commit=on"]
                    .map(str::to_owned),
            ),
            Self::Test => settings.extend(
                [
                    "shared_buffers=256MB",
                    "fsync=off",
                    "synchronous_commit=on",
                    "full_page_writes=off",
                    // It may stand in memory.
                    "max_wal_size=512MB",
                ]
                .map(str::to_owned),
            ),
        }
        if cfg!(target_os = "linux") && major >= 14 {
            // After a crash the default syncs file by file and takes seconds.
            settings.push("recovery_init_sync_method=syncfs".to_owned());
        }
        settings
    }
}
