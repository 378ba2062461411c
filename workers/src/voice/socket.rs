//! A caller's audio stream, once it is let in: what came of its first frames, and its two halves.

use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use clients::{audio::Mulaw, twilio::media::Pen};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};

use super::{
    metrics,
    outbox::{Outbox, Weigh},
};

/// What may wait for the caller's phone company: five minutes of audio. It reads as fast as it is sent.
const DOWN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A frame that does not leave within this is stuck.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// A stream whose beginning was checked.
pub(super) struct Stream {
    pub(super) socket: WebSocket,
    pub(super) stream_sid: String,
}

/// A frame to the phone company, and since when it is on its way here.
#[derive(Debug)]
pub(super) enum Frame {
    Audio(Mulaw<'static>, Instant),
    Mark(String),
    /// Forget what is not played yet; since when the caller speaks.
    Clear(Instant),
}

impl Weigh for Frame {
    fn bytes(&self) -> usize {
        match self {
            Frame::Audio(audio, _) => audio.as_str().len(),
            Frame::Mark(name) => name.len(),
            Frame::Clear(_) => 1,
        }
    }

    /// Every word that is left out would be missed.
    fn is_droppable(&self) -> bool {
        false
    }
}

/// What leaves for the phone company.
pub(super) type Down = Outbox<Frame>;

pub(super) fn down() -> Down {
    Outbox::new(DOWN_BYTES_MAX, usize::MAX)
}

/// Sends what is in the box until it is closed; then says good-bye.
pub(super) async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    stream_sid: String,
    down: std::sync::Arc<Down>,
) {
    let pen = Pen::new(&stream_sid);
    let mut text = String::new();
    while let Some(frame) = down.pop().await {
        match &frame {
            Frame::Audio(audio, _) => pen.media(audio, &mut text),
            Frame::Mark(name) => pen.mark(name, &mut text),
            Frame::Clear(_) => pen.clear(&mut text),
        }
        let sent = sink.send(Message::text(text.as_str()));
        if !matches!(tokio::time::timeout(SEND_WITHIN, sent).await, Ok(Ok(()))) {
            down.close();
            return;
        }
        match frame {
            Frame::Audio(_, since) => metrics::passed_down(since.elapsed()),
            Frame::Clear(since) => metrics::barged_in(since.elapsed()),
            Frame::Mark(_) => {}
        }
    }
    tokio::time::timeout(SEND_WITHIN, sink.close()).await.ok();
}

/// The next text. `None`: the stream has ended.
pub(super) async fn next_text(
    stream: &mut SplitStream<WebSocket>,
) -> Option<axum::extract::ws::Utf8Bytes> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Some(text),
            // Pings are answered below us.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return None,
        }
    }
}
