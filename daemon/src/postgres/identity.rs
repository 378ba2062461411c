//! Who runs the server. Postgres refuses root, so root chooses somebody else.

use std::{os::unix::fs::MetadataExt, path::Path};

/// A user of this machine, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What "nobody" is where no user of that name exists, as in minimal images.
const NOBODY: Identity = Identity { uid: 65534, gid: 65534 };

impl Identity {
    /// `None`: we are not root and run the server ourselves. Otherwise, in this order: who owns the home, who
    /// owns the folder it is in (the checkout's owner, where somebody called sudo), `postgres`, nobody.
    pub(super) fn choose(home: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let around = home.ancestors().skip(1).find(|dir| dir.is_dir());
        Some(first_of([
            owner(home),
            around.and_then(owner),
            named(&users, "postgres"),
            named(&users, "nobody"),
        ]))
    }

    /// Who we are ourselves.
    pub(super) fn ours() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Whether this user may pass through every folder on the way to a path.
    pub(super) fn can_reach(self, path: &Path) -> bool {
        path.ancestors().skip(1).filter_map(|dir| dir.metadata().ok()).all(|meta| {
            let shift = match () {
                () if meta.uid() == self.uid => 6,
                () if meta.gid() == self.gid => 3,
                () => 0,
            };
            meta.mode() >> shift & 1 == 1
        })
    }
}

fn first_of<const N: usize>(candidates: [Option<Identity>; N]) -> Identity {
    candidates.into_iter().flatten().find(|user| user.uid != 0).unwrap_or(NOBODY)
}

fn owner(path: &Path) -> Option<Identity> {
    let meta = path.metadata().ok()?;
    Some(Identity { uid: meta.uid(), gid: meta.gid() })
}

/// Finds a user in a file like /etc/passwd.
fn named(users: &str, name: &str) -> Option<Identity> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        Some(Identity { uid, gid: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n\
                         postgres:x:101:104:admin:/var/lib/postgresql:/bin/sh\n";

    #[test]
    fn the_user_postgres_is_found_by_name() {
        assert_eq!(named(USERS, "postgres"), Some(Identity { uid: 101, gid: 104 }));
        assert_eq!(named(USERS, "nobody"), None);
    }

    #[test]
    fn a_folder_below_a_private_one_cannot_be_reached() {
        let stranger = Identity { uid: 4_000_001, gid: 4_000_001 };
        assert!(stranger.can_reach(Path::new("/usr/lib/anything")));
        if Path::new("/root").metadata().is_ok_and(|meta| meta.mode() & 1 == 0) {
            assert!(!stranger.can_reach(Path::new("/root/anything")));
        }
    }

    #[test]
    fn root_never_runs_the_server() {
        let root = Some(Identity { uid: 0, gid: 0 });
        assert_eq!(first_of([root, None]), NOBODY);
        assert_eq!(first_of([root, named(USERS, "postgres")]).uid, 101);
    }
}
