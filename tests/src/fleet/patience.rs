//! Waiting for processes: longer than for what happens inside one.

use std::time::{Duration, Instant};

/// Between two looks: what is looked at is another process's, so a look costs a request.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until there is something to see.
///
/// # Panics
/// With `what`, when there is nothing within the time.
#[track_caller]
pub fn within<T>(
    time: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + time;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(Instant::now() < deadline, "{caller}: {what}: not within {time:?}");
            pause(LOOK_EVERY).await;
        }
    }
}

/// The rhythm of a storm. Nothing is waited for in this way.
#[expect(clippy::disallowed_methods, reason = "polls with a deadline, and storms with a rhythm")]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
