//! Until something holds. There is no other way to wait in a test.

use std::time::{Duration, Instant};

/// Two busy cores can be this slow; what has not happened by then will not.
const DEADLINE: Duration = Duration::from_secs(30);

/// Between two looks: short against what is waited for, long against what a look costs.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see.
///
/// # Panics
/// With `what`, when there is nothing within 30 s.
#[track_caller]
pub fn wait_until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(Instant::now() < deadline, "{caller}: {what}: not within {DEADLINE:?}");
            #[expect(
                clippy::disallowed_methods,
                reason = "the one poll of the tests, bounded by a deadline"
            )]
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// For [`wait_until`]: a condition without a value.
pub const fn holds(condition: bool) -> Option<()> {
    if condition { Some(()) } else { None }
}
