//! What leaves for whoever listens and speaks. If they are slow, the oldest of the caller's sound goes, and nothing else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clients::audio::Mulaw;

use super::{
    metrics,
    outbox::{Outbox, Weigh},
    speech::{Mouthpiece, Tell},
};

/// What is older is not worth hearing any more: the answer to it would come too late.
const AGE_MAX: Duration = Duration::from_millis(1300);

/// Frames of 20 ms that wait at all: the memory of ten seconds.
const FRAMES_MAX: usize = 512;

/// Words and sound together.
const BYTES_MAX: usize = 1024 * 1024;

/// What does not leave within this is stuck.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// Something on its way up.
#[derive(Debug)]
pub(super) struct Up {
    tell: Tell,
    /// Since when sound is on its way here.
    read: Option<Instant>,
}

impl Up {
    pub(super) fn audio(audio: Mulaw<'static>, read: Instant) -> Up {
        Up { tell: Tell::Audio(audio), read: Some(read) }
    }

    pub(super) fn of(tell: Tell) -> Up {
        Up { tell, read: None }
    }
}

impl Weigh for Up {
    fn bytes(&self) -> usize {
        match &self.tell {
            Tell::Audio(audio) => audio.as_str().len(),
            Tell::Note { text, .. } => text.len(),
            Tell::Answer { id, text } => id.len() + text.len(),
            Tell::Heard { item, .. } => item.len(),
            Tell::Speak(_) => 1,
        }
    }

    fn is_droppable(&self) -> bool {
        self.read.is_some()
    }
}

/// What leaves.
pub(super) type Uplink = Outbox<Up>;

pub(super) fn uplink() -> Uplink {
    Outbox::new(BYTES_MAX, FRAMES_MAX)
}

/// Tells what is in the box until it is closed. One that breaks is noticed by the ear of the same conversation.
pub(super) async fn write(mut mouthpiece: Box<dyn Mouthpiece>, uplink: Arc<Uplink>) {
    while let Some(up) = uplink.pop().await {
        if up.read.is_some_and(|read| read.elapsed() > AGE_MAX) {
            metrics::dropped_up();
            continue;
        }
        let told = mouthpiece.tell(&up.tell);
        if !matches!(tokio::time::timeout(SEND_WITHIN, told).await, Ok(Ok(()))) {
            break;
        }
        if let Some(read) = up.read {
            metrics::passed_up(read.elapsed());
        }
    }
    uplink.close();
    tokio::time::timeout(SEND_WITHIN, mouthpiece.close()).await.ok();
}
