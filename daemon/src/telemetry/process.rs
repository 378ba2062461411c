//! The conventional `process_*` metrics, read from /proc. Elsewhere than on Linux they are absent.

use metrics::{counter, gauge};

pub(super) const CPU_SECONDS: &str = "process_cpu_seconds_total";
pub(super) const RESIDENT_BYTES: &str = "process_resident_memory_bytes";
pub(super) const OPEN_FDS: &str = "process_open_fds";
pub(super) const MAX_FDS: &str = "process_max_fds";
pub(super) const START_TIME: &str = "process_start_time_seconds";
pub(super) const THREADS: &str = "process_threads";

/// The kernel shows times in ticks of 1/100 s on every platform we build for (`USER_HZ`).
const TICKS_PER_SEC: u64 = 100;

pub(super) fn describe() {
    metrics::describe_counter!(CPU_SECONDS, "Processor time used, user and system.");
    metrics::describe_gauge!(RESIDENT_BYTES, "Memory in RAM.");
    metrics::describe_gauge!(OPEN_FDS, "Open file descriptors.");
    metrics::describe_gauge!(MAX_FDS, "The limit of open file descriptors.");
    metrics::describe_gauge!(START_TIME, "When the process started, in seconds since 1970.");
    metrics::describe_gauge!(THREADS, "Threads of the operating system.");
}

pub(super) fn observe() {
    if let Some(now) = Numbers::read() {
        counter!(CPU_SECONDS).absolute(now.cpu_secs);
        gauge!(RESIDENT_BYTES).set(now.resident_bytes);
        gauge!(OPEN_FDS).set(now.open_fds);
        gauge!(MAX_FDS).set(now.fds_max);
        gauge!(START_TIME).set(now.start_secs);
        gauge!(THREADS).set(now.threads);
    }
}

struct Numbers {
    cpu_secs: u64,
    resident_bytes: f64,
    open_fds: f64,
    fds_max: f64,
    start_secs: f64,
    threads: f64,
}

impl Numbers {
    fn read() -> Option<Self> {
        let text = |path: &str| std::fs::read_to_string(path).ok();
        let stat = text("/proc/self/stat")?;
        // The name in parentheses may hold blanks; what follows it are plain numbers, the first is field 3.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let decimal = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let status = text("/proc/self/status")?;
        let boot = text("/proc/stat")?;
        let limits = text("/proc/self/limits")?;
        let fds = std::fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self {
            cpu_secs: (field(14)? + field(15)?) / TICKS_PER_SEC,
            resident_bytes: after(&status, "VmRSS:")? * 1024.0,
            // One of them is the directory that is being read.
            open_fds: f64::from(u32::try_from(fds).ok()?) - 1.0,
            fds_max: after(&limits, "Max open files")?,
            start_secs: after(&boot, "btime")? + decimal(22)? / 100.0,
            threads: decimal(20)?,
        })
    }
}

/// The number that follows a label at the beginning of a line.
fn after(text: &str, label: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_uses_memory_files_and_threads() {
        let now = Numbers::read().unwrap();
        assert!(now.resident_bytes > 100_000.0 && now.open_fds >= 3.0 && now.threads >= 1.0);
        assert!(now.fds_max >= now.open_fds && now.start_secs > 1.0e9 && now.cpu_secs < 3600);
    }
}
