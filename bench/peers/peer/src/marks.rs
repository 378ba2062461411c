//! Where handlers say that they have begun. For the whole process: some peers give a handler nothing but its arguments.

use std::{
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::watch;

static FIRST: OnceLock<Instant> = OnceLock::new();
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// After how many starts somebody wants to be woken.
static WANTED: AtomicUsize = AtomicUsize::new(usize::MAX);
static REACHED: LazyLock<watch::Sender<Option<Instant>>> =
    LazyLock::new(|| watch::Sender::new(None));

/// A handler's first line.
pub fn mark() {
    FIRST.get_or_init(Instant::now);
    if COUNT.fetch_add(1, Ordering::Relaxed) + 1 == WANTED.load(Ordering::Relaxed) {
        REACHED.send_replace(Some(Instant::now()));
    }
}

/// When the first one began.
pub(crate) fn first() -> Option<Instant> {
    FIRST.get().copied()
}

/// Asks for the start after so many more, before the job that makes it is added.
pub(crate) fn after(more: usize) -> watch::Receiver<Option<Instant>> {
    REACHED.send_replace(None);
    WANTED.store(COUNT.load(Ordering::Relaxed) + more, Ordering::Relaxed);
    REACHED.subscribe()
}

/// When that was.
pub(crate) async fn reached(
    mut asked: watch::Receiver<Option<Instant>>,
) -> anyhow::Result<Instant> {
    let at = asked.wait_for(Option::is_some).await?;
    (*at).ok_or_else(|| anyhow::anyhow!("nothing was reached"))
}
