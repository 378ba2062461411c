//! What is to leave on a socket, in order, and bounded: whoever puts something in never waits for a slow reader.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The reader is so slow that what waits for it is more than it can ever need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overrun;

/// Something that takes room.
pub(super) trait Weigh {
    /// How many bytes it holds.
    fn bytes(&self) -> usize;
    /// Whether it may be left out when there is too much of it.
    fn is_droppable(&self) -> bool;
}

/// The box. One puts in, one takes out.
#[derive(Debug)]
pub(super) struct Outbox<T> {
    inner: Mutex<Inner<T>>,
    ready: Notify,
    bytes_max: usize,
    droppable_max: usize,
}

#[derive(Debug)]
struct Inner<T> {
    queue: VecDeque<T>,
    bytes: usize,
    droppable: usize,
    is_closed: bool,
}

impl<T: Weigh> Outbox<T> {
    /// At most so many bytes, and so many things that may be left out.
    pub(super) fn new(bytes_max: usize, droppable_max: usize) -> Outbox<T> {
        let inner = Inner { queue: VecDeque::new(), bytes: 0, droppable: 0, is_closed: false };
        Outbox { inner: Mutex::new(inner), ready: Notify::new(), bytes_max, droppable_max }
    }

    /// Puts something at the end. If there is too much that may be left out, the oldest of it goes; gives whether it did.
    pub(super) fn push(&self, item: T) -> Result<bool, Overrun> {
        let mut dropped = false;
        {
            let inner = &mut *self.inner.lock();
            if inner.is_closed {
                return Ok(false);
            }
            if item.is_droppable() {
                if inner.droppable >= self.droppable_max {
                    dropped = inner.drop_oldest();
                }
                inner.droppable += 1;
            }
            inner.bytes += item.bytes();
            if inner.bytes > self.bytes_max {
                return Err(Overrun);
            }
            inner.queue.push_back(item);
        }
        self.ready.notify_one();
        Ok(dropped)
    }

    /// Forgets what waits, and puts this there instead.
    pub(super) fn replace_all(&self, item: T) {
        {
            let inner = &mut *self.inner.lock();
            if inner.is_closed {
                return;
            }
            inner.queue.clear();
            inner.droppable = usize::from(item.is_droppable());
            inner.bytes = item.bytes();
            inner.queue.push_back(item);
        }
        self.ready.notify_one();
    }

    /// The first thing, when there is one. `None`: it is closed, and empty.
    pub(super) async fn pop(&self) -> Option<T> {
        loop {
            let ready = self.ready.notified();
            {
                let inner = &mut *self.inner.lock();
                if let Some(item) = inner.queue.pop_front() {
                    inner.bytes = inner.bytes.saturating_sub(item.bytes());
                    inner.droppable -= usize::from(item.is_droppable());
                    return Some(item);
                }
                if inner.is_closed {
                    return None;
                }
            }
            ready.await;
        }
    }

    /// Whether nothing more is taken: whoever takes out has given up, or whoever puts in has.
    pub(super) fn is_closed(&self) -> bool {
        self.inner.lock().is_closed
    }

    /// Nothing more comes; what is there still leaves.
    pub(super) fn close(&self) {
        self.inner.lock().is_closed = true;
        self.ready.notify_one();
    }
}

impl<T: Weigh> Inner<T> {
    fn drop_oldest(&mut self) -> bool {
        let Some(place) = self.queue.iter().position(Weigh::is_droppable) else { return false };
        let Some(item) = self.queue.remove(place) else { return false };
        self.bytes = self.bytes.saturating_sub(item.bytes());
        self.droppable -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Thing(usize, bool);

    impl Weigh for Thing {
        fn bytes(&self) -> usize {
            self.0
        }
        fn is_droppable(&self) -> bool {
            self.1
        }
    }

    #[tokio::test]
    async fn the_oldest_sound_goes_and_no_word_does() {
        let outbox = Outbox::new(1000, 2);
        for thing in [Thing(1, true), Thing(2, false), Thing(3, true)] {
            assert_eq!(outbox.push(thing), Ok(false));
        }
        assert_eq!(outbox.push(Thing(4, true)), Ok(true));
        outbox.close();
        let mut left = Vec::new();
        while let Some(Thing(number, _)) = outbox.pop().await {
            left.push(number);
        }
        assert_eq!(left, [2, 3, 4]);
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_is_told_of() {
        let outbox = Outbox::new(10, 2);
        assert_eq!(outbox.push(Thing(8, false)), Ok(false));
        assert_eq!(outbox.push(Thing(8, false)), Err(Overrun));
        outbox.replace_all(Thing(1, false));
        assert_eq!(outbox.pop().await, Some(Thing(1, false)));
    }
}
