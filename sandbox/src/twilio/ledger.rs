//! Accepted messages on disk, one JSON line each, so that others can count them, and so that the
//! sandbox still knows them after it was killed: Twilio would.

use std::{io, path::Path};

use clients::twilio::MessageStatus;
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::text::Text;

/// Lines that share one fsync. The disk waits for no one; those who arrive meanwhile go together.
const LINES_PER_SYNC_MAX: usize = 1_024;

/// A line, and who waits for it to be on disk.
type Entry = (Vec<u8>, oneshot::Sender<()>);

/// Where lines are handed in. Each of the few requests in flight has at most one in the channel,
/// so it needs no bound of its own.
#[derive(Clone)]
pub(super) struct Ledger(mpsc::UnboundedSender<Entry>);

/// Puts lines on disk.
pub(super) struct Writer {
    file: File,
    entries: mpsc::UnboundedReceiver<Entry>,
}

impl Ledger {
    /// Opens the file and reads what is in it. What a crash has cut off is skipped.
    pub(super) async fn open(path: &Path) -> io::Result<(Self, Writer, Vec<Text>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).await?;
        let mut written = Vec::new();
        file.read_to_end(&mut written).await?;
        if !written.is_empty() && !written.ends_with(b"\n") {
            file.write_all(b"\n").await?;
        }
        let lines = written.split(|byte| *byte == b'\n');
        let texts = lines.filter_map(|line| serde_json::from_slice(line).ok());
        let texts = texts.map(arrived).collect();
        let (sender, entries) = mpsc::unbounded_channel();
        Ok((Self(sender), Writer { file, entries }, texts))
    }

    /// Hands a message in. The answer comes when it is on disk, or is dropped when it cannot be.
    pub(super) fn append(&self, text: &Text) -> oneshot::Receiver<()> {
        let (done, waiting) = oneshot::channel();
        if let Ok(mut line) = serde_json::to_vec(text) {
            line.push(b'\n');
            // An error means that the writer has ended; `done` goes with it.
            let _ = self.0.send((line, done));
        }
        waiting
    }
}

/// While the sandbox was away the phone network was not.
fn arrived(mut text: Text) -> Text {
    text.updated_at = text.created_at;
    text.sent_at = Some(text.created_at);
    text.status = MessageStatus::Delivered;
    text
}

impl Writer {
    /// Writes until `stop`, and then what is still waiting. After a failure nothing more is written,
    /// and whoever hands a line in gets no receipt.
    pub(super) async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let end = self.write_all(stop).await;
        if let Err(error) = &end {
            error!(%error, "the sandbox's ledger cannot be written");
        }
        end
    }

    async fn write_all(mut self, stop: CancellationToken) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let waited = self.entries.recv_many(&mut batch, LINES_PER_SYNC_MAX);
            if stop.run_until_cancelled(waited).await.is_none() {
                self.entries.close();
                while let Ok(entry) = self.entries.try_recv() {
                    batch.push(entry);
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.write(&mut batch).await?;
        }
    }

    async fn write(&mut self, batch: &mut Vec<Entry>) -> io::Result<()> {
        let lines: Vec<u8> = batch.iter().flat_map(|(line, _)| line).copied().collect();
        self.file.write_all(&lines).await?;
        self.file.flush().await?;
        self.file.sync_data().await?;
        for (_, done) in batch.drain(..) {
            let _ = done.send(()); // an error means that the caller has hung up
        }
        Ok(())
    }
}
