//! Until something holds. There is no other way to wait in a test.

use std::time::{Duration, Instant};

/// Two busy cores can be this slow, when their host gives them a third of the time; what has not happened by then will not.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// Between two looks: short against what is waited for, long against what a look costs.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see.
///
/// # Panics
/// With `what`, when there is nothing within a minute.
#[track_caller]
pub fn wait_until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        within(LONG, look).await.unwrap_or_else(|| panic!("{caller}: {what}: not within {LONG:?}"))
    }
}

/// Looks again and again until there is something to see, or the time is over.
pub async fn within<T>(time: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(seen) = look().await {
            return Some(seen);
        }
        if Instant::now() >= deadline {
            return None;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one poll of the tests, bounded by a deadline"
        )]
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// For [`wait_until`]: a condition without a value.
pub const fn holds(condition: bool) -> Option<()> {
    if condition { Some(()) } else { None }
}
