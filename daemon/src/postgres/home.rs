//! A server's folder: where it may be, who may enter it, and who owns it at the moment.

use std::{
    fs::{self, File, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Error, error::Trying, identity::Identity, memory, pidfile::PidFile};

/// Where homes go that the server's user could not reach, such as those below /root.
const FALLBACK: &str = "/var/tmp";

/// Marks a home that nobody misses.
const EPHEMERAL: &str = "ephemeral";

/// A folder that is ours until this is dropped, or the process dies.
pub(super) struct Home {
    pub(super) dir: PathBuf,
    /// Who runs the server, if not ourselves.
    pub(super) user: Option<Identity>,
    ephemeral: bool,
    _lock: File,
}

impl Home {
    /// Makes the folder if need be, and takes it.
    pub(super) fn take(wanted: &Path, ephemeral: bool) -> Result<Self, Error> {
        let wanted =
            std::path::absolute(wanted).trying(|| format!("resolve {}", wanted.display()))?;
        let user = Identity::choose(&wanted);
        let elsewhere = if let Some(memory) = memory::roomy().filter(|_| ephemeral) {
            Some(memory)
        } else {
            user.filter(|user| !user.can_reach(&wanted)).map(|_| Path::new(FALLBACK))
        };
        let dir = elsewhere.map_or_else(
            || wanted.clone(),
            |folder| folder.join(format!("trunkline-{}", short_hash(&wanted))),
        );
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).trying(|| format!("create {}", parent.display()))?;
        }
        private_dir(&dir, user)?;
        let lock = lock(&dir)?.ok_or_else(|| Error::InUse { home: dir.clone() })?;
        if ephemeral {
            File::create(dir.join(EPHEMERAL)).trying(|| format!("write in {}", dir.display()))?;
        }
        Ok(Self { dir, user, ephemeral, _lock: lock })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// A folder for the socket. The path of a socket has 107 bytes at most, so it cannot be in the home.
    pub(super) fn sockets(&self) -> Result<PathBuf, Error> {
        let dir = socket_dir(&self.dir);
        private_dir(&dir, self.user)?;
        Ok(dir)
    }

    /// Writes a file that only the server's user (and root) can read.
    pub(super) fn write_private(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.dir.join(name);
        let what = || format!("write {}", path.display());
        fs::write(&path, "").trying(what)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).trying(what)?;
        give(&path, self.user)?;
        fs::write(&path, text).trying(what)?;
        Ok(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(socket_dir(&self.dir));
        if self.ephemeral {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Removes the ephemeral homes in a folder whose owner died before it could.
pub fn sweep_abandoned(folder: &Path) {
    let folders = [folder, Path::new(FALLBACK), memory::folder()];
    let entries = folders.into_iter().flat_map(fs::read_dir).flatten().flatten();
    for dir in entries.map(|entry| entry.path()).filter(|dir| dir.join(EPHEMERAL).is_file()) {
        let alive = PidFile::read(&dir.join("data")).is_some_and(|server| server.is_alive());
        if let (false, Ok(Some(lock))) = (alive, lock(&dir)) {
            let _ = fs::remove_dir_all(socket_dir(&dir));
            let _ = fs::remove_dir_all(&dir);
            drop(lock);
        }
    }
}

/// The lock, or `None` when somebody else has it.
fn lock(dir: &Path) -> Result<Option<File>, Error> {
    let path = dir.join("lock");
    let file = File::create(&path).trying(|| format!("create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => {
            Err(Error::Io { what: format!("lock {}", path.display()), source })
        }
    }
}

/// Makes a folder that only its user can enter. In a shared folder a stranger may have been there first.
fn private_dir(dir: &Path, user: Option<Identity>) -> Result<(), Error> {
    let made = fs::DirBuilder::new().mode(0o700).create(dir);
    if let Err(error) = made
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(Error::Io { what: format!("create {}", dir.display()), source: error });
    }
    let meta = fs::symlink_metadata(dir).trying(|| format!("look at {}", dir.display()))?;
    let allowed = [Some(Identity::ours().uid), user.map(|user| user.uid)];
    if !meta.is_dir() || !allowed.contains(&Some(meta.uid())) {
        return Err(Error::NotOurs { path: dir.to_owned(), owner: meta.uid() });
    }
    give(dir, user)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))
        .trying(|| format!("protect {}", dir.display()))
}

fn give(path: &Path, user: Option<Identity>) -> Result<(), Error> {
    match user {
        Some(user) => chown(path, Some(user.uid), Some(user.gid))
            .trying(|| format!("give {} to user {}", path.display(), user.uid)),
        None => Ok(()),
    }
}

fn socket_dir(home: &Path) -> PathBuf {
    Path::new("/tmp").join(format!("trunkline-{}", short_hash(home)))
}

/// Eight characters that stand for a path.
fn short_hash(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_owner_at_a_time_and_goes_when_it_was_ephemeral() {
        let dir = std::env::temp_dir().join(format!("trunkline-home-{}", std::process::id()));
        let first = Home::take(&dir, true).unwrap();
        assert!(matches!(Home::take(&dir, true), Err(Error::InUse { .. })));
        let made = first.dir.clone();
        assert!(made.join(EPHEMERAL).is_file());
        drop(first);
        assert!(!made.exists());
    }

    #[test]
    fn what_an_owner_left_behind_is_swept_but_not_what_is_in_use() {
        let folder = std::env::temp_dir().join(format!("trunkline-sweep-{}", std::process::id()));
        let used = Home::take(&folder.join("used"), true).unwrap();
        fs::create_dir_all(folder.join("left")).unwrap();
        File::create(folder.join("left").join(EPHEMERAL)).unwrap();
        sweep_abandoned(&folder);
        assert!(used.dir.exists() && !folder.join("left").exists());
        drop(used);
        fs::remove_dir_all(folder).unwrap();
    }
}
