//! What a process logs, as a collector of logs reads it: a JSON object a line.

use std::{io, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// A log that is looked at.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What this thread logs from now on, while the guard is held.
    pub fn of_this_thread() -> (Log, DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = subscriber.with_writer(log.clone()).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        (log, guard)
    }

    /// What all threads log from now on: for tests with workers, which have threads of their own. Each test is a process of its
    /// own (`cargo nextest`), so there is no other one to be heard.
    ///
    /// # Panics
    ///
    /// If somebody else listens.
    pub fn of_this_process() -> Log {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = subscriber.with_writer(log.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens");
        log
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }

    /// The lines of an event, in their order.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["event"] == name).collect()
    }

    /// The only line of an event.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    pub fn event(&self, name: &str) -> Value {
        let found = self.events(name);
        let [line] = &found[..] else { panic!("{} lines of {name}: {}", found.len(), self.text()) };
        line.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
