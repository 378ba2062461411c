//! A folder in memory for servers that nobody misses: a database is a thousand small files, and every test makes and removes
//! one. On a disk that takes twice as long as the test.

use std::{fs, path::Path};

/// Linux's own file system in memory.
const FOLDER: &str = "/dev/shm";

/// So much must be free, of the folder and of the machine: a run's databases and their log take up to 3 GiB, and the tests
/// themselves have to live beside them.
const FREE_MIN: u64 = 8 << 30;

/// The folder, if there is plenty of room in it now.
pub(super) fn roomy() -> Option<&'static Path> {
    let folder = rustix::fs::statvfs(FOLDER).ok()?;
    let free = folder.f_bavail.saturating_mul(folder.f_frsize);
    let is_roomy =
        free >= FREE_MIN && available(&fs::read_to_string("/proc/meminfo").ok()?)? >= FREE_MIN;
    is_roomy.then_some(Path::new(FOLDER))
}

/// The folder, if there is one: others may have found room in it.
pub(super) fn folder() -> &'static Path {
    Path::new(FOLDER)
}

/// Bytes of memory that programs may still take, of what the kernel tells (proc(5)).
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        let said = "MemTotal:       24000000 kB\nMemAvailable:   20000000 kB\nBuffers:  1 kB\n";
        assert_eq!(available(said), Some(20_480_000_000));
        assert_eq!(available("MemTotal:       24000000 kB\n"), None);
    }
}
